//! Users, their mailboxes by name, and the ledger of deliveries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api::actor::v1::{Actor, ActorKind};
use api::grpc::Status;
use api::mailbox::v1::{Mailbox, MailboxState};
use bytes::Bytes;

use super::mailbox::FakeMailbox;
use super::name::{canonical, renamed, superiors};

/// The mailboxes of a new user, as created by mailbox-store.
pub const USUAL: &[(&str, &str)] = &[
    ("INBOX", ""),
    ("Archive", "\\Archive"),
    ("Drafts", "\\Drafts"),
    ("Junk", "\\Junk"),
    ("Sent", "\\Sent"),
    ("Trash", "\\Trash"),
];

/// The mailboxes of a user who only receives mail.
pub const INBOX_ALONE: &[(&str, &str)] = &[("INBOX", "")];

/// The first mailbox's id.
const FIRST_ID: i64 = 100;

/// The user of a call.
pub(super) fn user(actor: Option<&Actor>) -> Result<i64, Status> {
    let user = actor.filter(|actor| actor.kind() == ActorKind::User);
    let user = user.ok_or_else(|| Status::invalid_argument("the call names no user"))?;
    Ok(user.user_id)
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: BTreeMap<i64, User>,
    pub(super) mailboxes: BTreeMap<i64, FakeMailbox>,
    created: i64,
    pub(super) bodies: HashMap<i64, Bytes>,
    pub(super) any_body: Option<Bytes>,
    /// UIDs by recipient.
    pub(super) ledger: HashMap<i64, u32>,
    pub(super) uploads: Vec<Vec<u8>>,
    /// Users with a locked maildrop.
    pub(super) maildrops: BTreeSet<i64>,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) address: String,
    subscriptions: BTreeSet<String>,
}

impl State {
    pub(super) fn add_user(&mut self, address: &str, mailboxes: &[(&str, &str)]) -> i64 {
        let user_id = 1 + self.users.len() as i64;
        let user = User {
            address: address.to_owned(),
            subscriptions: mailboxes
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        };
        self.users.insert(user_id, user);
        for (name, special_use) in mailboxes {
            self.insert(user_id, name, special_use);
        }
        user_id
    }

    fn insert(&mut self, user_id: i64, name: &str, special_use: &str) -> i64 {
        let id = FIRST_ID + self.created;
        self.created += 1;
        let mailbox = FakeMailbox::new(id, user_id, name, special_use);
        self.mailboxes.insert(id, mailbox);
        id
    }

    fn user(&mut self, user_id: i64) -> Result<&mut User, Status> {
        let user = self.users.get_mut(&user_id);
        user.ok_or_else(|| Status::not_found("no such user"))
    }

    /// A mailbox of this user: other users' mailboxes are not found.
    pub(super) fn owned(
        &mut self,
        user_id: i64,
        mailbox_id: i64,
    ) -> Result<&mut FakeMailbox, Status> {
        let mailbox = self.mailboxes.get_mut(&mailbox_id);
        let owned = mailbox.filter(|mailbox| mailbox.user_id == user_id);
        owned.ok_or_else(|| Status::not_found("no such mailbox"))
    }

    pub(super) fn by_id(&mut self, mailbox_id: i64) -> Result<&mut FakeMailbox, Status> {
        let mailbox = self.mailboxes.get_mut(&mailbox_id);
        mailbox.ok_or_else(|| Status::not_found("no such mailbox"))
    }

    pub(super) fn named(&self, user_id: i64, name: &str) -> Result<&FakeMailbox, Status> {
        let name = canonical(name)?;
        let mut mailboxes = self.mailboxes.values();
        let found = mailboxes.find(|one| one.user_id == user_id && one.name == name);
        found.ok_or_else(|| Status::not_found("no such mailbox"))
    }

    pub(super) fn id_of(&self, user_id: i64, name: &str) -> Result<i64, Status> {
        self.named(user_id, name).map(|mailbox| mailbox.id)
    }

    fn exists(&self, user_id: i64, name: &str) -> bool {
        self.named(user_id, name).is_ok()
    }

    fn is_subscribed(&self, user_id: i64, name: &str) -> bool {
        let user = self.users.get(&user_id);
        user.is_some_and(|user| user.subscriptions.contains(name))
    }

