//! Input that no client should send: the reply is clear, nothing is lost, and the process lives.

use crate::harness::{Imap, Process, SOON, Smtp, System, eventually, unique};

/// A system with a user, and the processes that must be the same afterwards.
struct Watched {
    system: &'static System,
    user: String,
    pid: Option<i32>,
}

impl Watched {
    fn new(word: &str) -> Self {
        let system = System::shared();
        let domain = unique(word) + ".test";
        system.add_domain(&domain);
        let user = format!("bob@{domain}");
        system.add_users(&[&user]);
        Self {
            system,
            user,
            pid: system.pid(Process::SmtpServer),
        }
    }

    fn connect(&self) -> Smtp {
        Smtp::hello(self.system.smtp()).unwrap()
    }

    /// A connection after DATA, ready for content.
    fn in_data(&self) -> Smtp {
        let mut smtp = self.connect();
        assert_eq!(
            smtp.command("MAIL FROM:<a@elsewhere.test>").unwrap().code,
            250
        );
        assert_eq!(
            smtp.command(&format!("RCPT TO:<{}>", self.user))
                .unwrap()
                .code,
            250
        );
        assert_eq!(smtp.command("DATA").unwrap().code, 354);
        smtp
    }

    /// The server is the same process, accepts a good message, and holds only that one.
    fn assert_unharmed(&self) {
        let reply = self
            .connect()
            .send(
                "a@elsewhere.test",
                &[&self.user],
                b"Subject: good\r\n\r\ntext\r\n",
            )
            .unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text);
        let mut imap = Imap::inbox(self.system.ports().imap, &self.user).unwrap();
        eventually("the good message", SOON, || {
            (!imap.uids().unwrap().is_empty()).then_some(())
        });
        self.system.await_empty_queue();
        assert_eq!(imap.field_of_all("Subject").unwrap(), ["good"]);
        assert_eq!(
            self.system.pid(Process::SmtpServer),
            self.pid,
            "the process lives"
        );
    }
}

#[test]
fn a_command_line_of_a_mebioctet_is_refused_and_skipped() {
    let watched = Watched::new("longline");
    let mut smtp = watched.connect();
    smtp.raw(
        &[
            b"MAIL FROM:<".as_slice(),
            &vec![b'a'; 1 << 20],
            b"\r\nNOOP\r\n",
        ]
        .concat(),
    )
    .unwrap();
    let reply = smtp.reply().unwrap();
    assert_eq!(reply.code, 500, "{}", reply.text);
    assert_eq!(smtp.reply().unwrap().code, 250);
    watched.assert_unharmed();
}

#[test]
fn nul_and_bad_utf8_in_commands_are_refused() {
    let watched = Watched::new("nul");
    for line in [
        b"MAIL FROM:<a\0b@x.test>\r\n".as_slice(),
        b"MAIL FROM:<\xff\xfe@x.test>\r\n",
        b"\xc3\x28\r\n",
        b"\0\r\n",
    ] {
        let mut smtp = watched.connect();
        smtp.raw(line).unwrap();
        let reply = smtp.reply().unwrap();
        assert!(
            (500..=599).contains(&reply.code),
            "{}: {}",
            line.escape_ascii(),
            reply.text
        );
        assert_eq!(smtp.command("NOOP").unwrap().code, 250);
    }
    watched.assert_unharmed();
}

#[test]
fn bare_line_feeds_smuggle_no_second_message() {
    let watched = Watched::new("smuggle");
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r"] {
        let mut smtp = watched.in_data();
        let smuggled = format!(
            "MAIL FROM:<evil@x.test>\r\nRCPT TO:<{}>\r\nDATA\r\n",
            watched.user
        );
        let text = format!(
            "Subject: outer\r\n\r\ntext{end}{smuggled}Subject: smuggled\r\n\r\ntext\r\n.\r\n"
        );
        smtp.raw(text.as_bytes()).unwrap();
        let reply = smtp.reply().unwrap();
        assert!((500..=599).contains(&reply.code), "{end:?}: {}", reply.text);
    }
    watched.assert_unharmed();
}

