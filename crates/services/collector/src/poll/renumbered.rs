//! Messages that have ended a session and are listed under another name now: some servers give new UIDLs in
//! each session. Without this, such a message would end every session as if for the first time, and the
//! messages after it would never come.
//!
//! The size gives candidates, the header section tells which one it is. Until that is known, all candidates are
//! read alone, which delays none of them for more than a poll.

use super::names::Ledger;
use super::{ListedMessage, Poll, PollError, Turn};
use crate::remote::Remote;
use crate::uncollected::{Stray, is_named_by_header};

impl Poll<'_> {
    /// Recognizes messages that ended earlier sessions, and forgets those that are gone.
    pub(super) async fn recognize(
        &mut self,
        remote: &mut Remote,
        listing: &[ListedMessage],
        ledger: &Ledger,
        turn: Turn,
    ) -> Result<(), PollError> {
        let strays = self.uncollected.begin_listing(&self.names);
        for listed in listing {
            if strays.is_empty() {
                break;
            }
            if self.is_over() {
                return Ok(());
            }
            let is_new = !ledger.contains_key(&listed.name);
            if is_new && listed.is_named && !self.uncollected.is_known(&listed.name) {
                self.recognize_one(remote, listed, &strays, turn).await?;
            }
        }
        self.forget_unlisted(listing, &strays, turn);
        Ok(())
    }

    async fn recognize_one(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
        strays: &[Stray],
        turn: Turn,
    ) -> Result<(), PollError> {
        let size = listed.size.unwrap_or(0);
        let alike = || strays.iter().filter(move |stray| stray.size == size);
        let Some(any) = alike().next() else {
            return Ok(());
        };
        let without_header = alike().find(|stray| !stray.named_by_header);
        // Even its header section may end the session: that is risked in the session for such messages only.
        if let Some(stray) = without_header
            && turn == Turn::Together
        {
            self.uncollected.suspect(&listed.name, None, stray);
            return Ok(());
        }
        self.note(listed).await?;
        let header = match remote.header(listed.number).await {
            Ok(header) => header,
            Err(error) => {
                self.uncollected.suspect(&listed.name, None, any);
                self.fail(listed, &error.to_string());
                return Err(error.into());
            }
        };
        let Some(header) = header else {
            self.uncollected.suspect(&listed.name, None, any);
            return Ok(());
        };
        let name = header.identity.name();
        if !self.uncollected.recognize(&listed.name, &name)
            && let Some(stray) = without_header
        {
            let known = Some((name, header.subject()));
            self.uncollected.suspect(&listed.name, known, stray);
        }
        Ok(())
    }

    fn forget_unlisted(&mut self, listing: &[ListedMessage], strays: &[Stray], turn: Turn) {
        // A message without a name may be any of those that had none before.
        let some_unnamed = listing.iter().any(|listed| !listed.is_named);
        let sizes: Vec<u64> = strays
            .iter()
            .filter(|stray| !stray.named_by_header)
            .map(|stray| stray.size)
            .collect();
        self.uncollected.keep_listed(&self.names, |message| {
            let by_header = is_named_by_header(message);
            match turn {
                _ if some_unnamed && by_header => true,
                // It was not looked for by its header section.
                Turn::Together => by_header && sizes.contains(&message.size),
                // A rule refused it in the session before.
                _ => message.tries == 0,
            }
        });
    }
}
