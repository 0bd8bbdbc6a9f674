#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Configuration, Folder, Ports};
use crate::up::report;

fn prepare(folder: &Folder, base: Option<u16>) -> Configuration {
    let ports = Ports::asked(None, base).unwrap();
    Configuration::prepare(folder, ports, Some("postgres://here")).unwrap()
}

#[test]
fn the_first_run_writes_everything_and_the_second_changes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::open(parent.path()).unwrap();
    let first = prepare(&folder, None);
    let text = std::fs::read_to_string(first.path()).unwrap();
    assert!(text.contains("address = \"127.0.0.1:2025\""), "{text}");
    assert!(text.contains("url = \"postgres://here\""), "{text}");
    assert!(folder.certificate().exists() && folder.key().exists());
    let second = prepare(&folder, None);
    assert_eq!(std::fs::read_to_string(second.path()).unwrap(), text);
    assert_eq!(first.listeners().len(), 7);
    assert_eq!(first.metrics().len(), 7);
}

#[test]
fn what_the_administrator_wrote_stays_and_ports_move_when_asked() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::open(parent.path()).unwrap();
    std::fs::write(
        folder.configuration(),
        "hostname = \"mx.test\" # mine\n[imap]\nmax-connections = 7\n[[imap.listener]]\naddress = \"127.0.0.1:9143\"\ntls = \"none\"\n",
    )
    .unwrap();
    let kept = prepare(&folder, None);
    let text = std::fs::read_to_string(kept.path()).unwrap();
    assert!(
        text.contains("# mine") && text.contains("max-connections = 7"),
        "{text}"
    );
    assert_eq!(
        kept.listeners_of("imap").first().unwrap().address.port(),
        9143
    );
    let moved = prepare(&folder, Some(5000));
    assert_eq!(
        moved.listeners_of("imap").first().unwrap().address.port(),
        5143
    );
}

#[test]
fn a_listener_that_moves_keeps_what_was_set_for_it() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::open(parent.path()).unwrap();
    let written = |base: u16| {
        format!(
            r#"[smtp-server]
metrics = "192.0.2.1:{}"
[[smtp-server.listener]]
address = "192.0.2.1:{}" # to the provider
class = "external"
name = "outside"
[[smtp-server.listener]]
address = "192.0.2.2:{}"
role = "mx"
class = "internal"
[[smtp-server.listener]]
address = "192.0.2.1:{}"
role = "submission"
tls = "implicit"
plaintext-auth = true
[[smtp-server.listener]]
address = "192.0.2.1:10025" # the filter's
class = "dmz"
"#,
            9104 + base,
            25 + base,
            25 + base,
            465 + base
        )
    };
    std::fs::write(folder.configuration(), written(2000)).unwrap();
    let moved = prepare(&folder, Some(5000));
    let text = std::fs::read_to_string(moved.path()).unwrap();
    let own = text.split("[smtp-server]").nth(1).unwrap();
    let lines = own.lines().filter(|line| !line.starts_with("health"));
    let other = |line: &str| line.starts_with('[') && !line.starts_with("[[smtp-server.");
    let lines: Vec<&str> = lines.take_while(|line| !other(line)).collect();
    let expected = written(5000);
    let expected = expected.split("[smtp-server]").nth(1).unwrap();
    assert_eq!(
        lines.join("\n").trim(),
        expected.lines().collect::<Vec<_>>().join("\n").trim()
    );
    assert_eq!(moved.listeners_of("imap")[0].address.port(), 5143);
}

#[test]
fn listeners_take_another_address_and_keep_their_ports() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::open(parent.path()).unwrap();
    std::fs::write(
        folder.configuration(),
        "[imap]\nlistener = [{ address = \"127.0.0.1:9143\", plaintext-auth = true }]\n",
    )
    .unwrap();
    let ports = Ports::asked(Some("192.0.2.1".parse().unwrap()), None).unwrap();
    let moved = Configuration::prepare(&folder, ports, None).unwrap();
    let text = std::fs::read_to_string(moved.path()).unwrap();
    assert!(text.contains("plaintext-auth = true"), "{text}");
    let address = moved.listeners_of("imap")[0].address;
    assert_eq!(address.to_string(), "192.0.2.1:9143");
}

#[test]
fn the_volume_of_the_private_database_is_named_as_long_as_it_is_in_use() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::open(parent.path()).unwrap();
    let text =
        |configuration: &Configuration| std::fs::read_to_string(configuration.path()).unwrap();
    let line = "data-path = \"postgres\"";
    assert!(text(&prepare(&folder, None)).contains(line));
    let elsewhere = Configuration::prepare(&folder, None, None).unwrap();
    assert!(!text(&elsewhere).contains("data-path"));
    // What the administrator knows of another database stays.
    let own = "[database]\ndata-path = \"/srv/postgres\"\n".to_owned() + &text(&elsewhere);
    std::fs::write(folder.configuration(), own.replace("\n[database]\n", "\n")).unwrap();
    let kept = Configuration::prepare(&folder, None, None).unwrap();
    assert!(text(&kept).contains("data-path = \"/srv/postgres\""));
    // Versions before wrote it for the queue alone.
    let before = text(&prepare(&folder, None)).replace("[queue]", &format!("[queue]\n{line}"));
    std::fs::write(folder.configuration(), before).unwrap();
    assert_eq!(text(&prepare(&folder, None)).matches(&line).count(), 1);
}

#[test]
fn half_a_certificate_is_refused_by_name_and_what_is_left_of_it_is_kept() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::open(parent.path()).unwrap();
    prepare(&folder, None);
    for (missing, left) in [
        (folder.key(), folder.certificate()),
        (folder.certificate(), folder.key()),
    ] {
        let removed = std::fs::read(&missing).unwrap();
        let kept = std::fs::read(&left).unwrap();
        std::fs::remove_file(&missing).unwrap();
        let refused = Configuration::prepare(&folder, None, None).unwrap_err();
        let said = refused.to_string();
        assert!(
            said.starts_with(&format!("{} is missing", missing.display())),
            "{said}"
        );
        assert!(!missing.exists());
        assert_eq!(std::fs::read(&left).unwrap(), kept);
        std::fs::write(&missing, removed).unwrap();
    }
    prepare(&folder, None);
}

#[test]
fn what_a_listener_does_not_say_is_what_the_services_take_for_granted() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::open(parent.path()).unwrap();
    std::fs::write(
        folder.configuration(),
        "[[smtp-server.listener]]\naddress = \"127.0.0.1:9025\"\n\
         [[smtp-server.listener]]\naddress = \"127.0.0.1:9587\"\nrole = \"submission\"\n\
         [[smtp-server.listener]]\naddress = \"127.0.0.1:9026\"\ntls = \"none\"\n\
         [[pop3.listener]]\naddress = \"127.0.0.1:9110\"\n",
    )
    .unwrap();
    let configuration = prepare(&folder, None);
    let described = |service: &'static str| {
        let listeners = configuration.listeners_of(service);
        let described = listeners.iter().map(|one| {
            let (title, how) = (report::title(one), report::how(one));
            format!("{title}: {how}")
        });
        described.collect::<Vec<_>>()
    };
    assert_eq!(
        described("smtp-server"),
        [
            "SMTP: mail from other servers; STARTTLS offered",
            "Submission: mail from users, after login; STARTTLS offered",
            "smtp-server: mail from other servers; no TLS",
        ]
    );
    assert_eq!(
        described("pop3"),
        ["POP3: mailboxes, after login; STLS offered"]
    );
}
