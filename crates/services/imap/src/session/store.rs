//! STORE.

use std::collections::BTreeSet;

use api::mailbox::v1::{Flags as WireFlags, StoreFlagsRequest, store_flags_request::Mode};
use imap_protocol::command::{Store, StoreMode};
use imap_protocol::response::Code;
use imap_protocol::{Flags, Keyword};

use super::expunge::uid_ranges;
use super::selected::Selected;
use crate::answer::{Answer, Stop};
use crate::server::timed;
use crate::view::Message;

/// Flags in the store's form.
pub(super) fn wire_flags(flags: &Flags) -> WireFlags {
    let keywords = flags.keywords().iter().map(Keyword::as_str);
    WireFlags {
        system: flags.system.bits(),
        keywords: keywords.map(str::to_owned).collect(),
    }
}

/// The flags of a message, for comparison.
#[derive(Debug, PartialEq, Eq)]
struct KnownFlags {
    system: u32,
    /// In lower case, since case does not matter.
    keywords: BTreeSet<String>,
}

impl KnownFlags {
    fn of(message: &Message) -> Self {
        Self {
            system: message.system.bits(),
            keywords: message.keywords().map(str::to_ascii_lowercase).collect(),
        }
    }
}

/// The flags that a client expects after the command if no response tells it. If they differ in fact, another
/// session changed them, and the response is sent (RFC 3501 §6.4.6).
fn worked_out(message: Option<&Message>, command: &Store) -> Option<KnownFlags> {
    let mut known = KnownFlags::of(message?);
    let bits = command.flags.system.bits();
    let keywords = command.flags.keywords().iter();
    let keywords = keywords.map(|keyword| keyword.as_str().to_ascii_lowercase());
    match command.mode {
        StoreMode::Add => {
            known.system |= bits;
            known.keywords.extend(keywords);
        }
        StoreMode::Remove => {
            known.system &= !bits;
            keywords.for_each(|keyword| {
                known.keywords.remove(&keyword);
            });
        }
        StoreMode::Replace => {
            known.system = bits;
            known.keywords = keywords.collect();
        }
    }
    Some(known)
}

impl Selected<'_> {
    pub(super) async fn store(&mut self, command: Store) -> Result<Answer, Stop> {
        self.check_writable()?;
        let open = &mut *self.mailbox;
        let uids = open.view.uids(&command.messages, &open.saved);
        if uids.is_empty() {
            return Ok(Answer::ok("No such message."));
        }
        let expected = open.view.within(&uids).count();
        let mode = match command.mode {
            StoreMode::Replace => Mode::Replace,
            StoreMode::Add => Mode::Add,
            StoreMode::Remove => Mode::Remove,
        };
        let request = StoreFlagsRequest {
            actor: Some(open.actor.clone()),
            mailbox_id: open.id,
            uids: uid_ranges(&uids),
            mode: mode.into(),
            flags: Some(wire_flags(&command.flags)),
            unchanged_since: None,
        };
        let mut store = self.server.store();
        let stored = store
            .store_flags(timed(request))
            .await?
            .into_inner()
            .messages;
        let found = stored.len();
        let mut told = Vec::with_capacity(if command.silent { 0 } else { found });
        for message in stored {
            let uid = message.uid;
            let worked_out = command
                .silent
                .then(|| worked_out(open.view.message(uid), &command));
            open.view.set_flags(uid, message.flags);
            let known =
                worked_out.is_some_and(|it| it == open.view.message(uid).map(KnownFlags::of));
            if !known {
                told.push(uid);
            }
        }
        open.view.tell_flags(&told, self.io.output());
        if found < expected && !command.messages.is_uid() {
            // RFC 2180 §4.2
            return Ok(Answer::no_with(
                Code::ExpungeIssued,
                "Some of the messages are gone.",
            ));
        }
        Ok(Answer::ok("Store completed."))
    }
}
