//! `postern config`, and errors in postern.toml.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{System, programs};

fn check(file: &Path, variables: &[(&str, &str)]) -> Output {
    Command::new(programs().join("postern"))
        .args(["config", "check"])
        .arg(file)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The configuration of the running system, changed, in a folder of its own.
fn changed(folder: &Path, change: impl FnOnce(String) -> String) -> std::path::PathBuf {
    let system = System::shared();
    let text = std::fs::read_to_string(system.data().join("postern.toml")).unwrap();
    for files in ["tls", "secrets"] {
        let from = system.data().join(files);
        Command::new("cp")
            .arg("-r")
            .arg(from)
            .arg(folder)
            .status()
            .unwrap();
    }
    let file = folder.join("postern.toml");
    std::fs::write(&file, change(text)).unwrap();
    file
}

#[test]
fn a_configuration_in_use_is_well() {
    let system = System::shared();
    let checked = system.json(&["config", "check"]);
    assert_eq!(checked["well"], true, "{checked}");
    let folder = tempfile::tempdir().unwrap();
    let output = check(&changed(folder.path(), |text| text), &[]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_wrong_word_in_any_section_is_told_with_its_line() {
    for (section, line, expected) in [
        (
            "queue",
            "lease-second = 5",
            "[queue] lease-second: no such key; did you mean lease-seconds?",
        ),
        (
            "mailbox-store",
            "lsten = 5",
            "[mailbox-store] lsten: no such key; did you mean listen?",
        ),
        (
            "smtp-server",
            "max-refusal = 5",
            "[smtp-server] max-refusal: no such key; did you mean max-refusals?",
        ),
        (
            "delivery",
            "conections = 5",
            "[delivery] conections: no such key; did you mean connections?",
        ),
        (
            "imap",
            "autologout-seconds = \"1 h\"",
            "[imap] autologout-seconds: the text `1 h` is not a whole number",
        ),
        (
            "pop3",
            "thread = 5",
            "[pop3] thread: no such key; did you mean threads?",
        ),
        (
            "collector",
            "authorities = \"none.pem\"",
            "[collector] authorities: none.pem cannot be read",
        ),
        (
            "delivery",
            "connections = 0",
            "[delivery] connections: `0` cannot be used: a whole number, 1 or more",
        ),
        (
            "smtp-server",
            "max-hops = 101",
            "[smtp-server] max-hops: `101` cannot be used: a whole number, 1 to 100",
        ),
        (
            "database",
            "max-connections = 0",
            "[database] max-connections: `0` cannot be used: a whole number, 1 or more",
        ),
        (
            "telemetry",
            "otlp-endpoint = \"nonsense\"",
            "[telemetry] otlp-endpoint: `nonsense` is no URL",
        ),
        ("log", "format = 5", "[log] format: "),
        (
            "tls",
            "certficate = \"x\"",
            "[tls] certficate: no such key; did you mean certificate?",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let heading = format!("[{section}]\n");
        let file = changed(folder.path(), |text| {
            if text.contains(&heading) {
                text.replace(&heading, &format!("{heading}{line}\n"))
            } else {
                format!("{text}\n{heading}{line}\n")
            }
        });
        let text = std::fs::read_to_string(&file).unwrap();
        let number = 1 + text.lines().position(|one| one == line).unwrap();
        let output = check(&file, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let place = format!("{}, line {number}: {expected}", file.display());
        assert!(said(&output).contains(&place), "{place}\n{}", said(&output));
        assert_eq!(
            said(&output).matches(&place).count(),
            1,
            "{}",
            said(&output)
        );
    }
}

#[test]
fn an_address_that_two_services_of_one_machine_want_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let address = "127.0.0.1:9";
    let set = |text: String, section: &str| {
        let section = text.find(&format!("\n[{section}]\n")).unwrap();
        let begins = section + text[section..].find("metrics = ").unwrap();
        let ends = begins + text[begins..].find('\n').unwrap();
        format!(
            "{}metrics = \"{address}\"{}",
            &text[..begins],
            &text[ends..]
        )
    };
    let file = changed(folder.path(), |text| set(set(text, "imap"), "pop3"));
    let output = check(&file, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told = format!("[pop3] metrics: {address} is taken already: [imap] metrics is {address}");
    assert_eq!(said(&output).matches(&told).count(), 1, "{}", said(&output));
    assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
}

#[test]
fn variables_are_checked_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = changed(folder.path(), |text| text);
    for (name, value, expected) in [
        (
            "POSTERN_IMAP__MAX_CONECTIONS",
            "5",
            "did you mean max-connections?",
        ),
        (
            "POSTERN_QUEUE__WRITERS",
            "many",
            "[queue] writers: the text `many`",
        ),
        (
            "POSTERN_LOG_LEVEL",
            "debug",
            "did you mean POSTERN_LOG__LEVEL?",
        ),
    ] {
        let output = check(&file, &[(name, value)]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(
            said(&output).contains(&format!("{name}: ")),
            "{}",
            said(&output)
        );
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}

#[test]
fn up_refuses_a_wrong_word_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), None, None).unwrap();
    std::fs::set_permissions(
        folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o711),
    )
    .unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let port = test_kit::free_port();
    std::fs::write(
        data.join("postern.toml"),
        format!("[imap]\nmax-conections = 5\n[[imap.listener]]\naddress = \"127.0.0.1:{port}\"\n"),
    )
    .unwrap();
    let output = Command::new(programs().join("postern"))
        .arg("--data")
        .arg(&data)
        .args(["up", "--port-base", "23000"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = said(&output);
    assert!(
        said.contains("[imap] max-conections: no such key; did you mean max-connections?"),
        "{said}"
    );
    assert!(said.contains("postern.toml, line "), "{said}");
}

#[test]
fn the_reference_in_the_documents_is_that_of_the_code() {
    let output = Command::new(programs().join("postern"))
        .args(["config", "reference"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let page = String::from_utf8(output.stdout).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    assert!(
        std::fs::read_to_string(file).unwrap() == page,
        "docs/configuration.md is not up to date: postern config reference > docs/configuration.md"
    );
}

#[test]
fn every_key_of_the_reference_is_explained_and_numbers_have_units() {
    let output = Command::new(programs().join("postern"))
        .args(["config", "reference", "--json"])
        .output()
        .unwrap();
    let sections: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        sections.len(),
        9,
        "the shared keys, those of each section, seven processes"
    );
    for key in sections
        .iter()
        .flat_map(|section| section["keys"].as_array().unwrap())
    {
        let name = &key["name"];
        assert_ne!(key["meaning"], "", "{name} is not explained");
        assert_ne!(key["kind"], "", "{name} has no type");
        let number = key["kind"] == "whole number";
        assert!(!number || key["unit"] != "", "{name} has no unit");
    }
}
