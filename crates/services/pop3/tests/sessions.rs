//! Whole sessions over real sockets, with a store in memory.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod fake_store;
#[path = "sessions/mechanisms.rs"]
mod mechanisms;
#[path = "sessions/proxy.rs"]
mod proxy;
#[path = "sessions/refusals.rs"]
mod refusals;

use std::net::SocketAddr;
use std::time::Duration;

use fake_store::FakeStore;
use pop3::{Config, ListenerConfig, TlsMode};
use service_kit::Service;
use service_kit::config::TlsConfig;
use session_io::{ClientTls, Connection};
use test_kit::TestCertificate;

const TIMEOUT: Duration = Duration::from_secs(20);

const MESSAGE: &[u8] = b"Subject: dots\r\n\r\none\r\n.two\r\n...\r\nfour\r\n";

/// The front end with a plain listener, one with STLS and one with implicit TLS.
struct FrontEnd {
    service: Service,
    plain: SocketAddr,
    stls: SocketAddr,
    implicit: SocketAddr,
    client_tls: ClientTls,
    certificate: TestCertificate,
    /// Ends when all sessions have ended.
    drained: tokio::task::JoinHandle<Result<(), front_end::Error>>,
    _folder: tempfile::TempDir,
}

impl FrontEnd {
    fn start(store: &FakeStore, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(store, |config, _| change(config))
    }

    fn start_with(store: &FakeStore, change: impl FnOnce(&mut Config, &mut Service)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = TestCertificate::for_names(&["localhost"]);
        let (chain, key, _) = certificate.write_to(folder.path());
        let mut service = Service::for_tests("pop3");
        service.shared.endpoints.mailbox_store = Some(store.endpoint());
        service.shared.tls = Some(TlsConfig {
            certificate: chain,
            key,
        });
        let listener = |tls, plaintext_auth| ListenerConfig {
            tls,
            plaintext_auth,
            ..ListenerConfig::at("127.0.0.1:0".parse().unwrap())
        };
        let mut config = Config {
            listener: vec![
                listener(TlsMode::None, true),
                listener(TlsMode::Starttls, false),
                listener(TlsMode::Implicit, false),
            ],
            ..Config::default()
        };
        change(&mut config, &mut service);
        let running = pop3::start(&config, &service).unwrap();
        let &[plain, stls, implicit] = running.addresses() else {
            panic!("three listeners")
        };
        Self {
            drained: tokio::spawn(running.wait()),
            service,
            plain,
            stls,
            implicit,
            client_tls: ClientTls::verified_by(certificate.authority.as_bytes()).unwrap(),
            certificate,
            _folder: folder,
        }
    }

    async fn client(&self) -> Client {
        Self::client_of(self.plain).await
    }

    async fn client_of(address: SocketAddr) -> Client {
        let mut client = Client(Connection::connect(address, TIMEOUT).await.unwrap());
        client.0.set_timeout(TIMEOUT);
        assert!(client.line().await.starts_with("+OK"));
        client
    }
}

impl Drop for FrontEnd {
    fn drop(&mut self) {
        self.service.shutdown.cancel();
    }
}

struct Client(Connection);

impl Client {
    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.0.input().iter().position(|&byte| byte == b'\n') {
                let line = self.0.input().split_to(end + 1);
                return String::from_utf8_lossy(&line).trim_end().to_owned();
            }
            assert_ne!(self.0.fill().await.unwrap(), 0, "closed");
        }
    }

    async fn say(&mut self, line: &str) -> String {
        self.send(line).await;
        self.line().await
    }

    async fn send(&mut self, line: &str) {
        self.0.output().extend_from_slice(line.as_bytes());
        self.0.output().extend_from_slice(b"\r\n");
        self.0.flush().await.unwrap();
    }

    async fn log_in(&mut self) -> String {
        self.say("USER bob@example.test").await;
        self.say("PASS pass word").await
    }

    /// The rest of a multi-line reply, in its wire form.
    async fn rest(&mut self) -> String {
        let mut all = String::new();
        loop {
            match self.line().await.as_str() {
                "." => return all,
                line => {
                    all.push_str(line);
                    all.push_str("\r\n");
                }
            }
        }
    }

    async fn is_closed(&mut self) -> bool {
        matches!(self.0.fill().await, Ok(0) | Err(_))
    }

    async fn read_to_the_end(&mut self) {
        let closed = async { while !self.is_closed().await {} };
        test_kit::in_time("the server closes the connection", closed).await;
    }
}

