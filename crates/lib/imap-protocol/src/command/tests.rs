#![allow(clippy::unwrap_used)] // A failure here is the test's failure.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::{
    Event, Flags, Keyword, Limits, ListPattern, MessageSet, Partial, Reader, Section, SectionText,
    SystemFlags,
};

mod strategies;

/// The command of this line.
fn read(line: &str) -> std::result::Result<Command, CommandError> {
    Parsed::from_bytes(Bytes::from(format!("a {line}")))
        .result
        .map(|(_, command)| command)
}

fn written(command: &Command) -> String {
    let mut out = BytesMut::new();
    command.write("a", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn what_clients_say_is_understood() {
    // Of Thunderbird, mutt, mbsync, Python's imaplib, Apple Mail and Outlook.
    for line in [
        "ID (\"name\" \"Thunderbird\" \"version\" \"128.0\" \"x\" NIL)",
        "ID NIL",
        "authenticate plain AGJvYgBwdw==",
        "AUTHENTICATE PLAIN",
        "AUTHENTICATE PLAIN =",
        "LOGIN \"bob@example.test\" \"p \\\"w\"",
        "ENABLE UTF8=ACCEPT CONDSTORE",
        "LIST (SUBSCRIBED) \"\" (\"INBOX\" \"*\") RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))",
        "LIST \"\" \"\"",
        "LIST \"\" %",
        "list \"INBOX\" *",
        "LSUB \"\" \"*\"",
        "STATUS \"Sent Items\" (UIDNEXT MESSAGES UNSEEN RECENT)",
        "SELECT INBOX",
        "UID FETCH 1:* (FLAGS)",
        "UID fetch 5:7,9 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])",
        "UID fetch 12 (UID RFC822.SIZE BODY.PEEK[])",
        "UID fetch 12 (UID RFC822.SIZE BODY[]<0.65536>)",
        "FETCH 1:3 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM)])",
        "FETCH 1 (BODY[1.2.MIME] BODY[1.HEADER] BODY[1.TEXT] BODY[HEADER.FIELDS.NOT (X)] BODY[2.1])",
        "FETCH 1 RFC822",
        "FETCH * ALL",
        "fetch 1:* fast",
        "UID FETCH 1 (BODYSTRUCTURE ENVELOPE BODY)",
        "UID STORE 5 +FLAGS (\\Deleted $Label1)",
        "STORE 1:* -FLAGS.SILENT \\Seen \\Flagged",
        "STORE 1 FLAGS ()",
        "UID COPY 1,3:4 \"Trash\"",
        "UID MOVE 7 Archive",
        "SEARCH ALL",
        "SEARCH CHARSET UTF-8 UNSEEN FROM \"bob\" SINCE 1-Feb-1994",
        "UID SEARCH UID 1:* NOT DELETED",
        "SEARCH RETURN (MIN COUNT) OR (SEEN FLAGGED) LARGER 1000 ON \"01-Feb-1994\"",
        "SEARCH HEADER X-TUID abc",
        "SEARCH (1:5 UNKEYWORD $Junk) YOUNGER 3600",
        "UID EXPUNGE 1:5",
        "UID EXPUNGE $",
        "CREATE \"a/b/\"",
        "CREATE Sent2 (USE (\\Sent))",
        "RENAME a \"b c\"",
        "SUBSCRIBE Entw&APw-rfe",
        "IDLE",
        "NOOP ",
        "NAMESPACE",
        "UNSELECT",
    ] {
        assert!(read(line).is_ok(), "{line}: {:?}", read(line));
    }
}

#[test]
fn what_is_wrong_is_refused() {
    for line in [
        "",
        "LOGIN bob",
        "LOGIN bob pw more",
        "FETCH 1 ()",
        "FETCH 1 (ALL)",
        "FETCH 0 FLAGS",
        "FETCH 1 BODY[MIME]",
        "FETCH 1 BODY[0]",
        "FETCH 1 BODY[1.]",
        "FETCH 1 BODY[]<0.0>",
        "FETCH 1 BODY[HEADER.FIELDS ()]",
        "FETCH 1 RFC822[]",
        "STORE 1 FLAGS \\Recent",
        "STORE 1 *FLAGS \\Seen",
        "SEARCH",
        "SEARCH ()",
        "SEARCH CHARSET UTF-8",
        "SEARCH KEYWORD \"x\"",
        "SEARCH LARGER x",
        "SEARCH SINCE 30-Feb-2020",
        "STATUS INBOX (FOO)",
        "LIST (RECURSIVEMATCH) \"\" *",
        "UID NOOP",
        "APPEND INBOX",
        "CREATE x (USE (\\Foo))",
        "SELECT &",
    ] {
        assert!(read(line).is_err(), "{line}");
    }
    assert_eq!(
        read("SEARCH CHARSET KOI8-R ALL"),
        Err(CommandError::Charset)
    );
}

#[test]
fn deep_nesting_is_refused() {
    let line = format!("SEARCH {}ALL{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(read(&line), Err(CommandError::TooDeep));
    let line = format!("SEARCH {}ALL", "NOT ".repeat(10_000));
    assert_eq!(read(&line), Err(CommandError::TooDeep));
}

#[test]
fn a_uid_fetch_always_tells_the_uid() {
    let Ok(Command::Fetch(fetch)) = read("UID FETCH 1 FLAGS") else {
        panic!("not a FETCH");
    };
    assert_eq!(fetch.items, [FetchItem::Uid, FetchItem::Flags]);
    assert!(fetch.messages.is_uid());
}

#[test]
fn what_marks_a_message_as_seen() {
    let marks = |line| match read(line) {
        Ok(Command::Fetch(fetch)) => fetch.items.iter().any(FetchItem::marks_seen),
        other => panic!("{other:?}"),
    };
    assert!(marks("FETCH 1 BODY[]"));
    assert!(marks("FETCH 1 BODY[1.MIME]"));
    assert!(marks("FETCH 1 RFC822"));
    assert!(marks("FETCH 1 RFC822.TEXT"));
    assert!(!marks("FETCH 1 RFC822.HEADER"));
    assert!(!marks("FETCH 1 BODY.PEEK[]"));
    assert!(!marks("FETCH 1 (BODY ENVELOPE)"));
}

#[test]
fn a_password_is_never_shown() {
    let shown = format!("{:?}", read("LOGIN bob secret"));
    assert!(!shown.contains("secret"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_command_that_is_written_is_read_the_same(command in strategies::command()) {
        let mut wire = BytesMut::new();
        command.write("a", &mut wire);
        let shown = wire.clone();
        let mut reader = Reader::new(Limits::default());
        reader.set_authenticated();
        let Event::Command(_, _, read) = reader.next(&mut wire) else {
            return Err(TestCaseError::fail(format!("not a command: {shown:?}")));
        };
        prop_assert_eq!(&*read, &command);
        let again = written(&read);
        prop_assert_eq!(again.as_bytes(), &*shown);
        prop_assert!(wire.is_empty());
    }
}

#[test]
fn what_would_be_done_for_each_message_or_mailbox_is_limited() {
    let refused = |line: &str| match read(line) {
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let search = |keys: usize| format!("SEARCH{}", " SEEN".repeat(keys));
    assert_eq!(refused(&search(1000)), None);
    let too_many = Some("Expected fewer search keys".to_owned());
    assert_eq!(refused(&search(1001)), too_many);
    // Those within others count, and those that hold them.
    let nested = format!("SEARCH{}", " NOT (SEEN)".repeat(400));
    assert_eq!(refused(&nested), too_many);
    assert_eq!(
        refused(&format!("SEARCH{}", " OR SEEN SEEN".repeat(334))),
        too_many
    );

    let fetch = |items: usize| format!("FETCH 1 ({})", vec!["BODY[]"; items].join(" "));
    assert_eq!(refused(&fetch(500)), None);
    assert_eq!(
        refused(&fetch(501)).as_deref(),
        Some("Expected fewer fetch items")
    );

    let pattern = "x".repeat(64);
    let list = |reference: &str, count: usize| {
        let patterns = vec![pattern.as_str(); count].join(" ");
        format!("LIST {reference} ({patterns})")
    };
    assert_eq!(refused(&list("\"\"", 64)), None);
    let too_long = Some("Expected shorter patterns".to_owned());
    assert_eq!(refused(&list("\"\"", 65)), too_long);
    // The reference stands before each of them.
    assert_eq!(refused(&list("abc/", 64)), too_long);
    let extended = format!(
        "LIST (SUBSCRIBED) \"\" ({})",
        vec![pattern.as_str(); 65].join(" ")
    );
    assert_eq!(refused(&extended), too_long);
    let names = |count: usize| {
        format!(
            "FETCH 1 BODY[HEADER.FIELDS ({})]",
            vec!["x"; count].join(" ")
        )
    };
    assert_eq!(refused(&names(100)), None);
    assert_eq!(
        refused(&names(101)).as_deref(),
        Some("Expected fewer header field names")
    );
}

#[test]
fn a_status_item_that_is_said_twice_is_told_once() {
    let repeated = vec!["UNSEEN MESSAGES"; 1000].join(" ");
    for line in [
        format!("STATUS x ({repeated})"),
        format!("LIST \"\" * RETURN (STATUS ({repeated}))"),
    ] {
        let items = match read(&line).unwrap() {
            Command::Status(status) => status.items,
            Command::List(list) => list.returns.status.unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(items, [StatusItem::Unseen, StatusItem::Messages]);
    }
}
