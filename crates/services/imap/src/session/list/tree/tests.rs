use imap_protocol::command::{ListReturn, ListSelection};

use super::*;

fn tree() -> Tree {
    let mailbox = |id, name: &str, subscribed, special_use: &str| Mailbox {
        mailbox_id: id,
        name: name.to_owned(),
        uid_validity: 1,
        subscribed,
        special_use: special_use.to_owned(),
    };
    Tree::new(vec![
        mailbox(1, "INBOX", true, ""),
        mailbox(2, "Sent", true, "\\Sent"),
        mailbox(3, "a/b/c", true, ""),
        mailbox(4, "x", false, ""),
        mailbox(5, "x/y", false, ""),
        mailbox(0, "gone", true, ""),
    ])
}

fn list(pattern: &str, selection: ListSelection, extended: bool) -> Vec<String> {
    let command = List {
        selection,
        reference: MailboxName::new("").expect("a name"),
        patterns: vec![ListPattern::new(pattern).expect("a pattern")],
        returns: ListReturn::default(),
        extended,
    };
    shown(tree().list(&command))
}

fn shown(listed: Vec<ListEntry>) -> Vec<String> {
    let show = |mailbox: ListEntry| {
        let info = if mailbox.child_info { " +" } else { "" };
        format!("{} {}{info}", mailbox.name, mailbox.attributes.join(" "))
    };
    listed.into_iter().map(show).collect()
}

#[test]
fn all_with_the_names_between() {
    assert_eq!(
        list("*", ListSelection::default(), false),
        [
            "INBOX \\HasNoChildren",
            "Sent \\HasNoChildren \\Sent",
            "a \\Noselect \\HasChildren",
            "a/b \\Noselect \\HasChildren",
            "a/b/c \\HasNoChildren",
            "x \\HasChildren",
            "x/y \\HasNoChildren",
        ]
    );
}

#[test]
fn one_level() {
    assert_eq!(
        list("a/%", ListSelection::default(), false),
        ["a/b \\Noselect \\HasChildren"]
    );
}

#[test]
fn subscribed_ones_are_told_even_when_they_are_gone() {
    let selection = ListSelection {
        subscribed: true,
        ..ListSelection::default()
    };
    assert_eq!(
        list("%", selection, true),
        [
            "INBOX \\HasNoChildren \\Subscribed",
            "Sent \\HasNoChildren \\Subscribed \\Sent",
            "gone \\NonExistent \\HasNoChildren \\Subscribed",
        ]
    );
}

#[test]
fn a_recursive_match_tells_of_subscriptions_below() {
    let selection = ListSelection {
        subscribed: true,
        recursive_match: true,
        ..ListSelection::default()
    };
    assert_eq!(
        list("a%", selection, true),
        ["a \\NonExistent \\HasChildren +"]
    );
}

#[test]
fn special_uses() {
    let selection = ListSelection {
        special_use: true,
        ..ListSelection::default()
    };
    assert_eq!(list("*", selection, true), ["Sent \\HasNoChildren \\Sent"]);
}

#[test]
fn lsub_stands_for_what_is_below() {
    let lsub = |pattern| shown(tree().lsub(&ListPattern::new(pattern).expect("a pattern")));
    assert_eq!(lsub("%"), ["INBOX ", "Sent ", "a \\Noselect", "gone "]);
    assert_eq!(lsub("a/%"), ["a/b \\Noselect"]);
    // Where the name itself is listed, nothing stands for it; nor without `%`.
    assert_eq!(lsub("a/*"), ["a/b/c "]);
    assert_eq!(lsub("*%"), ["INBOX ", "Sent ", "a/b/c ", "gone "]);
    assert_eq!(lsub("a/b"), [""; 0]);
    // An existing mailbox counts as unsubscribed like a missing one.
    assert_eq!(lsub("x%"), [""; 0]);
}