/// Waits until the maildrop is free: the end of the connection tells the store that a session has ended.
async fn until_released(store: &FakeStore) {
    let waiting = async {
        while store.maildrop_is_held() {
            tokio::task::yield_now().await;
        }
    };
    test_kit::in_time("the maildrop is released", waiting).await;
}

#[tokio::test]
async fn messages_are_listed_read_and_deleted_at_quit() {
    let store = FakeStore::start(&[(3, MESSAGE), (5, b"Subject: x\r\n\r\n"), (9, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    assert_eq!(client.log_in().await, "+OK 3 messages, 92 octets.");
    assert_eq!(client.say("UIDL 2").await, "+OK 2 7.5");
    assert_eq!(client.say("RETR 1").await, "+OK 39 octets");
    assert_eq!(
        client.rest().await,
        "Subject: dots\r\n\r\none\r\n..two\r\n....\r\nfour\r\n"
    );
    client.say("DELE 1").await;
    client.say("DELE 3").await;
    assert_eq!(store.uids().len(), 3);
    assert_eq!(client.say("QUIT").await, "+OK Goodbye.");
    assert!(client.is_closed().await);
    assert_eq!(store.uids(), [5]);
}

#[tokio::test]
async fn a_lost_connection_deletes_nothing_and_frees_the_maildrop() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    client.log_in().await;
    client.say("DELE 1").await;
    let mut second = front_end.client().await;
    assert!(second.log_in().await.starts_with("-ERR [IN-USE]"));
    drop(client);
    until_released(&store).await;
    assert_eq!(second.log_in().await, "+OK 1 messages, 39 octets.");
}

#[tokio::test]
async fn who_has_lost_the_maildrop_is_told_so_and_deletes_nothing() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    client.log_in().await;
    client.say("DELE 1").await;
    store.restart();
    assert_eq!(
        client.line().await,
        "-ERR [SYS/TEMP] The maildrop is no longer locked; log in again."
    );
    assert!(client.is_closed().await);
    assert_eq!(store.flags("INBOX"), [(3, 0)]);
    until_released(&store).await;
    let mut second = front_end.client().await;
    assert_eq!(second.log_in().await, "+OK 1 messages, 39 octets.");
}

#[tokio::test]
async fn a_password_is_taken_under_tls_and_refused_without() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |_| ());
    let connection = Connection::connect(front_end.stls, TIMEOUT).await.unwrap();
    let mut client = Client(connection);
    client.line().await;
    assert!(client.log_in().await.starts_with("-ERR"));
    // Input that an attacker injects after STLS is dropped.
    client.send("STLS\r\nUSER eve").await;
    assert_eq!(client.line().await, "+OK Begin TLS.");
    let tls = &front_end.client_tls;
    client.0.start_client_tls(tls, "localhost").await.unwrap();
    assert_eq!(client.say("PASS x").await, "-ERR USER comes first.");
    assert!(client.log_in().await.starts_with("+OK 1 messages"));

    let connecting = Connection::connect_tls(front_end.implicit, "localhost", tls, TIMEOUT).await;
    let mut client = Client(connecting.unwrap());
    assert!(client.line().await.starts_with("+OK"));
    assert!(client.log_in().await.starts_with("-ERR [IN-USE]"));
}

