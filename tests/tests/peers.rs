//! Mail servers of other authors, Postfix and Exim: they send their mail to Postern, and Postern sends its
//! own to them.

use std::net::SocketAddr;

use test_kit::FakeDns;
use tokio::runtime::Runtime;

use crate::harness::{
    Imap, Kind, MAX_SIZE, Peer, SOON, Setup, Smtp, System, assert_same_below_trace, eventually,
};

const ALICE: &str = "alice@here.test";
const BOB: &str = "bob@here.test";

/// A Postern and another server; each relays mail for other domains to the other one.
struct Pair {
    here: System,
    peer: Peer,
    _dns: (FakeDns, Runtime),
}

impl Pair {
    /// Postern finds the other server by its MX, or by a gateway that must authenticate itself.
    fn start(kind: Kind, by_gateway: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let zone = "peer.test MX 10 mx.peer.test\nmx.peer.test A 127.0.0.1\n";
        let dns = runtime.block_on(FakeDns::start(zone));
        let mut peer = Peer::new(kind);
        let here = System::start_with(&Setup {
            resolver: Some(dns.address()),
            delivery: format!(
                "resolver = \"{}\"\nsmtp-port = {}\nauthorities = \"{}\"\n",
                dns.address(),
                peer.address().port(),
                peer.authority().display()
            ),
            ..Setup::default()
        });
        here.apply_policy(&policy(&peer, by_gateway));
        here.add_users(&[ALICE, BOB]);
        // As a stranger from the Internet.
        peer.start(here.external());
        Self {
            here,
            peer,
            _dns: (dns, runtime),
        }
    }

    fn inbox(&self, user: &str) -> Imap {
        Imap::inbox(self.here.ports().imap, user).unwrap()
    }

    /// The next message of an inbox with this many known ones.
    fn next(&self, user: &str, known: usize) -> Vec<u8> {
        let mut imap = self.inbox(user);
        let uid = eventually(&format!("message {} of {user}", known + 1), SOON, || {
            imap.command("NOOP").unwrap();
            imap.uids().unwrap().get(known).copied()
        });
        imap.message(uid).unwrap()
    }

    fn next_text(&self, user: &str, known: usize) -> String {
        String::from_utf8_lossy(&self.next(user, known)).into_owned()
    }
}

fn policy(peer: &Peer, by_gateway: bool) -> String {
    let local = "[[domain]]\nname = \"here.test\"\ndeliver = \"mailboxes\"\nunmatched = { catch-all = \"bob\" }\n\n";
    if !by_gateway {
        return local.to_owned();
    }
    format!(
        "{local}[[gateway]]\nname = \"peer\"\nhosts = [\"{}\"]\ntls = \"required\"\n\n\
         [[domain]]\nname = \"*\"\ndeliver = {{ gateway = \"peer\" }}\nfrom = \"trusted\"\n",
        peer.address()
    )
}

/// Submits a message, with the full arguments of `MAIL FROM:` and `RCPT TO:`.
fn hand_in(to: SocketAddr, from: &str, recipients: &[String], message: &[u8]) {
    let mut smtp = Smtp::hello(to).unwrap();
    let reply = smtp.send_by(from, recipients, message).unwrap();
    assert_eq!(reply.code, 250, "{}", reply.text);
}

/// A complete message, so that servers add only trace fields.
fn message(subject: &str, body: &str) -> Vec<u8> {
    format!(
        "From: <{ALICE}>\r\nTo: <bob@elsewhere.test>\r\nSubject: {subject}\r\n\
         Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{}@here.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}",
        subject.len()
    )
    .into_bytes()
}

/// Parameters of MAIL, and a message that needs them or is difficult to pass on unchanged.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    // RFC 5321 §4.5.3.1.6: Postfix breaks longer lines, and Exim bounces them.
    let long_line = "x".repeat(998) + "\r\n";
    vec![
        ("", message("plain", "text\r\n")),
        (" BODY=8BITMIME", message("eight bits", "Grüße, 東京\r\n")),
        ("", message("dots", ".\r\n..\r\n...x\r\n. \r\n\r\n.\r\n")),
        ("", message("long lines", &long_line.repeat(3))),
        ("", message("a mebibyte", &long_line.repeat(1049))),
        (
            " SMTPUTF8 BODY=8BITMIME",
            message("Grüße in the header", "text\r\n"),
        ),
    ]
}

