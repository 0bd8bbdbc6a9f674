//! Readiness: the report of each process while something it needs is away, and while it ends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use test_kit::{DurablePostgres, free_port};

use crate::harness::{Imap, Process, SOON, Setup, Smtp, System, eventually, programs, signal};

const SERVICES: [Process; 7] = [
    Process::Queue,
    Process::MailboxStore,
    Process::Delivery,
    Process::SmtpServer,
    Process::Imap,
    Process::Pop3,
    Process::Collector,
];

/// The reasons in `postern status`, by process; `None` for a ready one.
fn obstacles(system: &System) -> Option<Vec<(String, Option<String>)>> {
    let output = system.command(&["status", "--json"], "");
    let status: Value = serde_json::from_slice(&output.stdout).ok()?;
    let processes = status["processes"].as_array()?;
    let told = processes.iter().map(|process| {
        let name = process["name"].as_str().unwrap_or_default().to_owned();
        let serves = process["serving"] == true;
        let error = process["error"].as_str().unwrap_or_default();
        (name, (!serves).then(|| error.to_owned()))
    });
    Some(told.collect())
}

/// Lines of a process's log with this text.
fn lines(system: &System, process: Process, text: &str) -> Vec<String> {
    let log = system.data().join(format!("log/{}.log", process.name()));
    let log = std::fs::read_to_string(log).unwrap();
    let found = log.lines().filter(|line| line.contains(text));
    found.map(str::to_owned).collect()
}

#[test]
fn without_a_database_no_process_is_ready_and_each_says_so_once() {
    let postgres = DurablePostgres::start();
    let system = System::start_with(&Setup {
        database_url: Some(postgres.database()),
        ..Setup::default()
    });
    system.add_domain("away.test");
    system.add_users(&["bob@away.test"]);
    let pids = SERVICES.map(|process| system.pid(process).unwrap());

    postgres.kill();
    let told = eventually("nobody is ready", SOON, || {
        obstacles(&system).filter(|all| all.iter().all(|(_, obstacle)| obstacle.is_some()))
    });
    let of = |name: &str| {
        let found = told.iter().find(|(process, _)| process == name);
        found.and_then(|(_, obstacle)| obstacle.clone()).unwrap()
    };
    assert!(of("queue").contains("database: "), "{told:?}");
    assert!(
        of("smtp-server").contains("queue: it is not ready: database: "),
        "{told:?}"
    );
    assert!(
        of("imap").contains("mailbox-store: it is not ready"),
        "{told:?}"
    );

    postgres.restart();
    eventually("all are ready", SOON, || {
        obstacles(&system).filter(|all| all.iter().all(|(_, obstacle)| obstacle.is_none()))
    });
    // No process was restarted because of it.
    assert_eq!(pids, SERVICES.map(|process| system.pid(process).unwrap()));
    for process in SERVICES {
        let direct = match process {
            Process::Queue | Process::MailboxStore => "dependency=\"database\"",
            Process::Imap | Process::Pop3 => "dependency=\"mailbox-store\"",
            _ => "dependency=\"queue\"",
        };
        let of = |text: &str| {
            let mut found = lines(&system, process, direct);
            found.retain(|line| line.contains(text));
            found
        };
        // After a start that found it late there may be one more line that it is there.
        let lost = of(" lost; until it is back ");
        assert_eq!(lost.len(), 1, "{}: {lost:?}", process.name());
        let after = of(" there again ");
        assert!(!after.is_empty(), "{}: {after:?}", process.name());
    }

    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let message = b"Subject: after\r\n\r\nx\r\n";
    let reply = smtp.send("a@x.test", &["bob@away.test"], message).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
    system.await_empty_queue();
}

/// A service with a configuration of its own.
struct Single {
    program: PathBuf,
    configuration: PathBuf,
    child: Child,
}

