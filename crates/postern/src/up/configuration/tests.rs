#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Configuration, Folder, Ports};

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
