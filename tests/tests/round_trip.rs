//! Mail arrives unchanged: unusual messages through submission, read by IMAP and by POP3.

use crate::harness::{
    Imap, SOON, Smtp, System, assert_same_below_trace, eventually, python, unique,
};

#[test]
fn awkward_messages_come_back_byte_for_byte_by_imap_and_pop3() {
    let system = System::shared();
    let (domain, ports) = (unique("roundtrip") + ".test", system.ports());
    system.add_domain(&domain);
    let user = format!("bob@{domain}");
    system.add_users(&[&user]);
    let [submission, imaps, pop3s] =
        [ports.submission, ports.imaps, ports.pop3s].map(|port| port.to_string());
    python("round_trip.py", &[&submission, &imaps, &pop3s, &user]);
}

#[test]
fn a_mailbox_is_worked_on_in_two_sessions_at_once() {
    let system = System::shared();
    let (domain, ports) = (unique("mailbox") + ".test", system.ports());
    system.add_domain(&domain);
    let user = format!("eve@{domain}");
    system.add_users(&[&user]);
    python(
        "mailbox.py",
        &[
            &ports.submission.to_string(),
            &ports.imaps.to_string(),
            &user,
        ],
    );
}

#[test]
fn a_message_in_chunks_is_the_same_as_one_in_lines() {
    let system = System::shared();
    let domain = unique("chunks") + ".test";
    system.add_domain(&domain);
    let user = format!("bob@{domain}");
    system.add_users(&[&user]);
    // RFC 3030: no dot-stuffing, and a chunk may end anywhere.
    let message = b"Subject: chunks\r\n\r\n.\r\n..dots\r\nthe end\r\n";
    let (first, second) = message.split_at(23);
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    assert_eq!(
        smtp.command("MAIL FROM:<sender@elsewhere.test>")
            .unwrap()
            .code,
        250
    );
    assert_eq!(
        smtp.command(&format!("RCPT TO:<{user}>")).unwrap().code,
        250
    );
    smtp.raw(&[format!("BDAT {}\r\n", first.len()).as_bytes(), first].concat())
        .unwrap();
    assert_eq!(smtp.reply().unwrap().code, 250);
    smtp.raw(&[format!("BDAT {} LAST\r\n", second.len()).as_bytes(), second].concat())
        .unwrap();
    assert_eq!(smtp.reply().unwrap().code, 250);

    let mut imap = Imap::inbox(system.ports().imap, &user).unwrap();
    let uid = eventually("the message", SOON, || {
        imap.uids().unwrap().first().copied()
    });
    assert_same_below_trace(&imap.message(uid).unwrap(), message);
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let system = System::shared();
    let domain = unique("pipelined") + ".test";
    system.add_domain(&domain);
    let user = format!("bob@{domain}");
    system.add_users(&[&user]);
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let envelope = format!(
        "MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<{user}>\r\nRCPT TO:<nobody@{domain}>\r\nDATA\r\n"
    );
    smtp.raw(envelope.as_bytes()).unwrap();
    let codes: Vec<u16> = (0..4).map(|_| smtp.reply().unwrap().code).collect();
    assert_eq!(codes, [250, 250, 550, 354]);
    smtp.raw(b"Subject: x\r\n\r\ntext\r\n.\r\nRSET\r\nNOOP\r\nQUIT\r\n")
        .unwrap();
    let codes: Vec<u16> = (0..4).map(|_| smtp.reply().unwrap().code).collect();
    assert_eq!(codes, [250, 250, 250, 221]);
}