impl Single {
    fn start(service: &str, folder: &Path, name: &str, configuration: &str) -> Self {
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, configuration).unwrap();
        let program = programs().join(format!("postern-{service}"));
        let child = spawn(&program, &file);
        Self {
            program,
            configuration: file,
            child,
        }
    }

    fn ask(&self, question: &str) -> Output {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.configuration);
        command.arg(question).output().unwrap()
    }

    fn is_ready(&self) -> bool {
        self.ask("--health").status.success()
    }

    fn await_ready(&self, what: &str) {
        eventually(what, SOON, || self.is_ready().then_some(()));
    }

    fn terminate(&self) {
        signal(i32::try_from(self.child.id()).unwrap(), Signal::TERM);
    }

    fn restart(&mut self) {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        self.child = spawn(&self.program, &self.configuration);
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn spawn(program: &Path, configuration: &Path) -> Child {
    Command::new(program)
        .arg("--config")
        .arg(configuration)
        .env_remove("POSTERN_DATABASE_URL")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_process_that_is_started_before_its_database_lives_and_waits() {
    let folder = test_kit::folder_for_a_service();
    let postgres = DurablePostgres::start();
    let url = postgres.database();
    postgres.kill();
    let at = folder.path().display();
    for (service, more) in [
        ("queue", format!("secret-key-file = \"{at}/policy.key\"")),
        ("mailbox-store", String::new()),
    ] {
        let configuration = format!(
            "[database]\nurl = \"{url}\"\n[{service}]\nlisten = \"unix:{at}/{service}.sock\"\n{more}\n"
        );
        let waiting = Single::start(service, folder.path(), service, &configuration);
        eventually("it lives", SOON, || {
            waiting.ask("--live").status.success().then_some(())
        });
        let why = eventually("it says what it waits for", SOON, || {
            let output = waiting.ask("--health");
            assert_eq!(output.status.code(), Some(1));
            let why = String::from_utf8(output.stderr).unwrap();
            why.contains("not ready: database: ").then_some(why)
        });
        assert!(why.starts_with(&format!("postern-{service}: ")), "{why}");
        postgres.restart();
        waiting.await_ready("it is ready");
        postgres.kill();
    }
}

/// A TCP balancer: sends each connection to the next server that recently reported that it is ready.
struct Balancer<'a> {
    servers: [(SocketAddr, &'a AtomicBool); 2],
    next: AtomicUsize,
    refused: AtomicUsize,
}

impl Balancer<'_> {
    fn serve(&self, listener: &std::net::TcpListener, done: &AtomicBool) {
        std::thread::scope(|scope| {
            for client in listener.incoming() {
                if done.load(Ordering::SeqCst) {
                    return;
                }
                let client = client.unwrap();
                scope.spawn(move || self.carry(client));
            }
        });
    }

    fn carry(&self, client: std::net::TcpStream) {
        let turn = self.next.fetch_add(1, Ordering::SeqCst);
        let ready = (0..2)
            .map(|more| self.servers[(turn + more) % 2])
            .find(|(_, ready)| ready.load(Ordering::SeqCst));
        let Some(Ok(server)) = ready.map(|(address, _)| std::net::TcpStream::connect(address))
        else {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return;
        };
        std::thread::scope(|scope| {
            scope.spawn(|| copy(&client, &server));
            copy(&server, &client);
        });
    }
}

fn copy(mut from: &std::net::TcpStream, mut to: &std::net::TcpStream) {
    // A broken connection has ended.
    let _octets = std::io::copy(&mut from, &mut to);
    let _closed = to.shutdown(std::net::Shutdown::Write);
}

/// How long a server that is told to end keeps its listener open: many times what the balancer needs.
const DELAY: Duration = Duration::from_secs(5);

#[test]
fn a_rolling_restart_of_two_servers_behind_a_balancer_refuses_nobody() {
    let system = System::start();
    system.add_domain("rolling.test");
    system.add_users(&["bob@rolling.test"]);
    let folder = test_kit::folder_for_a_service();
    let start = |name: &str| {
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let (at, run) = (folder.path().display(), system.data().join("run"));
        let run = run.display();
        let configuration = format!(
            "hostname = \"{name}.test\"\n[endpoints]\nqueue = \"unix:{run}/queue.sock\"\n\
             mailbox-store = \"unix:{run}/mailbox-store.sock\"\n\
             [smtp-server]\nhealth = \"unix:{at}/{name}.sock\"\ndrain-delay-seconds = {}\n\
             [[smtp-server.listener]]\naddress = \"{address}\"\nclass = \"internal\"\n",
            DELAY.as_secs()
        );
        (
            address,
            Single::start("smtp-server", folder.path(), name, &configuration),
        )
    };
    let ((address_a, a), (address_b, b)) = (start("a"), start("b"));
    let singles = [std::sync::RwLock::new(a), std::sync::RwLock::new(b)];
    let ready = [AtomicBool::new(false), AtomicBool::new(false)];
    let balancer = Balancer {
        servers: [(address_a, &ready[0]), (address_b, &ready[1])],
        next: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let front = listener.local_addr().unwrap();
    let (done, balanced) = (AtomicBool::new(false), AtomicBool::new(false));
    let sent = std::thread::scope(|scope| {
        // The threads end even if the case fails.
        let _end = (SetWhenDropped(&done), SetWhenDropped(&balanced));
        for (single, ready) in singles.iter().zip(&ready) {
            let done = &balanced;
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let now = single.read().unwrap().is_ready();
                    ready.store(now, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        let says = |which: usize, wanted: bool| {
            eventually("the balancer sees it", SOON, || {
                (ready[which].load(Ordering::SeqCst) == wanted).then_some(())
            });
        };
        says(0, true);
        says(1, true);
        let balancing = scope.spawn(|| balancer.serve(&listener, &balanced));
        let sending = scope.spawn(|| send_ten_a_second(front, &done));
        for (which, single) in singles.iter().enumerate() {
            single.read().unwrap().terminate();
            says(which, false);
            single.write().unwrap().restart();
            says(which, true);
        }
        done.store(true, Ordering::SeqCst);
        let sent = sending.join().unwrap();
        balanced.store(true, Ordering::SeqCst);
        // This connection makes the balancer check for its end.
        drop(std::net::TcpStream::connect(front));
        balancing.join().unwrap();
        sent
    });
    assert_eq!(balancer.refused.load(Ordering::SeqCst), 0);
    // Two delays at ten a second, less what a loaded machine may lose.
    assert!(sent >= 50, "only {sent}");
    system.await_empty_queue();
    let mut imap = Imap::inbox(system.ports().imap, "bob@rolling.test").unwrap();
    assert_eq!(imap.uids().unwrap().len(), sent);
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Each on a connection of its own, and each must be accepted.
fn send_ten_a_second(server: SocketAddr, done: &AtomicBool) -> usize {
    let began = Instant::now();
    let mut sent = 0;
    while !done.load(Ordering::SeqCst) {
        let due = Duration::from_millis(100) * u32::try_from(sent).unwrap();
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let mut smtp = Smtp::hello(server).unwrap();
        let message = format!("Subject: number {sent}\r\n\r\nx\r\n");
        let reply = smtp.send("a@x.test", &["bob@rolling.test"], message.as_bytes());
        let reply = reply.unwrap();
        assert_eq!(reply.code, 250, "message {sent}: {}", reply.text);
        sent += 1;
    }
    sent
}
