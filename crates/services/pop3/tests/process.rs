//! The program itself: its command line, its health service, its end. This tests `service_kit::run`, which
//! all services use.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_postern-pop3");

/// A configuration in a folder of its own. There is no mailbox-store, which only a login would need.
fn configuration(folder: &Path) -> PathBuf {
    let file = folder.join("postern.toml");
    let text = format!(
        r#"
        hostname = "mail.example.test"
        [endpoints]
        mailbox-store = "unix:{folder}/mailbox-store.sock"
        [log]
        format = "json"
        [pop3]
        health = "unix:{folder}/pop3.sock"
        metrics = "127.0.0.1:0"
        [[pop3.listener]]
        address = "127.0.0.1:0"
        tls = "none"
        [queue]
        listen = "unix:{folder}/queue.sock"
        "#,
        folder = folder.display()
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// A running process; killed when the test fails.
struct Running(Child);

impl Running {
    fn start(file: &str) -> Self {
        let child = Command::new(PROGRAM)
            .args(["--config", file])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Waits for the socket of the health service. The process lives and is not ready: it waits for
    /// mailbox-store.
    fn await_health(&mut self, file: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let health = run(&["--config", file, "--live"]);
            if health.status.success() {
                let ready = run(&["--config", file, "--health"]);
                assert_eq!(ready.status.code(), Some(1));
                let said = String::from_utf8(ready.stderr).unwrap();
                assert!(said.contains("mailbox-store"), "{said}");
                return;
            }
            let reason = String::from_utf8_lossy(&health.stderr).into_owned();
            assert!(self.0.try_wait().unwrap().is_none(), "{reason}");
            assert!(Instant::now() < until, "not healthy within 60 s: {reason}");
        }
    }

    fn terminate(&self) {
        let pid = self.0.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads the log up to the line with this word.
fn line_with(log: &mut impl std::io::BufRead, word: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "no line with {word}");
        assert!(line.starts_with('{'), "{line}");
        if line.contains(word) {
            return line;
        }
    }
}

/// The address in a log line.
fn address(line: &str) -> &str {
    let (_, rest) = line.split_once(r#""address":""#).unwrap();
    rest.split('"').next().unwrap()
}

#[test]
fn a_process_serves_tells_its_health_and_drains() {
    let folder = test_kit::folder_for_a_service();
    let file = configuration(folder.path());
    let file = file.to_str().unwrap();
    assert_eq!(run(&["--config", file, "--health"]).status.code(), Some(1));

    let mut running = Running::start(file);
    let mut log = BufReader::new(running.0.stderr.take().unwrap());
    let metrics = line_with(&mut log, r#""metrics""#);
    let pop3 = line_with(&mut log, "listening");

    let mut client = TcpStream::connect(address(&pop3)).unwrap();
    let mut greeting = [0; 3];
    client.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"+OK");

    running.await_health(file);

    let mut scrape = TcpStream::connect(address(&metrics)).unwrap();
    scrape.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut page = String::new();
    scrape.read_to_string(&mut page).unwrap();
    assert!(page.contains(r#"postern_connections{process="pop3"} 1"#));
    assert!(page.contains("process_resident_memory_bytes"));

    running.terminate();
    let mut said = String::new();
    client.read_to_string(&mut said).unwrap();
    assert!(said.ends_with("-ERR [SYS/TEMP] The server is shutting down.\r\n"));
    assert!(running.0.wait().unwrap().success());
    assert!(!folder.path().join("pop3.sock").exists());
}

#[test]
fn traces_go_to_the_collector_that_is_configured_and_hold_up_nothing() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = test_kit::folder_for_a_service();
    let file = configuration(folder.path());
    let address = collector.local_addr().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let telemetry = format!("[telemetry]\notlp-endpoint = \"http://{address}\"\n{text}");
    // `hostname` must stand before the first section.
    std::fs::write(&file, telemetry.replace("hostname", "#")).unwrap();
    let file = file.to_str().unwrap();
    let mut running = Running::start(file);
    running.await_health(file);
    running.terminate();

    // The span of the health check; this collector closes the connection.
    let (mut connection, _) = collector.accept().unwrap();
    let mut preface = [0; 14];
    connection.read_exact(&mut preface).unwrap();
    assert_eq!(&preface, b"PRI * HTTP/2.0");
    drop((connection, collector));
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn what_is_wrong_with_the_configuration_is_said() {
    let folder = test_kit::folder_for_a_service();
    let file = configuration(folder.path());
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("health =", "helth =")).unwrap();
    let output = run(&["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("[pop3]") && said.contains("helth"), "{said}");
}

#[test]
fn the_command_line_explains_itself() {
    let version = run(&["--version"]);
    assert!(version.status.success());
    assert!(version.stdout.starts_with(b"postern-pop3 "));
    let wrong = run(&["--nonsense"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--config FILE"));
}

/// Starts the program as root with that configuration. Returns its last output.
fn refused(file: &Path) -> String {
    let output = run(&["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

fn close(file: &Path) {
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
}

#[test]
fn a_key_for_other_services_that_root_alone_can_read_ends_the_process_with_the_cure() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let folder = test_kit::folder_for_a_service();
    let made = test_kit::TestCertificate::for_names(&["localhost"]);
    let (certificate, key, _) = made.write_to(folder.path());
    close(&key);
    let file = configuration(folder.path());
    let text = std::fs::read_to_string(&file).unwrap().replace(
        &format!("unix:{}/mailbox-store.sock", folder.path().display()),
        "https://localhost:1",
    );
    let internal_tls = format!(
        "[internal-tls]\nca = \"{certificate}\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n",
        certificate = certificate.display(),
        key = key.display(),
    );
    std::fs::write(&file, text + &internal_tls).unwrap();
    let said = refused(&file);
    let problem = format!(
        "[internal-tls] key: {} cannot be read by the user ",
        key.display()
    );
    assert!(said.contains(&problem), "{said}");
    assert!(said.contains("setfacl -m u:"), "{said}");
}

#[test]
fn a_folder_in_which_root_alone_can_make_the_socket_ends_the_process_with_the_cure() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let said = refused(&configuration(folder.path()));
    let problem = format!("cannot make its socket in {}", folder.path().display());
    assert!(said.contains(&problem) && said.contains("chown "), "{said}");
}
