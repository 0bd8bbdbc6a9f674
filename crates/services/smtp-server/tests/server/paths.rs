//! The server parses a path twice: by the grammar of the command (`smtp_protocol`), then as an address
//! (`rules`). `postern explain` and policy scripts use only the second parser. Both must accept the same
//! paths.

use rules::{ListenerClass, Policy, SessionFacts};
use smtp_protocol::Mailbox;

use crate::system::{POLICY, Port, System};

/// Parts of addresses, and what makes them invalid.
const PIECES: [&str; 10] = [
    "a",
    ".",
    "@",
    "\"",
    "b.test",
    "-",
    " ",
    "\\",
    "[192.0.2.1]",
    "192.0.2.1",
];

/// Every text of up to this many pieces.
fn texts(pieces: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut longest = texts.clone();
    for _ in 0..pieces {
        let longer = |text: &String| PIECES.map(|piece| format!("{text}{piece}"));
        longest = longest.iter().flat_map(longer).collect();
        texts.extend_from_slice(&longest);
    }
    texts
}

#[test]
fn a_path_is_read_alike_in_a_session_and_by_explain() {
    let policy = Policy::parse("").unwrap();
    let mut taken = 0;
    for text in texts(5) {
        let in_a_session = Mailbox::parse(&text)
            .ok()
            .and_then(|mailbox| policy.forward_path(mailbox.as_str()).ok());
        let explained = policy.forward_path(&text).ok();
        assert_eq!(in_a_session, explained, "{text:?}");
        taken += usize::from(explained.is_some());
    }
    assert!(taken > 50, "{taken}");
}

/// Paths of devices.
const WRITTEN: [&str; 22] = [
    "root",
    "<bob>",
    "<b..ob>",
    "<a..b@example.test>",
    "<\"bob\">",
    "<s@192.168.1.20>",
    "<s@[::1]>",
    "<s@canon-.local>",
    "\"Scanner\" <s@x.test>",
    "Scanner 2 <s@x.test>",
    "Scanner <root>",
    "Scanner <>",
    "root <>",
    "< s@x.test >",
    "< >",
    "<s@x.test",
    "s@x.test>",
    "\"x<y\"@x.test>",
    "\"a@x.test\" <s@x.test>",
    "a@x.test <s@x.test>",
    "<a@x.test><s@x.test>",
    "root, <s@x.test>",
];

#[tokio::test]
async fn what_devices_write_is_taken_in_a_session_where_explain_says_so() {
    let here = std::net::Ipv4Addr::LOCALHOST.into();
    let head = "[delivery]\npostmaster = \"bob@example.test\"\n[receiving.trusted]\n";
    for lenient in [false, true] {
        let document = format!("{head}lenient = {lenient}\n{POLICY}");
        let policy = Policy::parse(&document).unwrap();
        let system = System::start_with(&document, |config| config.max_bad_commands = 1000).await;
        for (port, class) in [
            (Port::External, ListenerClass::External),
            (Port::Internal, ListenerClass::Internal),
        ] {
            let mut client = system.connect(port).await;
            let mut facts = SessionFacts::new("mx", here, here);
            facts.class = class;
            for path in WRITTEN {
                let takes = policy.written_sender(&facts, path).is_ok();
                client.send(&format!("MAIL FROM:{path}\r\n")).await;
                let (code, text) = client.reply().await;
                assert_eq!(code == 250, takes, "{lenient} {class:?} {path}: {text}");
                client.say("RSET", 250).await;
            }
        }
    }
}
