use bytes::{Bytes, BytesMut};

use super::*;
use crate::command::{SearchReturn, StatusItem};
use crate::{Flags, MailboxName, RangeSet, SystemFlags};

fn written(write: impl FnOnce(&mut BytesMut)) -> String {
    let mut out = BytesMut::new();
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn name(text: &str) -> MailboxName {
    MailboxName::new(text).expect("a name")
}

#[test]
fn conditions() {
    let tag = Tag::new(Bytes::from_static(b"A1")).expect("a tag");
    let from: RangeSet = [3, 4].into_iter().collect();
    let to: RangeSet = [1, 2].into_iter().collect();
    let line = written(|out| {
        let code = Code::CopyUid(7, from, to);
        put_condition(out, Some(&tag), Condition::Ok, Some(&code), "Done.");
    });
    assert_eq!(line, "A1 OK [COPYUID 7 3:4 1:2] Done.\r\n");
    let line = written(|out| put_condition(out, None, Condition::Bye, None, "Bye."));
    assert_eq!(line, "* BYE Bye.\r\n");
}

#[test]
fn flags_and_permanent_flags() {
    let flags = Flags::of(SystemFlags::SEEN | SystemFlags::DELETED);
    assert_eq!(
        written(|out| put_flags(out, &flags)),
        "* FLAGS (\\Deleted \\Seen)\r\n"
    );
    assert_eq!(
        Code::PermanentFlags(flags).to_string(),
        "PERMANENTFLAGS (\\Deleted \\Seen \\*)"
    );
}

#[test]
fn names_are_quoted_where_needed() {
    let list =
        |text: &str| written(|out| put_list(out, "LIST", &["\\HasNoChildren"], &name(text), ""));
    assert_eq!(list("a"), "* LIST (\\HasNoChildren) \"/\" a\r\n");
    assert_eq!(list("a b"), "* LIST (\\HasNoChildren) \"/\" \"a b\"\r\n");
    assert_eq!(
        list("Entwürfe"),
        "* LIST (\\HasNoChildren) \"/\" Entw&APw-rfe\r\n"
    );
}

#[test]
fn status() {
    let line = written(|out| {
        let values = [(StatusItem::Messages, 3), (StatusItem::UidNext, 9)];
        put_status(out, &name("INBOX"), values);
    });
    assert_eq!(line, "* STATUS INBOX (MESSAGES 3 UIDNEXT 9)\r\n");
}

#[test]
fn esearch_leaves_out_what_an_empty_result_has_not() {
    let tag = Tag::new(Bytes::from_static(b"A1")).expect("a tag");
    let wanted = SearchReturn {
        min: true,
        max: true,
        all: true,
        count: true,
        save: false,
    };
    let esearch = |numbers: &RangeSet| written(|out| put_esearch(out, &tag, true, wanted, numbers));
    assert_eq!(
        esearch(&[2, 3, 7].into_iter().collect()),
        "* ESEARCH (TAG \"A1\") UID MIN 2 MAX 7 ALL 2:3,7 COUNT 3\r\n"
    );
    assert_eq!(
        esearch(&RangeSet::default()),
        "* ESEARCH (TAG \"A1\") UID COUNT 0\r\n"
    );
}
