//! A user's mailboxes as a tree, and the selection of LIST. Pure.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use api::mailbox::v1::Mailbox;
use imap_protocol::command::List;
use imap_protocol::{ListPattern, MailboxName};

/// A line of the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListEntry {
    pub(super) name: MailboxName,
    pub(super) attributes: Vec<&'static str>,
    pub(super) selectable: bool,
    /// An inferior is subscribed (RFC 5258 §4).
    pub(super) child_info: bool,
}

/// Nodes by name, including names that exist only as superiors of others.
pub(super) struct Tree(BTreeMap<String, Node>);

#[derive(Debug, Default, Clone)]
struct Node {
    exists: bool,
    subscribed: bool,
    special_use: Option<&'static str>,
    has_children: bool,
    subscribed_below: bool,
    special_use_below: bool,
}

const SPECIAL_USES: [&str; 7] = [
    "\\All",
    "\\Archive",
    "\\Drafts",
    "\\Flagged",
    "\\Junk",
    "\\Sent",
    "\\Trash",
];

/// The superiors of a name.
fn names_above(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices(MailboxName::SEPARATOR)
        .filter_map(|(at, _)| name.get(..at))
}

impl Tree {
    pub(super) fn new(mailboxes: Vec<Mailbox>) -> Self {
        let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
        for mailbox in mailboxes {
            let exists = mailbox.mailbox_id != 0;
            let special_use = SPECIAL_USES
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(&mailbox.special_use));
            for above in names_above(&mailbox.name) {
                let parent = nodes.entry(above.to_owned()).or_default();
                parent.has_children |= exists;
                parent.subscribed_below |= mailbox.subscribed;
                parent.special_use_below |= special_use.is_some();
            }
            let node = nodes.entry(mailbox.name).or_default();
            node.exists = exists;
            node.subscribed = mailbox.subscribed;
            node.special_use = special_use;
        }
        Self(nodes)
    }

    /// The mailboxes for LIST.
    pub(super) fn list(&self, command: &List) -> Vec<ListEntry> {
        let reference = command.reference.as_str();
        let patterns: Vec<_> = command
            .patterns
            .iter()
            .filter_map(|pattern| pattern.behind(reference))
            .collect();
        self.0
            .iter()
            .filter(|(name, _)| patterns.iter().any(|pattern| pattern.matches(name)))
            .filter_map(|(name, node)| node.listed(name, command))
            .collect()
    }

    /// The mailboxes for LSUB: the subscribed names that match, and for a `%` that ends above a name, the
    /// superior that stands for it (RFC 3501 §6.3.9).
    pub(super) fn lsub(&self, pattern: &ListPattern) -> Vec<ListEntry> {
        let matching: BTreeSet<&str> = self
            .0
            .keys()
            .map(String::as_str)
            .filter(|name| pattern.matches(name))
            .collect();
        let subscribed = self.0.iter().filter(|(_, node)| node.subscribed);
        let (told, below): (Vec<&str>, Vec<&str>) = subscribed
            .map(|(name, _)| name.as_str())
            .partition(|name| matching.contains(name));
        let mut listed: BTreeMap<&str, Vec<&'static str>> =
            told.into_iter().map(|name| (name, Vec::new())).collect();
        if pattern.stops_at_a_level() {
            for above in below.into_iter().flat_map(names_above) {
                if matching.contains(above) {
                    listed.entry(above).or_insert_with(|| vec!["\\Noselect"]);
                }
            }
        }
        let listed = listed.into_iter().filter_map(|(name, attributes)| {
            Some(ListEntry {
                name: MailboxName::new(name)?,
                attributes,
                selectable: self.0.get(name).is_some_and(|node| node.exists),
                child_info: false,
            })
        });
        listed.collect()
    }
}

impl Node {
    fn listed(&self, name: &str, command: &List) -> Option<ListEntry> {
        let selection = command.selection;
        let selected = (!selection.subscribed || self.subscribed)
            && (!selection.special_use || self.special_use.is_some())
            && (self.exists || self.has_children || selection.subscribed);
        let below = selection.recursive_match
            && (!selection.subscribed || self.subscribed_below)
            && (!selection.special_use || self.special_use_below);
        if !(selected || below) {
            return None;
        }
        Some(ListEntry {
            name: MailboxName::new(name)?,
            attributes: self.attributes(command),
            selectable: self.exists,
            child_info: below && selection.subscribed,
        })
    }

    fn attributes(&self, command: &List) -> Vec<&'static str> {
        let mut attributes = Vec::with_capacity(4);
        if !self.exists {
            // RFC 5258 §3: a missing mailbox cannot be selected either.
            attributes.push(if command.extended {
                "\\NonExistent"
            } else {
                "\\Noselect"
            });
        }
        attributes.push(if self.has_children {
            "\\HasChildren"
        } else {
            "\\HasNoChildren"
        });
        if self.subscribed && (command.selection.subscribed || command.returns.subscribed) {
            attributes.push("\\Subscribed");
        }
        attributes.extend(self.special_use);
        attributes
    }
}
