#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::io::Write as _;

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Pop3 {
    #[serde(default)]
    max_connections: u32,
    #[serde(default)]
    listener: Vec<Listener>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Listener {
    address: SocketAddr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    listen: String,
}

fn read<C: DeserializeOwned>(
    name: &str,
    text: &str,
    environment: &[(&str, &str)],
) -> Result<Loaded<C>, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let environment: Vec<_> = environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    load(name, file.path(), true, &environment)
}

#[test]
fn a_section_may_say_how_many_threads_its_process_has() {
    let text = "threads = 4\n[pop3]\nthreads = 2\n[queue]\nlisten = \"\"\n";
    let pop3 = read::<Pop3>("pop3", text, &[]).unwrap();
    assert_eq!(pop3.shared.threads, Some(2));
    let queue = read::<Queue>("queue", text, &[]).unwrap();
    assert_eq!(queue.shared.threads, Some(4));
    let error = read::<Pop3>("pop3", "[pop3]\nthreads = \"many\"\n", &[]).unwrap_err();
    assert!(error.to_string().contains("pop3.threads: "), "{error}");
}

#[test]
fn a_section_holds_the_services_own_keys_and_the_kits() {
    let loaded = read::<Pop3>(
        "pop3",
        r#"
        hostname = "mail.example.test"
        [pop3]
        metrics = "127.0.0.1:9100"
        health = "unix:/run/postern/pop3.sock"
        max-connections = 5
        [[pop3.listener]]
        address = "127.0.0.1:2110"
        [queue]
        listen = "unix:/run/postern/queue.sock"
        "#,
        &[],
    )
    .unwrap();
    assert_eq!(loaded.own.max_connections, 5);
    assert_eq!(loaded.own.listener[0].address.port(), 2110);
    assert_eq!(loaded.metrics.unwrap().port(), 9100);
    assert_eq!(
        loaded.health.as_deref(),
        Some("unix:/run/postern/pop3.sock")
    );
    assert_eq!(loaded.health, loaded.health_endpoint);
    assert_eq!(loaded.shared.hostname.as_deref(), Some("mail.example.test"));
}

#[test]
fn a_service_with_grpc_is_asked_for_its_health_where_it_listens() {
    let loaded = read::<Queue>("queue", "[queue]\nlisten = \"unix:/q.sock\"", &[]).unwrap();
    assert_eq!(loaded.own.listen, "unix:/q.sock");
    assert_eq!(loaded.health, None);
    assert_eq!(loaded.health_endpoint.as_deref(), Some("unix:/q.sock"));
}

#[test]
fn the_environment_beats_the_file() {
    let loaded = read::<Pop3>(
        "pop3",
        "[pop3]\nmax-connections = 5\n[database]\nurl = \"postgres://file\"",
        &[
            ("POSTERN_POP3__MAX_CONNECTIONS", "7"),
            ("POSTERN_DATABASE_URL", "postgres://env"),
            ("POSTERN_HOSTNAME", "env.example.test"),
            ("POSTERN_ENDPOINTS__MAILBOX_STORE", "unix:/m.sock"),
            ("POSTERN_DATA", "/var/lib/postern"),
        ],
    )
    .unwrap();
    assert_eq!(loaded.own.max_connections, 7);
    assert_eq!(
        loaded.shared.database.url.as_deref(),
        Some("postgres://env")
    );
    assert_eq!(loaded.shared.hostname.as_deref(), Some("env.example.test"));
    assert_eq!(
        loaded.shared.endpoints.mailbox_store.as_deref(),
        Some("unix:/m.sock")
    );
}

#[test]
fn a_key_or_section_that_nobody_knows_is_an_error_that_names_it() {
    for (text, word) in [
        ("[databse]\nurl = \"x\"", "databse"),
        ("[pop3]\nmax-conections = 5", "max-conections"),
        ("[log]\nformat = \"yaml\"", "yaml"),
        ("[pop3]\nmetrics = \"nowhere\"", "pop3.metrics"),
    ] {
        let error = read::<Pop3>("pop3", text, &[]).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let missing = Path::new("/nonexistent/postern.toml");
    assert!(load::<Pop3>("pop3", missing, true, &[]).is_err());
    assert!(load::<Pop3>("pop3", missing, false, &[]).is_ok());
}

#[test]
fn the_database_url_is_not_shown() {
    let loaded = read::<Pop3>("pop3", "[database]\nurl = \"postgres://u:geheim@h\"", &[]).unwrap();
    assert!(!format!("{:?}", loaded.shared).contains("geheim"));
}