#[test]
fn a_client_that_stops_within_data_leaves_nothing() {
    let watched = Watched::new("stops");
    let mut smtp = watched.in_data();
    smtp.raw(b"Subject: half\r\n\r\nno end").unwrap();
    drop(smtp);
    // Half-closed: the client can still read, and must not get 250.
    let mut smtp = watched.in_data();
    smtp.raw(b"Subject: half-closed\r\n\r\nno end\r\n").unwrap();
    smtp.half_close().unwrap();
    if let Ok(reply) = smtp.reply() {
        assert!(reply.code >= 400, "{}", reply.text);
    }
    watched.assert_unharmed();
}

#[test]
fn a_client_that_closes_its_half_after_quit_gets_its_answers() {
    let watched = Watched::new("halfclose");
    let mut smtp = watched.connect();
    let session = format!(
        "MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<{}>\r\nRSET\r\nQUIT\r\n",
        watched.user
    );
    smtp.raw(session.as_bytes()).unwrap();
    smtp.half_close().unwrap();
    let codes: Vec<u16> = (0..4).map(|_| smtp.reply().unwrap().code).collect();
    assert_eq!(codes, [250, 250, 250, 221]);
    assert!(smtp.is_closed());
    watched.assert_unharmed();
}

#[test]
fn a_flood_of_unknown_commands_ends_the_connection() {
    let watched = Watched::new("flood");
    let mut smtp = watched.connect();
    let flood = b"FROBNICATE\r\n".repeat(10_000);
    let _may_be_cut = smtp.raw(&flood);
    let mut refused = 0;
    while let Ok(reply) = smtp.reply() {
        assert!(
            (500..=599).contains(&reply.code) || reply.code == 421,
            "{}",
            reply.text
        );
        refused += 1;
    }
    assert!(
        (1..1000).contains(&refused),
        "{refused} replies before the connection ended"
    );
    watched.assert_unharmed();
}

#[test]
fn commands_out_of_order_are_refused_and_forgotten() {
    let watched = Watched::new("order");
    let (mut smtp, _) = Smtp::connect(watched.system.smtp()).unwrap();
    assert_eq!(smtp.command("DATA").unwrap().code, 503);
    assert_eq!(smtp.command("MAIL FROM:<a@x.test>").unwrap().code, 503);
    assert_eq!(smtp.command("EHLO client.test").unwrap().code, 250);
    assert_eq!(
        smtp.command(&format!("RCPT TO:<{}>", watched.user))
            .unwrap()
            .code,
        503
    );
    assert_eq!(smtp.command("MAIL FROM:<a@x.test>").unwrap().code, 250);
    assert!(smtp.command("MAIL FROM:<b@x.test>").unwrap().code >= 500);
    assert!(smtp.command("DATA").unwrap().code >= 500);
    watched.assert_unharmed();
}

#[test]
fn imap_and_pop3_survive_what_makes_no_sense() {
    use std::io::{Read, Write};
    let watched = Watched::new("nonsense");
    let ports = watched.system.ports();
    let pids = [Process::Imap, Process::Pop3].map(|process| watched.system.pid(process));
    let inputs: [&[u8]; 7] = [
        b"\0\0\0\0\r\n",
        b"a LOGIN {99999999999999999999}\r\n",
        b"a LOGIN {4294967295}\r\n",
        b"\xff\xfe\xfd\r\n",
        b"a UID FETCH 1:* (((((((((((((((((((((((((((((((((((((((((((((((\r\n",
        &[b'x'; 200_000],
        b"USER\r\nPASS\r\nRETR 18446744073709551616\r\nTOP -1 -1\r\n",
    ];
    for port in [ports.imap, ports.pop3] {
        for input in inputs {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream
                .set_read_timeout(Some(std::time::Duration::from_secs(10)))
                .unwrap();
            let _may_be_cut = stream.write_all(input);
            let _may_be_cut = stream.shutdown(std::net::Shutdown::Write);
            let _whatever = stream.read_to_end(&mut Vec::new());
        }
    }
    assert_eq!(
        [Process::Imap, Process::Pop3].map(|process| watched.system.pid(process)),
        pids
    );
    watched.assert_unharmed();
}