    pub(super) fn list(&self, user_id: i64) -> Result<Vec<Mailbox>, Status> {
        let Some(user) = self.users.get(&user_id) else {
            return Err(Status::not_found("no such user"));
        };
        let own = self.mailboxes.values().filter(|one| one.user_id == user_id);
        let mut all: BTreeMap<String, Mailbox> = own
            .map(|one| {
                (
                    one.name.clone(),
                    one.listed(self.is_subscribed(user_id, &one.name)),
                )
            })
            .collect();
        for name in &user.subscriptions {
            all.entry(name.clone()).or_insert_with(|| Mailbox {
                name: name.clone(),
                subscribed: true,
                ..Mailbox::default()
            });
        }
        Ok(all.into_values().collect())
    }

    pub(super) fn create(
        &mut self,
        user_id: i64,
        name: &str,
        special_use: &str,
    ) -> Result<Mailbox, Status> {
        let name = canonical(name)?;
        if !USUAL.iter().any(|(_, usual)| *usual == special_use) {
            return Err(Status::invalid_argument("no such special use"));
        }
        self.user(user_id)?;
        if self.exists(user_id, &name) {
            return Err(Status::already_exists("the mailbox"));
        }
        self.create_superiors(user_id, &name);
        let id = self.insert(user_id, &name, special_use);
        let subscribed = self.is_subscribed(user_id, &name);
        Ok(self.by_id(id)?.listed(subscribed))
    }

    fn create_superiors(&mut self, user_id: i64, name: &str) {
        for superior in superiors(name) {
            if !self.exists(user_id, superior) {
                self.insert(user_id, superior, "");
            }
        }
    }

    /// Returns the mailbox's id.
    pub(super) fn delete(&mut self, user_id: i64, name: &str) -> Result<i64, Status> {
        if canonical(name)? == "INBOX" {
            return Err(Status::failed_precondition("INBOX stays"));
        }
        let id = self.id_of(user_id, name)?;
        self.mailboxes.remove(&id);
        Ok(id)
    }

    /// Returns the changed mailboxes with their MODSEQs.
    pub(super) fn rename(
        &mut self,
        user_id: i64,
        from: &str,
        to: &str,
    ) -> Result<Vec<(i64, u64)>, Status> {
        let (from, to) = (canonical(from)?, canonical(to)?);
        let below = superiors(&to).any(|superior| superior == from);
        if to == "INBOX" {
            return Err(Status::already_exists("INBOX"));
        }
        if to == from || (below && from != "INBOX") {
            return Err(Status::failed_precondition("below itself"));
        }
        self.user(user_id)?;
        if from == "INBOX" {
            return self.empty_inbox(user_id, &to);
        }
        self.rename_tree(user_id, &from, &to)?;
        Ok(Vec::new())
    }

    fn rename_tree(&mut self, user_id: i64, from: &str, to: &str) -> Result<(), Status> {
        let own = self.mailboxes.values().filter(|one| one.user_id == user_id);
        let moved: Vec<(i64, String)> = own
            .filter_map(|one| Some((one.id, renamed(&one.name, from, to)?)))
            .collect();
        if moved.is_empty() {
            return Err(Status::not_found("no such mailbox"));
        }
        let made: BTreeSet<&str> = superiors(to).collect();
        let taken = |name: &str| self.exists(user_id, name) || made.contains(name);
        if moved.iter().any(|(_, name)| taken(name)) {
            return Err(Status::already_exists("the mailbox"));
        }
        self.create_superiors(user_id, to);
        for (id, name) in moved {
            self.by_id(id)?.name = name;
        }
        Ok(())
    }

    /// RFC 9051 §6.3.6: INBOX stays, and its messages move.
    fn empty_inbox(&mut self, user_id: i64, to: &str) -> Result<Vec<(i64, u64)>, Status> {
        let inbox = self.id_of(user_id, "INBOX")?;
        if self.exists(user_id, to) {
            return Err(Status::already_exists("the mailbox"));
        }
        self.create_superiors(user_id, to);
        let made = self.insert(user_id, to, "");
        let uids: Vec<u32> = self.by_id(inbox)?.messages.keys().copied().collect();
        let (_, changed) = self.transfer(inbox, made, &uids, true)?;
        Ok(changed)
    }

    pub(super) fn set_subscribed(
        &mut self,
        user_id: i64,
        name: &str,
        subscribed: bool,
    ) -> Result<(), Status> {
        let name = canonical(name)?;
        let user = self.user(user_id)?;
        if subscribed {
            user.subscriptions.insert(name);
        } else {
            user.subscriptions.remove(&name);
        }
        Ok(())
    }

    pub(super) fn status(
        &self,
        user_id: i64,
        names: &[String],
    ) -> Result<Vec<MailboxState>, Status> {
        let state = |name: &String| Ok(self.named(user_id, name)?.state());
        names.iter().map(state).collect()
    }
}