/// The other server sends mail of every kind, which arrives unchanged.
fn is_sent_to(pair: &Pair) {
    let (here, peer) = (&pair.here, &pair.peer);
    let mut known = 0;
    for (parameters, sent) in messages() {
        let from = format!("<{ALICE}>{parameters}");
        hand_in(peer.address(), &from, &[format!("<{BOB}>")], &sent);
        let read = pair.next(BOB, known);
        known += 1;
        assert_same_below_trace(&read, &sent);
        let trace = String::from_utf8_lossy(&read[..read.len() - sent.len()]).into_owned();
        let protocol = if parameters.contains("SMTPUTF8") {
            "with UTF8SMTPS"
        } else {
            "with ESMTPS"
        };
        assert!(trace.contains(protocol), "{trace}");
        assert_eq!(trace.matches("Received:").count(), 2, "{trace}");
    }

    let many: Vec<String> = (0..100).map(|n| format!("<to{n}@here.test>")).collect();
    let sent = message("many recipients", "text\r\n");
    hand_in(peer.address(), &format!("<{ALICE}>"), &many, &sent);
    pair.next(BOB, known + many.len() - 1);
    here.await_empty_queue();
    let read = pair.inbox(BOB).field_of_all("Delivered-To").unwrap();
    for to in &many {
        let to = to.trim_matches(['<', '>']);
        let copies = read.iter().filter(|field| *field == to).count();
        assert_eq!(copies, 1, "{to} in {read:?}");
    }

    let asked = format!("<{BOB}> NOTIFY=SUCCESS ORCPT=rfc822;robert@here.test");
    let from = format!("<{ALICE}> RET=HDRS ENVID=QQ314159");
    hand_in(
        peer.address(),
        &from,
        &[asked],
        &message("asked for", "text\r\n"),
    );
    let report = pair.next_text(ALICE, 0);
    for line in [
        "Reporting-MTA: dns; mail.postern.test",
        "Original-Envelope-Id: QQ314159",
        "Original-Recipient: rfc822; robert@here.test",
        "Action: delivered",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
}

/// Postern sends mail of every kind, which arrives unchanged. `log`: the words in a line of the other
/// server's log that show how it arrived.
fn sends(pair: &Pair, log: &[&[&str]]) {
    let (here, peer) = (&pair.here, &pair.peer);
    for (parameters, sent) in messages() {
        let from = format!("<{ALICE}>{parameters}");
        let known = peer.mail("bob").len();
        hand_in(here.smtp(), &from, &["<bob@peer.test>".to_owned()], &sent);
        eventually("a message at the other server", SOON, || {
            (peer.mail("bob").len() > known).then_some(())
        });
        let mail = peer.mail("bob");
        let subject = sent.split(|&octet| octet == b'\n').nth(2).unwrap();
        let same = |read: &&Vec<u8>| {
            read.split(|&octet| octet == b'\n')
                .any(|line| line == subject)
        };
        let read = mail.iter().find(same).unwrap();
        assert_same_below_trace(read, &sent);
    }

    let from = format!("<{ALICE}> SMTPUTF8");
    let sent = message("to jörg", "text\r\n");
    hand_in(here.smtp(), &from, &["<jörg@peer.test>".to_owned()], &sent);
    let read = eventually("a message for jörg", SOON, || peer.mail("jörg").pop());
    assert_same_below_trace(&read, &sent);

    // Postfix logs this when the connection is closed.
    for words in log {
        eventually(
            &format!("{words:?} in the other server's log"),
            SOON,
            || {
                let said = peer.log();
                let mut lines = said.lines();
                let all = |line: &str| words.iter().all(|word| line.contains(word));
                lines.any(all).then_some(())
            },
        );
    }
}

/// Replies of the other server reach the sender in a notice. `refusal`: its reply about an unknown user.
fn is_told(pair: &Pair, refusal: &str) {
    let (here, peer) = (&pair.here, &pair.peer);
    let mut known = pair.inbox(ALICE).uids().unwrap().len();
    let mut told = |from: &str, to: &[&str], sent: &[u8]| {
        let to: Vec<String> = to.iter().map(ToString::to_string).collect();
        hand_in(here.smtp(), from, &to, sent);
        known += 1;
        pair.next_text(ALICE, known - 1)
    };
    let from = format!("<{ALICE}>");

    let mail = peer.mail("bob").len();
    let sent = message("one of two", "text\r\n");
    let notice = told(&from, &["<bob@peer.test>", "<nobody@peer.test>"], &sent);
    for words in ["Action: failed", "nobody@peer.test", refusal] {
        assert!(notice.contains(words), "{words}\n{notice}");
    }
    assert!(!notice.contains("bob@peer.test"), "{notice}");
    eventually("the message of the other recipient", SOON, || {
        (peer.mail("bob").len() == mail + 1).then_some(())
    });

    let large = message("too large", &"x\r\n".repeat(MAX_SIZE / 3));
    let notice = told(&from, &["<bob@peer.test>"], &large);
    assert!(notice.contains("Status: 5.3.4"), "{notice}");

    // The other server delivers the message, and so sends the report.
    let from = format!("<{ALICE}> RET=HDRS ENVID=QQ27182");
    let asked = "<bob@peer.test> NOTIFY=SUCCESS ORCPT=rfc822;robert@peer.test";
    let report = told(&from, &[asked], &message("asked for", "text\r\n"));
    for line in ["QQ27182", "robert@peer.test", "Action: delivered"] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    assert!(
        !report.contains("Reporting-MTA: dns; mail.postern.test"),
        "{report}"
    );
}

#[test]
fn postfix_hands_over_and_is_handed_mail_that_stays_as_it_was() {
    if !Peer::can_be_run() {
        return;
    }
    let pair = Pair::start(Kind::Postfix, true);
    is_sent_to(&pair);
    sends(&pair, &[&["starttls=1", "bdat="]]);
    is_told(&pair, "User unknown in virtual mailbox table");
}

#[test]
fn exim_hands_over_and_is_handed_mail_that_stays_as_it_was() {
    if !Peer::can_be_run() {
        return;
    }
    let pair = Pair::start(Kind::Exim, false);
    is_sent_to(&pair);
    sends(
        &pair,
        &[&["<=", "P=esmtps", " K "], &["=>", "T=smtp", " K "]],
    );
    is_told(&pair, "nobody of that name here");
}
