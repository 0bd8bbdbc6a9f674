#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use api::queue::v1::GetStatisticsRequest;
use rules::ListenerRole;

use super::*;

fn read(text: &str, environment: &[(&str, &str)]) -> System {
    let folder = Path::new("/srv/mail");
    System::read(text, folder, folder, |name| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .unwrap()
}

#[test]
fn without_configuration_the_sockets_are_where_up_puts_them() {
    let system = read("", &[]);
    assert_eq!(system.queue, "unix:/srv/mail/run/queue.sock");
    assert_eq!(
        system.mailbox_store,
        "unix:/srv/mail/run/mailbox-store.sock"
    );
    assert_eq!(system.processes().len(), 2);
}

#[test]
fn a_configuration_says_where_everything_is() {
    let system = read(
        "hostname = \"mail.example.test\"\n\
         [endpoints]\nqueue = \"https://queue:7101\"\n\
         [internal-tls]\nca = \"ca\"\ncertificate = \"c\"\nkey = \"k\"\n\
         [imap]\nhealth = \"unix:/run/imap.sock\"\n\
         [queue]\nlisten = \"0.0.0.0:7101\"\n",
        &[],
    );
    assert_eq!(system.queue, "https://queue:7101");
    assert_eq!(system.hostname, "mail.example.test");
    assert!(system.internal_tls.is_some());
    let processes = system.processes();
    let found: Vec<_> = processes
        .iter()
        .map(|one| (&*one.name, &*one.endpoint, one.perhaps_elsewhere))
        .collect();
    // That socket is on imap's own machine.
    assert_eq!(
        found,
        [
            ("queue", "https://queue:7101", false),
            ("imap", "unix:/run/imap.sock", true)
        ]
    );
}

#[test]
fn each_process_is_asked_where_clients_find_it() {
    let text = "[endpoints]\nqueue = \"https://queue:7101\"\n\
                [smtp-server]\nhealth = \"unix:/run/health.sock\"\n\
                [pop3]\nhealth = \"0.0.0.0:7100\"\n\
                [delivery]\nhealth = \"unix:/run/health.sock\"\n";
    let environment = [
        ("POSTERN_ENDPOINTS__DELIVERY", "https://delivery:7100"),
        ("POSTERN_SMTP_SERVER__HEALTH", "unix:/other.sock"),
    ];
    let processes = read(text, &environment).processes();
    let found: Vec<_> = processes
        .iter()
        .map(|one| (&*one.name, &*one.endpoint, one.perhaps_elsewhere))
        .collect();
    assert_eq!(
        found,
        [
            ("smtp-server", "unix:/other.sock", true),
            ("queue", "https://queue:7101", false),
            ("delivery", "https://delivery:7100", false),
            ("pop3", "https://localhost:7100", true),
        ]
    );
}

#[test]
fn on_one_machine_nobody_is_elsewhere() {
    let text = "[endpoints]\nqueue = \"unix:/run/queue.sock\"\n\
                [imap]\nhealth = \"unix:/run/imap.sock\"\n";
    let processes = read(text, &[]).processes();
    assert!(processes.iter().all(|one| !one.perhaps_elsewhere));
}

#[test]
fn the_listener_for_other_servers_is_found() {
    let system = read(
        "[[smtp-server.listener]]\naddress = \"0.0.0.0:2587\"\nrole = \"submission\"\n\
         [[smtp-server.listener]]\naddress = \"0.0.0.0:2025\"\ntls = \"starttls\"\n",
        &[],
    );
    assert_eq!(system.smtp(), Some("0.0.0.0:2025".parse().unwrap()));
    assert_eq!(read("", &[]).smtp(), None);
}

#[test]
fn a_listener_is_known_by_its_name_or_else_its_address() {
    let system = read(
        "[[smtp-server.listener]]\naddress = \"0.0.0.0:2587\"\nrole = \"submission\"\n\
         [[smtp-server.listener]]\naddress = \"0.0.0.0:2465\"\nname = \"office\"\n\
         role = \"submission\"\n\
         [[smtp-server.listener]]\naddress = \"0.0.0.0:2025\"\nname = \"mx\"\n",
        &[],
    );
    let submission = Some(ListenerRole::Submission);
    assert_eq!(system.role_of("0.0.0.0:2587"), submission);
    assert_eq!(system.role_of("office"), submission);
    assert_eq!(system.role_of("mx"), Some(ListenerRole::Mx));
    assert_eq!(system.role_of("0.0.0.0:2025"), None);
    assert_eq!(read("", &[]).role_of("mx"), None);
}

#[test]
fn the_environment_overrides_the_file() {
    let environment = [("POSTERN_ENDPOINTS__QUEUE", "unix:/other.sock")];
    let system = read("[endpoints]\nqueue = \"https://queue:7101\"", &environment);
    assert_eq!(system.queue, "unix:/other.sock");
}

#[test]
fn a_named_configuration_must_be_there() {
    let missing = Path::new("/nonexistent/postern.toml");
    let error = System::find(Path::new("/srv/mail"), Some(missing)).unwrap_err();
    assert!(matches!(error, Error::Configuration(_)));
    assert!(error.to_string().contains("/nonexistent/postern.toml"));
}

#[tokio::test]
async fn a_process_that_hangs_is_named_whatever_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("run")).unwrap();
    let mut system = System::read("", folder.path(), folder.path(), |_| None).unwrap();
    system.silence = Duration::from_millis(200);
    // As of a process that is stopped: the kernel connects, and nobody reads.
    let _hangs = std::os::unix::net::UnixListener::bind(folder.path().join("run/queue.sock"));
    for deadline in [Deadline::Question, Deadline::Work] {
        let mut queue = system.queue(deadline).unwrap();
        let answer = queue.get_statistics(GetStatisticsRequest {});
        let error = Error::call("the queue", &answer.await.unwrap_err());
        assert!(
            error.to_string().starts_with("the queue does not answer"),
            "{error}"
        );
        assert!(matches!(error, Error::Unavailable(_)));
    }
}
