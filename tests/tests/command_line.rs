//! The commands, as used by a person and by a script.

use crate::harness::{Imap, SOON, System, eventually, unique};

#[test]
fn domains_and_users_come_and_go() {
    let system = System::shared();
    let domain = unique("cli") + ".test";
    let user = format!("bob@{domain}");
    system.postern(&["domain", "add", &domain], "");
    assert!(system.postern(&["domain", "list"], "").contains(&domain));
    let domains = system.json(&["domain", "list"]);
    assert!(
        domains
            .as_array()
            .unwrap()
            .iter()
            .any(|listed| listed["name"] == domain.as_str()),
        "{domains}"
    );

    system.postern(&["user", "add", &user, "--password-stdin"], "first\n");
    assert!(
        Imap::inbox(system.ports().imap, &user).is_err(),
        "the password is `first`"
    );
    system.postern(&["user", "password", &user, "--password-stdin"], "secret\n");
    Imap::inbox(system.ports().imap, &user).unwrap();
    let users = system.json(&["user", "list", &domain]);
    assert_eq!(users.as_array().unwrap().len(), 1, "{users}");

    let again = system.command(&["user", "add", &user, "--password-stdin"], "x\n");
    assert_eq!(again.status.code(), Some(1), "such a user exists");
    system.postern(&["user", "remove", &user, "--yes"], "");
    assert_eq!(
        system
            .json(&["user", "list", &domain])
            .as_array()
            .unwrap()
            .len(),
        0
    );
    system.postern(&["domain", "remove", &domain], "");
    let gone = system.command(&["domain", "remove", &domain], "");
    assert_eq!(gone.status.code(), Some(1), "there is no such domain");
}

#[test]
fn a_message_is_sent_and_its_story_is_told() {
    let system = System::shared();
    let domain = unique("story") + ".test";
    let user = format!("bob@{domain}");
    system.add_domain(&domain);
    system.add_users(&[&user]);
    let sent = system.json(&[
        "send",
        "--from",
        &user,
        "--to",
        &user,
        "--subject",
        "A story",
        "--body",
        "text",
        "--wait",
        "1 min",
    ]);
    assert_eq!(sent["recipients"][0]["outcome"], "delivered", "{sent}");
    let number = sent["message"].to_string();
    let story = system.json(&["queue", "show", &number]);
    assert_eq!(story["history"][0]["outcome"], "delivered", "{story}");
    assert!(
        system
            .postern(&["queue", "show", &number], "")
            .contains("delivered")
    );
    assert!(system.json(&["queue", "list"]).is_array());
    assert_eq!(
        system
            .command(&["queue", "show", "999999999"], "")
            .status
            .code(),
        Some(1)
    );

    // A message from a file, with its recipients in the header.
    let text = format!("From: {user}\nTo: {user}\nSubject: from a pipe\n\ntext\n");
    system.postern(&["send", "--from", &user, "-t"], &text);
    let mut imap = Imap::inbox(system.ports().imap, &user).unwrap();
    eventually("both messages", SOON, || {
        (imap.uids().unwrap().len() == 2).then_some(())
    });
}

#[test]
fn a_policy_is_shown_compared_applied_and_refused_as_a_whole() {
    let system = System::start();
    let document = "[[domain]]\nname = \"one.test\"\ndeliver = \"mailboxes\"\n";
    system.apply_policy(document);
    assert_eq!(system.postern(&["policy", "show"], ""), document);
    let before = system.json(&["policy", "show"])["revision"]
        .as_u64()
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, document.replace("one.test", "two.test")).unwrap();
    let diff = system.command(&["policy", "diff", path], "");
    assert_eq!(diff.status.code(), Some(1));
    let text = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert!(
        text.contains("-name = \"one.test\"") && text.contains("+name = \"two.test\""),
        "{text}"
    );
    system.postern(&["policy", "apply", path], "");
    assert!(
        system.json(&["policy", "show"])["revision"]
            .as_u64()
            .unwrap()
            > before
    );
    assert_eq!(
        system.command(&["policy", "diff", path], "").status.code(),
        Some(0)
    );

    std::fs::write(&file, "[[domain]]\nname = \"not a domain\"\n").unwrap();
    let refused = system.command(&["policy", "apply", path], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("2"),
        "the line is named"
    );
    // The effects of a failed command.
    let refused = system.command(&["policy", "apply", "-"], "# nothing\n");
    assert_eq!(refused.status.code(), Some(1));
    assert!(system.postern(&["policy", "show"], "").contains("two.test"));
}

