#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use serde::Deserialize;

use super::*;
use crate::config::HostName;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Pop3 {
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    max_connections: u32,
    #[serde(default)]
    listener: Vec<Listener>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Listener {
    #[schemars(with = "String")]
    address: SocketAddr,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Queue {
    listen: String,
}

fn read<C: DeserializeOwned + JsonSchema>(
    name: &str,
    text: &str,
    environment: &[(&str, &str)],
) -> Result<Loaded<C>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("postern.toml");
    std::fs::write(&file, text).unwrap();
    let environment: Vec<_> = environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    load(name, &file, true, &environment)
}

#[test]
fn a_section_may_say_how_many_threads_its_process_has() {
    let text = "threads = 4\n[pop3]\nthreads = 2\n[queue]\nlisten = \"unix:/q.sock\"\n";
    let pop3 = read::<Pop3>("pop3", text, &[]).unwrap();
    assert_eq!(pop3.shared.threads, Some(2));
    let queue = read::<Queue>("queue", text, &[]).unwrap();
    assert_eq!(queue.shared.threads, Some(4));
    let error = read::<Pop3>("pop3", "[pop3]\nthreads = \"many\"\n", &[]).unwrap_err();
    assert!(error.to_string().contains("[pop3] threads: "), "{error}");
}

#[test]
fn a_process_reads_its_own_files_of_internal_tls() {
    let text = "[internal-tls]\nca = \"/c/ca.pem\"\ncertificate = \"/c/{process}/i.pem\"\n\
                key = \"/c/{process}.key\"\n";
    let loaded = read::<Pop3>("pop3", text, &[]).unwrap();
    let tls = loaded.shared.internal_tls.unwrap();
    assert_eq!(tls.ca, Path::new("/c/ca.pem"));
    assert_eq!(tls.certificate, Path::new("/c/pop3/i.pem"));
    assert_eq!(tls.key, Path::new("/c/pop3.key"));
    let named = loaded
        .values
        .get("internal-tls")
        .unwrap()
        .as_dict()
        .unwrap();
    assert_eq!(named["key"].as_str(), Some("/c/pop3.key"));
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
    assert_eq!(
        loaded.shared.hostname.as_ref().map(HostName::as_str),
        Some("mail.example.test")
    );
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
    assert_eq!(
        loaded.shared.hostname.as_ref().map(HostName::as_str),
        Some("env.example.test")
    );
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
        ("[pop3]\nmetrics = \"nowhere\"", "[pop3] metrics"),
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

#[test]
fn a_wrong_word_is_told_with_its_file_line_section_and_the_nearest_word() {
    for (text, line, sentence) in [
        (
            "\n[pop3]\nmax-conections = 5\n",
            3,
            "[pop3] max-conections: no such key; did you mean max-connections?",
        ),
        (
            "[pop3]\n[[pop3.listener]]\nadress = \"127.0.0.1:110\"\n",
            3,
            "[[pop3.listener]] adress: no such key; did you mean address?",
        ),
        (
            "\n\n[databse]\nurl = \"postgres://x\"\n",
            3,
            "databse: no such section or key; did you mean database?",
        ),
        (
            "[smtp_server]\n",
            1,
            "smtp_server: no such section or key; did you mean smtp-server?",
        ),
        (
            "[pop3]\ntreads = 2\n",
            2,
            "[pop3] treads: no such key; did you mean threads?",
        ),
        (
            "[pop3]\nmax-connections = \"many\"\n",
            2,
            "[pop3] max-connections: the text `many` is not a whole number of 0 or more",
        ),
        (
            "[pop3]\nmax-connections = -1\n",
            2,
            "[pop3] max-connections: `-1` cannot be used: a whole number of 0 or more",
        ),
        (
            "[log]\nformat = \"yaml\"\n",
            2,
            "[log] format: `yaml` is not a value of it: use text or json",
        ),
        (
            "[log]\nlevel = \"inof\"\n",
            2,
            "[log] level: `inof` is not a level: use off, error, warn, info, debug or trace, or such as info,queue=debug",
        ),
        (
            "[pop3]\nmax-connections = 0\n",
            2,
            "[pop3] max-connections: `0` cannot be used: a whole number, 1 to 1000",
        ),
        (
            "[pop3]\nmax-connections = 1001\n",
            2,
            "[pop3] max-connections: `1001` cannot be used: a whole number, 1 to 1000",
        ),
        (
            "[pop3]\nthreads = 0\n",
            2,
            "[pop3] threads: `0` cannot be used: a whole number, 1 or more",
        ),
        (
            "\nthreads = 0\n",
            2,
            "threads: `0` cannot be used: a whole number, 1 or more",
        ),
        (
            "[database]\nmax-connections = 0\n",
            2,
            "[database] max-connections: `0` cannot be used: a whole number, 1 or more",
        ),
        (
            "hostname = \"bad name!\\r\\nX-Evil: 1\"\n",
            1,
            "hostname: `bad name!\\r\\nX-Evil: 1` is no host name: each part has 1 to 63 letters, digits \
             and hyphens, and neither begins nor ends with a hyphen; write it such as mail.example.org",
        ),
        (
            "[telemetry]\notlp-endpoint = \"nonsense\"\n",
            2,
            "[telemetry] otlp-endpoint: `nonsense` is no URL of a collector: write it such as http://127.0.0.1:4317",
        ),
        (
            "[endpoints]\nqueue = \"queue\"\n",
            2,
            "[endpoints] queue: `queue` is not an endpoint: a port is missing",
        ),
        (
            "[tls]\ncertificate = \"c.pem\"\n",
            1,
            "[tls] key: is missing",
        ),
        (
            "[pop3]\n[[pop3.listener]]\naddress = \"localhost\"\n",
            3,
            "[[pop3.listener]] address: invalid socket address syntax",
        ),
        (
            "[database]\nurl = \"mysql://u:geheim@h\"\n",
            2,
            "[database] url: is no address of a database: write postgres://USER@HOST/NAME",
        ),
    ] {
        let error = read::<Pop3>("pop3", text, &[]).unwrap_err().to_string();
        let place = format!("postern.toml, line {line}: ");
        let (_, told) = error
            .split_once(&place)
            .unwrap_or_else(|| panic!("{error}"));
        // A missing key may be reported as well.
        assert_eq!(told.lines().next(), Some(sentence));
    }
}

#[test]
fn one_address_is_listened_on_once_by_the_processes_of_one_machine() {
    let listeners = "[pop3]\nmetrics = \"127.0.0.1:9\"\n\
                     [[pop3.listener]]\naddress = \"127.0.0.1:110\"\n\
                     [[pop3.listener]]\naddress = \"0.0.0.0:110\"\n\
                     [[pop3.listener]]\naddress = \"[::]:110\"\n\
                     [[pop3.listener]]\naddress = \"127.0.0.1:0\"\n\
                     [[pop3.listener]]\naddress = \"127.0.0.1:0\"\n\
                     [imap]\nmetrics = \"127.0.0.1:9\"\n";
    let told = |text: &str| {
        let error = read::<Pop3>("pop3", text, &[]).unwrap_err().to_string();
        let lines = error
            .lines()
            .map(|line| line.rsplit_once("postern.toml, ").unwrap().1.to_owned());
        lines.collect::<Vec<_>>()
    };
    let within = "line 6: [[pop3.listener]] address: 0.0.0.0:110 is taken already: [[pop3.listener]] address is 127.0.0.1:110";
    assert_eq!(told(listeners), [within]);
    let between =
        "line 2: [pop3] metrics: 127.0.0.1:9 is taken already: [imap] metrics is 127.0.0.1:9";
    let on_one_machine = format!("{listeners}[endpoints]\nqueue = \"unix:q.sock\"\n");
    assert_eq!(told(&on_one_machine), [between, within]);
    // Sections of other processes.
    let elsewhere = "[imap]\nmetrics = \"127.0.0.1:9\"\n[queue]\nmetrics = \"127.0.0.1:9\"\n\
                     [endpoints]\nqueue = \"unix:q.sock\"\n";
    assert!(read::<Pop3>("pop3", elsewhere, &[]).is_ok());
}

#[test]
fn a_wrong_variable_is_told_by_its_name() {
    let error = |name, value| {
        let error = read::<Pop3>("pop3", "[pop3]\n", &[(name, value)]).unwrap_err();
        error.to_string()
    };
    let unknown = error("POSTERN_POP3__MAX_CONECTIONS", "5");
    assert!(
        unknown.contains("POSTERN_POP3__MAX_CONECTIONS: [pop3] max-conections: no such key"),
        "{unknown}"
    );
    let section = error("POSTERN_DATABSE__URL", "x");
    assert!(section.contains("POSTERN_DATABSE__URL: "), "{section}");
    assert!(section.contains("did you mean database?"), "{section}");
    let wrong = error("POSTERN_POP3__MAX_CONNECTIONS", "many");
    assert!(wrong.contains("POSTERN_POP3__MAX_CONNECTIONS: "), "{wrong}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "[pop3]\nmax-conections = 5\nmetrics = \"nowhere\"\nthreads = \"two\"\n\
                [log]\nformat = \"yaml\"\nlevl = \"info\"\n";
    let error = read::<Pop3>("pop3", text, &[]).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 5, "{error}");
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let error = read::<Pop3>("pop3", "[pop3]\nthreads = \n", &[]).unwrap_err();
    assert!(
        error.to_string().contains("postern.toml, line 2: "),
        "{error}"
    );
}
