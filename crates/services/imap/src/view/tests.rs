use api::mailbox::v1::{GetChangesResponse, MailboxState, UidRange};
use bytes::BytesMut;

use super::*;

fn state(uid: u32, system: u32, keywords: &[&str]) -> MessageState {
    MessageState {
        uid,
        modseq: 1,
        flags: Some(WireFlags {
            system,
            keywords: keywords.iter().map(|&keyword| keyword.into()).collect(),
        }),
    }
}

/// A mailbox with the UIDs 2, 4, 6, 8.
fn view() -> View {
    let mut view = View::new(10, 5, &["$Old".to_owned()], false);
    view.extend([2, 4, 6, 8].map(|uid| state(uid, 1, &[])).into());
    view
}

fn set(text: &str) -> SequenceSet {
    SequenceSet::parse(text.as_bytes()).expect("a set")
}

fn told(view: &mut View, changes: GetChangesResponse, expunge: bool) -> String {
    let mut out = BytesMut::new();
    view.tell_changes(changes, expunge, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn changes(changed: &[MessageState], expunged: &[(u32, u32)], uid_next: u32) -> GetChangesResponse {
    GetChangesResponse {
        state: Some(MailboxState {
            uid_next,
            highest_modseq: 9,
            ..MailboxState::default()
        }),
        changed: changed.to_vec(),
        expunged: expunged
            .iter()
            .map(|&(first, last)| UidRange { first, last })
            .collect(),
        deleted: false,
    }
}

#[test]
fn sequence_numbers_stand_for_ranges_of_uids() {
    let view = view();
    assert_eq!(view.uids_of_sequence(&set("2:3")).to_string(), "4:6");
    assert_eq!(view.uids_of_sequence(&set("1:*")).to_string(), "2:8");
    assert_eq!(view.uids_of_sequence(&set("1,4,9")).to_string(), "2,8");
    assert_eq!(view.uids_of_sequence(&set("5:9")).to_string(), "");
    assert_eq!(view.uids_of_uids(&set("5:*")).to_string(), "5:8");
    assert_eq!(view.uids_of_uids(&set("9:*")).to_string(), "8");
    assert_eq!(view.uids_of_uids(&set("9:99")).to_string(), "");
}

#[test]
fn expunges_count_as_the_client_does() {
    let mut view = view();
    let said = told(&mut view, changes(&[], &[(1, 3), (6, 8)], 10), true);
    assert_eq!(said, "* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n");
    assert_eq!(view.len(), 1);
    assert_eq!(view.sequence(4), Some(1));
}

#[test]
fn an_expunge_waits_until_it_may_be_told() {
    let mut view = view();
    let new = [state(10, 0, &[])];
    let said = told(&mut view, changes(&new, &[(4, 4)], 11), false);
    assert_eq!(said, "* 5 EXISTS\r\n* 1 RECENT\r\n");
    assert_eq!(view.sequence(6), Some(3));
    let said = told(&mut view, changes(&[], &[], 11), true);
    assert_eq!(said, "* 2 EXPUNGE\r\n");
    assert_eq!(view.sequence(10), Some(4));
    assert_eq!(view.modseq(), 9);
}

#[test]
fn only_flags_that_are_news_are_told() {
    let mut view = view();
    let changed = [state(2, 1, &[]), state(6, 5, &[])];
    let said = told(&mut view, changes(&changed, &[], 10), true);
    assert_eq!(said, "* 3 FETCH (UID 6 FLAGS (\\Flagged \\Seen))\r\n");
}

#[test]
fn a_new_keyword_is_announced_first() {
    let mut view = view();
    let said = told(
        &mut view,
        changes(&[state(2, 1, &["$New", "$Old"])], &[], 10),
        true,
    );
    assert_eq!(
        said,
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Old $New)\r\n\
         * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Old $New \\*)] \
         Permanent flags.\r\n\
         * 1 FETCH (UID 2 FLAGS (\\Seen $New $Old))\r\n"
    );
}

#[test]
fn a_new_keyword_of_a_new_message_is_announced() {
    let mut view = view();
    let new = [state(10, 1, &["$Old"]), state(11, 0, &["$New"])];
    let said = told(&mut view, changes(&new, &[], 12), true);
    assert_eq!(
        said,
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Old $New)\r\n\
         * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Old $New \\*)] \
         Permanent flags.\r\n\
         * 6 EXISTS\r\n* 2 RECENT\r\n"
    );
}

#[test]
fn a_message_that_came_and_went_unseen_is_not_told() {
    let mut view = view();
    let said = told(&mut view, changes(&[], &[(10, 10)], 11), true);
    assert_eq!(said, "");
}

#[test]
fn what_came_since_the_opening_is_recent() {
    let mut view = view();
    assert_eq!(view.recent(), 0);
    let said = told(&mut view, changes(&[state(10, 0, &[])], &[], 11), true);
    assert_eq!(said, "* 5 EXISTS\r\n* 1 RECENT\r\n");
    assert_eq!(view.recent_uids().to_string(), "10");
    assert_eq!(view.first_unseen(), Some(5));
}

#[test]
fn own_changes_are_not_asked_for_when_nobody_else_changed_anything() {
    let mut view = view();
    view.own_change(7);
    assert_eq!(view.modseq(), 5);
    view.own_change(6);
    assert_eq!(view.modseq(), 6);
}

#[test]
fn a_message_takes_sixteen_octets() {
    assert_eq!(size_of::<Message>(), 16);
}