#[test]
fn explain_says_what_would_happen_and_why() {
    let system = System::shared();
    let domain = unique("explain") + ".test";
    let user = format!("bob@{domain}");
    system.add_domain(&domain);
    system.add_users(&[&user]);
    let outside = [
        "explain",
        "--peer",
        "203.0.113.9",
        "--class",
        "external",
        "--from",
        "a@x.test",
        "--to",
    ];
    let accepted = system.command(&[outside.as_slice(), &[&user]].concat(), "");
    assert_eq!(
        accepted.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&accepted.stdout)
    );
    let refused = system.command(
        &[outside.as_slice(), &["b@elsewhere.test", "--json"]].concat(),
        "",
    );
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(text.contains("relay-denied"), "{text}");
}

#[test]
fn status_shows_every_process() {
    let status = System::shared().json(&["status"]);
    assert_eq!(status["well"], true, "{status}");
    let names: Vec<&str> = status["processes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|process| process["name"].as_str().unwrap())
        .collect();
    for name in [
        "queue",
        "mailbox-store",
        "delivery",
        "smtp-server",
        "imap",
        "pop3",
        "collector",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[test]
fn without_a_system_a_command_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(crate::harness::programs().join("postern"))
        .args(["domain", "list", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("postern up"), "{said}");
}

#[test]
fn an_application_password_opens_the_mailbox_until_it_is_taken_back() {
    let system = System::shared();
    let domain = unique("app") + ".test";
    let user = format!("bob@{domain}");
    system.add_domain(&domain);
    system.add_users(&[&user]);
    let made = system.json(&["user", "app-password", "add", &user, "--name", "phone"]);
    let password = made["password"].as_str().unwrap();
    Imap::inbox_by(system.ports().imap, &user, password).unwrap();
    Imap::inbox(system.ports().imap, &user).unwrap();
    let listed = system.json(&["user", "app-password", "list", &user]);
    assert_eq!(listed[0]["name"], "phone", "{listed}");
    assert!(!listed.to_string().contains(password), "it is shown once");
    let again = system.command(
        &["user", "app-password", "add", &user, "--name", "phone"],
        "",
    );
    assert_eq!(again.status.code(), Some(1), "there is one of that name");
    let remove = ["user", "app-password", "remove", &user, "--name", "phone"];
    let refused = system.command(&remove, "");
    assert_eq!(refused.status.code(), Some(2), "it cannot be brought back");
    system.postern(&[&remove[..], &["--yes"]].concat(), "");
    assert!(Imap::inbox_by(system.ports().imap, &user, password).is_err());
    Imap::inbox(system.ports().imap, &user).unwrap();
}

/// One rule for every removal: it lists what depends on the object, asks for `--yes`, and names the way back;
/// `status` reports a problem while something is missing.
#[test]
fn what_others_depend_on_is_not_just_taken_away() {
    let system = System::start();
    system.apply_policy(
        r#"
        [delivery]
        postmaster = "bob@use.test"
        [[gateway]]
        name = "isp"
        hosts = ["127.0.0.1:1"]
        login = { user = "office", secret = "in-use" }
        [[domain]]
        name = "use.test"
        aliases = ["alias.test"]
        deliver = "mailboxes"
        unmatched = { catch-all = "bob" }
        [[domain.handler]]
        match = "sales-*"
        deliver = { mailbox = "bob" }
        "#,
    );
    let user = "bob@use.test";
    let troubles = || {
        let status = system.command(&["status", "--json"], "");
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        (status.status.code(), text)
    };
    let (code, text) = troubles();
    assert_eq!(code, Some(1));
    assert!(text.contains("there is no such user"), "{text}");
    assert!(
        text.contains("the secret in-use (gateway isp) is not set"),
        "{text}"
    );
    system.add_users(&[user]);
    system.postern(&["secret", "set", "in-use"], "secret");
    let (code, text) = troubles();
    assert_eq!(code, Some(0), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.toml");
    std::fs::write(
        &other,
        "[[domain]]\nname = \"other.test\"\ndeliver = \"mailboxes\"\n",
    )
    .unwrap();
    let revision = system.json(&["policy", "show"])["revision"].to_string();
    let way_back = format!("policy rollback {revision}");
    for (command, named) in [
        (&["secret", "remove", "in-use"][..], &["gateway isp"][..]),
        (
            &["domain", "remove", "use.test"],
            &[user, "alias.test", "sales-*", "postmaster", &way_back],
        ),
        (
            &["user", "remove", user],
            &["[delivery] postmaster", "catch-all", "handler sales-*"],
        ),
        (
            &["policy", "apply", other.to_str().unwrap()],
            &[user, "sales-*", &way_back],
        ),
        (&["policy", "rollback", "1"], &[user, "sales-*", &way_back]),
    ] {
        let refused = system.command(command, "");
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{command:?}: {text}");
        assert!(text.contains("--yes"), "{text}");
        for name in named {
            assert!(
                text.contains(name),
                "{command:?} does not name {name}: {text}"
            );
        }
    }
    assert_eq!(troubles().0, Some(0), "nothing was changed");
    assert_eq!(
        system.json(&["policy", "show"])["revision"].to_string(),
        revision
    );

    system.postern(&["domain", "remove", "use.test", "--yes"], "");
    system.postern(&["policy", "rollback", &revision], "");
    system.postern(&["secret", "remove", "in-use", "--yes"], "");
    system.postern(&["user", "remove", user, "--yes"], "");
    let (code, text) = troubles();
    assert_eq!(code, Some(1));
    assert!(text.contains("catch-all"), "{text}");
}

#[test]
fn what_mail_waits_for_is_not_removed_without_a_word() {
    let system = System::start();
    let user = "bob@waits.test";
    system.add_domain("waits.test");
    system.add_users(&[user]);
    let relay = ["domain", "add", "relay.test", "--deliver", "direct"];
    system.postern(&[&relay[..], &["--from", "trusted"]].concat(), "");
    // What a client of SMTP may write, `send` takes, too.
    for to in [user, "a..b@relay.test"] {
        let words = ["send", "--from", user, "--to", to, "--body", "later"];
        let held = [&words[..], &["--hold-until", "2 days"]].concat();
        system.postern(&held, "");
    }
    for (command, waits, way_back) in [
        (
            ["user", "remove", user],
            "1 message waits in the queue for bob@waits.test",
            "cannot be brought back",
        ),
        (
            ["domain", "remove", "relay.test"],
            "1 message waits in the queue for relay.test",
            "policy rollback",
        ),
        (
            ["domain", "remove", "waits.test"],
            "1 message waits in the queue for waits.test",
            "policy rollback",
        ),
    ] {
        let refused = system.command(&command, "");
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{command:?}: {text}");
        for part in [waits, way_back, "--yes"] {
            assert!(text.contains(part), "{command:?}: {text}");
        }
        if command[2] != user {
            system.postern(&[&command[..], &["--yes"]].concat(), "");
        }
    }
    let status = system.command(&["status"], "");
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    assert_eq!(status.status.code(), Some(1), "{text}");
    assert!(
        text.contains("no mail reaches 1 user of waits.test, a domain without a rule"),
        "{text}"
    );

    system.postern(&["user", "remove", user, "--yes"], "");
    let status = system.command(&["status"], "");
    assert_eq!(status.status.code(), Some(0));
    for yes in [&[][..], &["--yes"]] {
        let nobody = [&["user", "remove", user][..], yes].concat();
        let refused = system.command(&nobody, "");
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains("is not a user"), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let system = System::shared();
    for (words, code, part) in [
        (&["queue", "history", "--limit", "0"][..], 2, "at least 1"),
        (&["queue", "list", "--limit", "0"], 2, "at least 1"),
        (&["refusals", "list", "--limit", "0"], 2, "at least 1"),
        (&["quarantine", "list", "--limit", "0"], 2, "at least 1"),
        (&["policy", "list", "--limit", "0"], 2, "--limit"),
        (&["secret", "set", ""], 2, "<NAME>"),
        (&["secret", "remove", ""], 2, "<NAME>"),
        (
            &["refusals", "list", "--verdict", "nope"],
            2,
            "relay-denied",
        ),
        (
            &[
                "explain",
                "--listener",
                "nope",
                "--peer",
                "203.0.113.9",
                "--from",
                "a@x.test",
                "--to",
                "b@y.test",
            ],
            2,
            "no listener nope",
        ),
        (
            &["user", "add", "a..b@x", "--password-stdin"],
            2,
            "two in a row: that needs quotes",
        ),
        (
            &["--data", "/nonexistent", "status"],
            3,
            "no system at /nonexistent: the folder does not exist",
        ),
        (
            &["--data", "/nonexistent", "user", "list"],
            3,
            "no system at /nonexistent: the folder does not exist",
        ),
    ] {
        let refused = system.command(words, "x\n");
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{words:?}: {text}");
        assert!(text.contains(part), "{words:?}: {text}");
    }
}
