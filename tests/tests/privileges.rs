//! The rights of services started by root.

use crate::harness::{Process, Setup, Smtp, System};

fn services() -> impl Iterator<Item = Process> {
    Process::ALL
        .into_iter()
        .filter(|&process| process != Process::Postgres)
}

fn proc_file(system: &System, process: Process, file: &str) -> String {
    let pid = system.pid(process).unwrap();
    let octets = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
    String::from_utf8_lossy(&octets).into_owned()
}

/// A port on which only root may listen.
fn low_port() -> u16 {
    (600..1024)
        .rev()
        .find(|&port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok())
        .unwrap()
}

#[test]
fn services_that_root_starts_give_up_its_rights_once_their_ports_are_open() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let port = low_port();
    let system = System::start_with(&Setup {
        smtp_server: format!("[[smtp-server.listener]]\naddress = \"127.0.0.1:{port}\"\n"),
        ..Setup::default()
    });
    assert!(Smtp::hello(([127, 0, 0, 1], port).into()).is_ok());
    for process in services() {
        let name = process.name();
        let pid = system.pid(process).unwrap();
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let field = |field: &str| {
                let line = status.lines().find(|line| line.starts_with(field));
                let words = line.unwrap().split_whitespace().skip(1);
                words.map(str::to_owned).collect::<Vec<String>>()
            };
            for ids in ["Uid:", "Gid:"] {
                assert!(!field(ids).contains(&"0".to_owned()), "{name}: {status}");
            }
            assert!(
                !field("Groups:").contains(&"0".to_owned()),
                "{name}: {status}"
            );
            assert_eq!(field("NoNewPrivs:"), ["1"], "{name}");
            for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
                assert_eq!(field(set), ["0000000000000000"], "{name}: {set}");
            }
        }
    }
}

#[test]
fn services_do_not_have_the_starters_environment() {
    let system = System::shared();
    for process in Process::ALL {
        let environment = proc_file(system, process, "environ");
        assert!(
            !environment.contains("POSTERN_TEST_OF_THE_STARTER"),
            "{}: {environment}",
            process.name()
        );
    }
}

#[test]
fn a_key_that_only_root_can_read_is_read_before_roots_rights_are_given_up() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(
        folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let made = test_kit::TestCertificate::for_names(&["mail.postern.test"]);
    let (certificate, key, _) = made.write_to(folder.path());
    let system = System::start_with(&Setup {
        tls: format!(
            "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
            certificate.display(),
            key.display()
        ),
        ..Setup::default()
    });
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    assert_eq!(smtp.command("STARTTLS").unwrap().code, 220);
    let log = std::fs::read_to_string(system.data().join("log/smtp-server.log")).unwrap();
    assert!(log.contains("can be read by root alone"), "{log}");
}
