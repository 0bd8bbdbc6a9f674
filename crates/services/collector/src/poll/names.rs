//! The names of messages in a listing, and messages that the ledger has under another name.
//!
//! A UIDL names a message. If a server gives none, or an invalid one, the header section names the message.
//! If a server has given a message another UIDL, the ledger is changed and nothing is delivered again.

use std::collections::HashMap;

use api::collection::v1::CollectedMessage;

use super::{Poll, PollError, Turn};
use crate::identity::{Identity, UNNAMED};
use crate::remote::{Entry, Remote};

/// A message of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedMessage {
    pub(crate) number: u32,
    /// Its UIDL, or a substitute.
    pub(crate) name: String,
    /// False: the name holds for this session only.
    pub(crate) is_named: bool,
    /// Octets, if the server gives them.
    pub(crate) size: Option<u64>,
}

/// Ledger entries, by name.
pub(super) type Ledger = HashMap<String, Vec<CollectedMessage>>;

impl Poll<'_> {
    /// Gives each message a name. Messages without a UIDL are looked at.
    pub(super) async fn name(
        &mut self,
        remote: &mut Remote,
        entries: Vec<Entry>,
        turn: Turn,
    ) -> Result<Vec<ListedMessage>, PollError> {
        let mut listing = Vec::with_capacity(entries.len());
        for entry in entries {
            let listed = match entry.uidl {
                Some(name) => ListedMessage {
                    number: entry.number,
                    name,
                    is_named: true,
                    size: entry.size,
                },
                None => self.name_by_header(remote, &entry, turn).await?,
            };
            listing.push(listed);
        }
        self.ambiguous.clear();
        self.names.clear();
        for listed in &listing {
            if !self.names.insert(listed.name.clone()) {
                self.ambiguous.insert(listed.name.clone());
            }
        }
        Ok(listing)
    }

    async fn name_by_header(
        &mut self,
        remote: &mut Remote,
        entry: &Entry,
        turn: Turn,
    ) -> Result<ListedMessage, PollError> {
        let size = entry.size.unwrap_or(0);
        let unnamed = ListedMessage {
            number: entry.number,
            name: format!("number {}, {size} octets", entry.number),
            is_named: false,
            size: entry.size,
        };
        let own_turn = self.uncollected.turn(&unnamed.name, self.now_ms());
        if self.is_over() || !(own_turn == turn || own_turn == Turn::Together) {
            return Ok(unnamed);
        }
        self.note(&unnamed).await?;
        match remote.header(entry.number).await {
            Ok(Some(header)) => Ok(ListedMessage {
                name: header.identity.name(),
                is_named: true,
                ..unnamed
            }),
            Ok(None) => Ok(unnamed),
            Err(error) => {
                self.fail(&unnamed, &error.to_string());
                Err(error.into())
            }
        }
    }

    /// The ledger entries of these, and the names to remove from the ledger after a successful session: of
    /// messages that the collector deleted and that are gone.
    pub(super) async fn look_up(
        &mut self,
        listing: &[ListedMessage],
    ) -> Result<(Ledger, Vec<String>), PollError> {
        let account = &self.account.name;
        let gone = self.memory.keep_listed(listing);
        let names = listing.iter().map(|listed| listed.name.as_str());
        let ledger = self.services.find(account, names).await?;
        let known: usize = ledger.values().map(Vec::len).sum();
        // Several are gone, and at least as many have come, all of them new: these may be the same messages.
        let are_renamed = ledger.is_empty() && gone.len() > 1 && listing.len() >= gone.len();
        let mut others = self.ledger_entries.saturating_sub(known as u64);
        let (now, later) = if are_renamed {
            (Vec::new(), gone)
        } else {
            others = others.saturating_sub(gone.len() as u64);
            (gone, Vec::new())
        };
        self.renamed_ones = others > 0;
        self.services.forget(account, &now).await?;
        self.ledger_entries = self.ledger_entries.saturating_sub(now.len() as u64);
        Ok((ledger, later))
    }

    /// The ledger entry of a message that is listed under a new name; the entry gets the new name. This is
    /// used only if the header section identifies the message; otherwise the whole message is read.
    pub(super) async fn known_by_header(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
    ) -> Result<Option<CollectedMessage>, PollError> {
        if !self.renamed_ones || !listed.is_named || self.ambiguous.contains(&listed.name) {
            return Ok(None);
        }
        self.note(listed).await?;
        let Some(header) = remote.header(listed.number).await? else {
            return Ok(None);
        };
        if !header.has_message_id() {
            return Ok(None);
        }
        let Some(entry) = self.under_other_names(&header.identity).await?.pop() else {
            return Ok(None);
        };
        self.rename(&entry, &listed.name).await?;
        self.memory.header_seen(listed);
        Ok(Some(CollectedMessage {
            remote_id: listed.name.clone(),
            ..entry
        }))
    }

    /// The ledger entry of a message that was read as a whole, under a name that is not listed. The entry
    /// gets the new name.
    pub(super) async fn known_by_content(
        &mut self,
        identity: &Identity,
        name: &str,
    ) -> Result<Option<CollectedMessage>, PollError> {
        if !self.renamed_ones {
            return Ok(None);
        }
        let entries = self.under_other_names(identity).await?;
        let Some(entry) = entries
            .into_iter()
            .find(|entry| identity.is(&entry.content_hash))
        else {
            return Ok(None);
        };
        self.rename(&entry, name).await?;
        Ok(Some(entry))
    }

    /// Entries with this header section under names that are not listed, the oldest last.
    async fn under_other_names(
        &self,
        identity: &Identity,
    ) -> Result<Vec<CollectedMessage>, PollError> {
        let mut found = Vec::new();
        for header in identity.headers() {
            found.extend(
                self.services
                    .find_by_header(&self.account.name, header)
                    .await?,
            );
        }
        // If some messages have no name, it is unknown which these are.
        let some_unnamed = self.names.iter().any(|name| name.starts_with("number "));
        found.retain(|entry| {
            let maybe_listed = some_unnamed && entry.remote_id.starts_with(UNNAMED);
            !self.names.contains(&entry.remote_id) && !maybe_listed
        });
        found.reverse();
        Ok(found)
    }

    async fn rename(&self, entry: &CollectedMessage, name: &str) -> Result<(), PollError> {
        tracing::info!(
            account = %self.account.name, uidl = name, before = %entry.remote_id,
            "a message has another UIDL now"
        );
        let renamed = self.services.rename(&self.account.name, entry, name).await;
        Ok(renamed?)
    }
}