#[tokio::test]
async fn top_reads_no_more_of_a_large_message_than_it_needs() {
    let line = format!("{}\r\n", "x".repeat(70));
    let large = format!("Subject: large\r\n\r\n{}", line.repeat(100_000));
    let store = FakeStore::start(&[(3, large.as_bytes())]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    client.log_in().await;

    assert_eq!(client.say("TOP 1 0").await, "+OK");
    assert_eq!(client.rest().await, "Subject: large\r\n\r\n");
    assert!(store.seen().reads.is_empty());

    assert_eq!(client.say("TOP 1 100").await, "+OK");
    assert_eq!(
        client.rest().await,
        format!("Subject: large\r\n\r\n{}", line.repeat(100))
    );
    let read: u64 = store.seen().reads.iter().map(|&(_, length)| length).sum();
    assert!(read < 20_000, "{read}");

    assert_eq!(client.say("TOP 1 999999").await, "+OK");
    assert_eq!(client.rest().await, large);
}

#[tokio::test]
async fn a_message_that_breaks_off_ends_the_connection_and_not_the_answer() {
    let message = format!("Subject: x\r\n\r\n{}", "x\r\n".repeat(10_000));
    let store = FakeStore::start(&[(3, message.as_bytes())]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    client.log_in().await;
    store.faults().reads_break_after = Some(5_000);
    assert_eq!(client.say("RETR 1").await, "+OK 30014 octets");
    client.read_to_the_end().await;
    assert!(!client.0.input().ends_with(b".\r\n"));

    // Before the first piece, a failure is a reply.
    until_released(&store).await;
    store.faults().reads_break_after = Some(0);
    let mut client = front_end.client().await;
    client.log_in().await;
    assert!(client.say("RETR 1").await.starts_with("-ERR [SYS/TEMP]"));
    assert_eq!(client.say("NOOP").await, "+OK");
}

#[tokio::test]
async fn what_is_wrong_inside_is_not_told() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    store.set_down(true);
    assert_eq!(
        client.log_in().await,
        "-ERR [SYS/TEMP] Not now; try again later."
    );
    store.set_down(false);
    client.log_in().await;
    client.say("DELE 1").await;
    store.set_down(true);
    assert!(client.say("QUIT").await.starts_with("-ERR [SYS/TEMP]"));
    assert_eq!(store.uids(), [3]);
}

#[tokio::test]
async fn a_message_that_was_expunged_meanwhile_is_told_to_be_gone() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    client.log_in().await;
    store.remove("INBOX", 3);
    assert_eq!(client.say("RETR 1").await, "-ERR The message is gone.");
    assert_eq!(client.say("TOP 1 1").await, "-ERR The message is gone.");
    client.say("DELE 1").await;
    assert_eq!(client.say("QUIT").await, "+OK Goodbye.");
}

