//! Every service runs in a root folder with only the programs, their shared libraries and a configuration.
//! There is no certificate store, no `/etc`, no `/proc`, no `/dev`, no user database. A service must not need
//! what an image may lack.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use private_postgres::{EndSignal, Guard};
use test_kit::{DurablePostgres, free_port};

use crate::harness::{Imap, Process, SOON, Smtp, eventually, programs, run};

/// An id in no user database.
const USER: u32 = 10_001;

/// The folders that a service may write to.
const WRITABLE: [&str; 2] = ["run", "state"];

struct EmptyRoot {
    folder: PathBuf,
    guard: Guard,
    services: Vec<(Process, Child)>,
    _postgres: DurablePostgres,
    smtp: SocketAddr,
    imap: u16,
}

impl EmptyRoot {
    fn make() -> Self {
        // Beside the programs, so that they can be linked instead of copied.
        let folder = tempfile::Builder::new()
            .prefix("empty-root-")
            .tempdir_in(programs())
            .unwrap()
            .keep();
        let guard = Guard::start().unwrap();
        guard.remove_folder(&folder);
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        for name in WRITABLE {
            fs::create_dir(folder.join(name)).unwrap();
            chown(folder.join(name), Some(USER), Some(USER)).unwrap();
        }
        for name in services().map(program).chain(["postern".to_owned()]) {
            let original = programs().join(&name);
            fs::hard_link(&original, folder.join(&name)).unwrap();
            copy_libraries(&original, &folder);
        }
        let postgres = DurablePostgres::start();
        let database = over_tcp(&postgres.database());
        let (smtp, imap) = (free_port(), free_port());
        let configuration = folder.join("postern.toml");
        fs::write(configuration, self::configuration(&database, smtp, imap)).unwrap();
        Self {
            folder,
            guard,
            services: Vec::new(),
            _postgres: postgres,
            smtp: (Ipv4Addr::LOCALHOST, smtp).into(),
            imap,
        }
    }

    /// A program in the root, without environment variables.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("chroot");
        command
            .arg(format!("--userspec={USER}:{USER}"))
            .arg(&self.folder)
            .args([&format!("/{program}"), "--config", "/postern.toml"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    fn start(&mut self, service: Process) {
        let log = File::create(self.log(service)).unwrap();
        let child = self
            .command(&program(service))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.guard.watch(child.id(), EndSignal::Term);
        self.services.push((service, child));
    }

    fn log(&self, service: Process) -> PathBuf {
        self.folder.join(format!("{}.log", service.name()))
    }

    /// Waits until each reports that it is ready; none may have ended.
    fn await_healthy(&mut self) {
        for index in 0..self.services.len() {
            let service = self.services[index].0;
            let log = self.log(service);
            eventually(service.name(), SOON, || {
                if let Some(status) = self.services[index].1.try_wait().unwrap() {
                    panic!("{}: {status}\n{}", service.name(), read(&log));
                }
                let asked = self.command(&program(service)).arg("--health").output();
                asked.unwrap().status.success().then_some(())
            });
        }
    }

    fn postern(&self, arguments: &[&str], input: &str) -> String {
        let mut child = self
            .command("postern")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, input.as_bytes()).unwrap();
        drop(stdin);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&stdout).into_owned();
        let errors = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{arguments:?}: {said}{errors}");
        said
    }
}

impl Drop for EmptyRoot {
    fn drop(&mut self) {
        // Services that others depend on end last.
        for (service, child) in self.services.iter_mut().rev() {
            crate::harness::signal(
                i32::try_from(child.id()).unwrap(),
                rustix::process::Signal::TERM,
            );
            let _ended = child.wait();
            self.guard.forget(child.id());
            if std::thread::panicking() {
                let log = self.folder.join(format!("{}.log", service.name()));
                eprintln!("--- {}\n{}", service.name(), read(&log));
            }
        }
    }
}

#[test]
fn every_service_runs_in_a_root_that_holds_nothing_else() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: changing the root takes root");
        return;
    }
    let mut root = EmptyRoot::make();
    for service in services() {
        root.start(service);
    }
    root.await_healthy();
    root.postern(&["domain", "add", "empty.test"], "");
    root.postern(
        &["user", "add", "bob@empty.test", "--password-stdin"],
        "secret\n",
    );
    let mut smtp = Smtp::hello(root.smtp).unwrap();
    for (said, code) in [
        ("MAIL FROM:<a@elsewhere.test>", 250),
        ("RCPT TO:<bob@empty.test>", 250),
        ("DATA", 354),
        ("From: <a@elsewhere.test>\r\n\r\nHello\r\n.", 250),
    ] {
        let reply = smtp.command(said).unwrap();
        assert_eq!(reply.code, code, "{said}: {}", reply.text);
    }
    eventually("the message in its mailbox", SOON, || {
        let mut imap = Imap::inbox(root.imap, "bob@empty.test").ok()?;
        (imap.uids().ok()? == [1]).then_some(())
    });
}

/// All services, in the order of their dependencies.
fn services() -> impl Iterator<Item = Process> {
    let all = Process::ALL.into_iter();
    all.filter(|&service| service != Process::Postgres)
}

fn program(service: Process) -> String {
    format!("postern-{}", service.name())
}

fn configuration(database: &str, smtp: u16, imap: u16) -> String {
    let mut text = format!(
        "hostname = \"mail.empty.test\"\n\
         [database]\nurl = \"{database}\"\n\
         [endpoints]\nqueue = \"unix:/run/queue.sock\"\nmailbox-store = \"unix:/run/mailbox-store.sock\"\n"
    );
    for service in services() {
        let name = service.name();
        let key = match service {
            Process::Queue | Process::MailboxStore => "listen",
            _ => "health",
        };
        text.push_str(&format!("[{name}]\n{key} = \"unix:/run/{name}.sock\"\n"));
        text.push_str(match service {
            Process::Queue => "secret-key-file = \"/state/policy.key\"\n",
            _ => "",
        });
    }
    text.push_str(&format!(
        "[[smtp-server.listener]]\naddress = \"127.0.0.1:{smtp}\"\nclass = \"external\"\n\
         [[imap.listener]]\naddress = \"127.0.0.1:{imap}\"\nplaintext-auth = true\n\
         [[pop3.listener]]\naddress = \"127.0.0.1:{}\"\n",
        free_port()
    ));
    text
}

/// The libraries listed by `ldd`, at the same paths.
fn copy_libraries(program: &Path, root: &Path) {
    let listed = run(Command::new("ldd").arg(program));
    for library in listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
    {
        let copy = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(library, copy).unwrap();
    }
}

/// The same database over TCP: its socket is outside the root.
fn over_tcp(url: &str) -> String {
    let (server, folder) = url.split_once("?host=").unwrap();
    let socket = Path::new(folder).join(".s.PGSQL.5432");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Ok(server) = UnixStream::connect(&socket) {
                join(&client, &server);
            }
        }
    });
    server.replace("localhost", &format!("127.0.0.1:{port}")) + "?sslmode=disable"
}

fn join(client: &TcpStream, server: &UnixStream) {
    let (mut from_client, mut to_client) =
        (client.try_clone().unwrap(), client.try_clone().unwrap());
    let (mut from_server, mut to_server) =
        (server.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ended = std::io::copy(&mut from_client, &mut to_server);
        let _gone = to_server.shutdown(std::net::Shutdown::Write);
    });
    std::thread::spawn(move || {
        let _ended = std::io::copy(&mut from_server, &mut to_client);
        let _gone = to_client.shutdown(std::net::Shutdown::Write);
    });
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}
