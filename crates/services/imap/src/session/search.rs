//! SEARCH: the view answers keys about flags and numbers; the store answers others.

mod local;
mod remote;

use api::mailbox::v1::SearchRequest;
use imap_protocol::command::{Search, SearchReturn};
use imap_protocol::response::{Code, put_esearch, put_search};
use imap_protocol::{RangeSet, Tag};

use tokio::time::{Duration, Instant};

use super::selected::Selected;
use crate::answer::{Answer, Stop};
use crate::server::{STILL_THERE, timed};

/// Interval of keep-alive responses during a search. They keep the client waiting, and show when it has gone.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);

/// Maximum number of UID ranges that `$` may add to a request to the store, repetitions included.
const MOST_RANGES: usize = 500_000;

impl Selected<'_> {
    pub(super) async fn search(&mut self, tag: &Tag, command: &Search) -> Result<Answer, Stop> {
        let found = self.find(command).await;
        let open = &mut *self.mailbox;
        let saves = command.result.is_some_and(|result| result.save);
        let uids = match found {
            Ok(uids) => uids,
            Err(stop) => {
                // RFC 5182 §2.1: a failed search clears the saved result.
                if saves {
                    open.saved = RangeSet::default();
                }
                return Err(stop);
            }
        };
        if let Some(result) = command.result.filter(|_| saves) {
            open.saved = what_is_saved(&uids, result);
        }
        let numbers: RangeSet = if command.uid {
            uids
        } else {
            let place = |uid| open.view.sequence(uid);
            uids.numbers().filter_map(place).collect()
        };
        match command.result {
            None => put_search(self.io.output(), &numbers),
            Some(result) => {
                let told = SearchReturn {
                    save: false,
                    ..result
                };
                // RETURN (SAVE) alone sends no result.
                if told != SearchReturn::default() {
                    put_esearch(self.io.output(), tag, command.uid, told, &numbers);
                }
            }
        }
        Ok(Answer::ok("Search completed."))
    }

    /// UIDs of matching messages among those that the client knows.
    async fn find(&mut self, command: &Search) -> Result<RangeSet, Stop> {
        let open = &*self.mailbox;
        if let Some(condition) = local::Condition::of(&command.key, open) {
            return Ok(local::matching(&open.view, &condition).await);
        }
        if remote::saved_ranges(&command.key, open) > MOST_RANGES {
            return Err(Answer::no_with(Code::Limit, "The saved result is too large.").into());
        }
        let request = SearchRequest {
            actor: Some(open.actor.clone()),
            mailbox_id: open.id,
            key: Some(remote::key(&command.key, open)),
            after: 0,
        };
        let mut uids = self.find_in_store(request).await?;
        uids.retain(|&uid| self.mailbox.view.sequence(uid).is_some());
        Ok(uids.into_iter().collect())
    }

    /// Searches in the store, which answers slice by slice.
    async fn find_in_store(&mut self, mut request: SearchRequest) -> Result<Vec<u32>, Stop> {
        let mut store = self.server.store();
        let mut uids = Vec::new();
        let mut told_at = Instant::now();
        loop {
            let search = store.search(timed(request.clone()));
            let found = self
                .io
                .while_there(STILL_THERE, search)
                .await??
                .into_inner();
            uids.extend(found.uids);
            // The position must advance: a faulty store could loop for ever.
            if found.looked_at_to <= request.after {
                return Ok(uids);
            }
            request.after = found.looked_at_to;
            if told_at.elapsed() >= KEEP_ALIVE_EVERY {
                self.say(None, "Still searching.");
                self.io.flush().await?;
                told_at = Instant::now();
            }
        }
    }
}

/// RFC 5182 §2.1: with MIN or MAX alone, only those are saved.
fn what_is_saved(uids: &RangeSet, result: SearchReturn) -> RangeSet {
    if result.all || result.count || !(result.min || result.max) {
        return uids.clone();
    }
    let min = uids.first().filter(|_| result.min);
    let max = uids.last().filter(|_| result.max);
    min.into_iter().chain(max).collect()
}