#[tokio::test]
async fn silence_and_shutdown_are_said_before_the_connection_closes() {
    let store = FakeStore::start(&[]);
    let hasty = FrontEnd::start(&store, |config| config.login_timeout_seconds = 0);
    let connection = Connection::connect(hasty.plain, TIMEOUT).await.unwrap();
    let mut client = Client(connection);
    assert!(client.line().await.starts_with("+OK"));
    assert!(client.line().await.starts_with("-ERR"));
    assert!(client.is_closed().await);

    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    client.log_in().await;
    front_end.service.shutdown.cancel();
    assert!(client.line().await.starts_with("-ERR [SYS/TEMP]"));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn octets_that_drip_do_not_put_off_the_end_of_the_time_for_the_login() {
    let store = FakeStore::start(&[]);
    let front_end = FrontEnd::start(&store, |config| config.login_timeout_seconds = 60);
    let mut client = front_end.client().await;
    // From here on the clock stands still except during waits.
    tokio::time::pause();
    client.0.set_timeout(Duration::from_secs(3600));
    let start = tokio::time::Instant::now();
    for octet in [b"U", b"S"] {
        client.0.write(octet).await.unwrap();
        tokio::time::sleep(Duration::from_secs(25)).await;
    }
    assert_eq!(client.line().await, "-ERR That took too long.");
    assert!(start.elapsed() <= Duration::from_secs(61));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn who_keeps_talking_has_no_longer_for_the_login() {
    let store = FakeStore::start(&[]);
    let front_end = FrontEnd::start(&store, |config| config.login_timeout_seconds = 15);
    let mut client = front_end.client().await;
    client.say("USER eve@example.test").await;
    store.directory.state().login_delay = Duration::from_secs(20);
    tokio::time::pause();
    client.0.set_timeout(Duration::from_secs(3600));
    client.send("PASS wrong").await;
    // The client sends just before the timeout.
    tokio::time::sleep(Duration::from_secs(17)).await;
    client.send("CAPA").await;
    assert!(client.line().await.starts_with("-ERR [AUTH]"));
    assert_eq!(client.line().await, "-ERR That took too long.");
    assert!(client.is_closed().await);
}

/// A client that has read its greeting. Earlier clients may need a moment until they wait and can be
/// replaced.
async fn greeted(address: SocketAddr) -> Client {
    let greeted = async {
        loop {
            let mut client = Client(Connection::connect(address, TIMEOUT).await.unwrap());
            let greeting = client.line().await;
            if greeting.starts_with("+OK") {
                return client;
            }
            assert!(greeting.starts_with("-ERR [SYS/TEMP] "), "{greeting}");
        }
    };
    test_kit::in_time("a newcomer gets a place and is greeted", greeted).await
}

#[tokio::test]
async fn who_says_nothing_makes_room_for_newcomers_and_is_told_so() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |config| {
        config.max_connections = 4;
        config.max_connections_before_login = 2;
        config.make_room_after_seconds = 0;
    });
    let mut silent = vec![
        greeted(front_end.plain).await,
        greeted(front_end.plain).await,
    ];
    // Commands other than a login do not keep a connection.
    assert!(silent[0].say("CAPA").await.starts_with("+OK"));
    silent[0].rest().await;
    let mut honest = greeted(front_end.plain).await;
    assert!(honest.log_in().await.starts_with("+OK"));
    let told = "-ERR [SYS/TEMP] Too many connections, and this one was idle: try again later.";
    assert_eq!(silent[0].line().await, told);
    assert!(silent[0].is_closed().await);
    // A client that has logged in is not replaced by strangers.
    for _ in 0..8 {
        silent.push(greeted(front_end.plain).await);
    }
    assert!(honest.say("STAT").await.starts_with("+OK 1 "));

    // Unfinished handshakes are no activity either.
    let mut shaking = Vec::new();
    for _ in 0..6 {
        shaking.push(
            Connection::connect(front_end.implicit, TIMEOUT)
                .await
                .unwrap(),
        );
    }
    let connected = async {
        loop {
            let (address, tls) = (front_end.implicit, &front_end.client_tls);
            let connected = Connection::connect_tls(address, "localhost", tls, TIMEOUT).await;
            if let Ok(connection) = connected {
                return connection;
            }
        }
    };
    let what = "a newcomer gets the place of a handshake that does not come";
    let mut client = Client(test_kit::in_time(what, connected).await);
    assert!(client.line().await.starts_with("+OK"));
    assert!(Client(shaking.remove(0)).is_closed().await);
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_hold_up_the_shutdown() {
    let large = format!("Subject: x\r\n\r\n{}", "x".repeat(30_000_000));
    let store = FakeStore::start(&[(3, large.as_bytes())]);
    let mut front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    client.log_in().await;
    assert_eq!(client.say("RETR 1").await, "+OK 30000014 octets");
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    front_end.service.shutdown.cancel();
    (&mut front_end.drained).await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_flood_of_nonsense_ends_the_session_and_nothing_else() {
    let store = FakeStore::start(&[(3, MESSAGE)]);
    let front_end = FrontEnd::start(&store, |_| ());
    let mut client = front_end.client().await;
    let flood = vec![b'\xff'; 1_000_000];
    // The server may close the connection before it has read everything.
    let _ = client.0.write(&flood).await;
    let _ = client.0.write(&b"\0\r\n".repeat(100)).await;
    client.read_to_the_end().await;
    let mut client = front_end.client().await;
    assert!(client.log_in().await.starts_with("+OK"));
}
