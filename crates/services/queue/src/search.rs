//! Search: `FindMessage` by the id that a client read, `SearchHistory` by addresses and times.

use api::queue::v1::{
    FindMessageRequest, FindMessageResponse, HistoryKey, SearchHistoryRequest,
    SearchHistoryResponse,
};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::sql::history::{self, Event, HistoryQuery};
use crate::{read, sql};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Maximum length of a search text.
const LONGEST_TEXT: usize = 512;

/// The message with this id of its front end.
pub(crate) async fn find(
    engine: &Engine,
    request: &FindMessageRequest,
) -> Result<FindMessageResponse> {
    let session = checked("session", &request.session)?.to_ascii_uppercase();
    let found = async {
        let mut connection = engine.pool.acquire().await?;
        history::message_of_session(&mut connection, &session).await
    };
    match found.await.map_err(Error::Database)? {
        Some(message_id) => Ok(FindMessageResponse { message_id }),
        None => Err(Error::not_found(format!(
            "no message was accepted as {session}"
        ))),
    }
}

/// A page of the history, newest first.
pub(crate) async fn history(
    engine: &Engine,
    request: &SearchHistoryRequest,
) -> Result<SearchHistoryResponse> {
    let limit = read::page(request.limit)?;
    let (first_recipient, last_recipient) = recipients(request.message_id)?;
    let after = request.after.unwrap_or(HistoryKey {
        at_ms: i64::MAX,
        recipient_id: i64::MAX,
    });
    let mut wanted = HistoryQuery {
        from: 0,
        until: 0,
        after: (after.at_ms, after.recipient_id),
        first_recipient,
        last_recipient,
        sender: checked("sender", &request.sender)?,
        recipient: checked("recipient", &request.recipient)?,
        limit,
    };
    let newest = after.at_ms.min(engine.clock.now() + DAY_MS);
    let found = async {
        let mut connection = engine.pool.acquire().await?;
        let mut events = Vec::new();
        for (from, until) in periods(request.since_ms.max(0), newest.saturating_add(1)) {
            (wanted.from, wanted.until) = (from, until);
            wanted.limit = limit - events.len() as i64;
            events.extend(history::search(&mut connection, &wanted).await?);
            if events.len() as i64 == limit {
                break;
            }
        }
        Ok(events)
    };
    let events: Vec<Event> = found.await.map_err(Error::Database)?;
    let next = match events.last() {
        Some(last) if events.len() as i64 == limit => Some(HistoryKey {
            at_ms: last.at,
            recipient_id: last.recipient_id,
        }),
        _ => None,
    };
    Ok(SearchHistoryResponse {
        events: events.into_iter().map(read::history_event).collect(),
        next,
    })
}

/// Periods of growing length, latest first, which together cover the whole time. Results of the last days are
/// found before the rest of the history has been read.
fn periods(since: i64, until: i64) -> impl Iterator<Item = (i64, i64)> {
    let lengths = [1, 2, 4, 8, 16].map(|days| days * DAY_MS);
    let mut end = until;
    let lengths = lengths.into_iter().chain(std::iter::once(i64::MAX));
    lengths.map_while(move |length| {
        let begin = end.saturating_sub(length).max(since);
        let period = (begin < end).then_some((begin, end));
        end = begin;
        period
    })
}

/// The range of a message's recipient ids; of all messages for 0.
fn recipients(message_id: i64) -> Result<(i64, i64)> {
    match message_id {
        0 => Ok((0, i64::MAX)),
        1..=sql::LARGEST_MESSAGE_ID => Ok((
            sql::recipient_id(message_id, 0),
            sql::recipient_id(message_id + 1, 0) - 1,
        )),
        _ => Err(Error::not_found(format!(
            "there is no message {message_id}"
        ))),
    }
}

fn checked<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    if text.len() > LONGEST_TEXT {
        return Err(Error::invalid(format!(
            "{what} has {} octets; at most {LONGEST_TEXT} are looked for",
            text.len()
        )));
    }
    if text.contains('\0') {
        return Err(Error::invalid(format!("{what} has a NUL")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_all_of_the_time_from_the_latest_on() {
        let rows = [
            (0, 100 * DAY_MS),
            (5, 10),
            (0, 1),
            (98 * DAY_MS, 99 * DAY_MS),
        ];
        for (since, until) in rows {
            let periods: Vec<_> = periods(since, until).collect();
            assert_eq!(periods.first().map(|period| period.1), Some(until));
            assert_eq!(periods.last().map(|period| period.0), Some(since));
            let joined = periods.windows(2).all(|pair| pair[0].0 == pair[1].1);
            assert!(joined, "{periods:?}");
        }
        assert_eq!(periods(7, 7).count(), 0);
        assert_eq!(
            periods(0, 100 * DAY_MS).next(),
            Some((99 * DAY_MS, 100 * DAY_MS))
        );
    }
}
