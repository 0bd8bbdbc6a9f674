//! `postern queue history`: what became of messages, found by addresses, times and ids.

use api::queue::v1::{HistoryEvent, SearchHistoryRequest};

use super::json::{Event, message_of};
use super::{outcome, sender, why};
use crate::commands::message_name::MessageName;
use crate::commands::since::since;
use crate::failure::Failure;
use crate::screen::{Screen, Times, columns, number, written};
use crate::system::{Asked, System};

/// Which lines of the history.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A whole address is found as it is, in capitals or not, by an index; any other text is looked for within the
addresses. The history is kept for the days that [queue] history-days says, 30 unless given. A message that
has not been tried yet is not in it: postern queue list shows what waits.

Examples:
  postern queue history --recipient bob@example.test
  postern queue history --sender @x.test --since '2 h'
  postern queue history --id 01M8PP6D2X9Q7 --json")]
pub struct Filter {
    /// Only those to this address, or to addresses that contain this
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "",
        hide_default_value = true
    )]
    recipient: String,
    /// Only those from this address, or from addresses that contain this
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "",
        hide_default_value = true
    )]
    sender: String,
    /// Not before that long ago ('2 h'), or a day or time (2026-11-24, 2026-11-24T08:00:00Z)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those of this message: the id with which it was accepted, or its number
    #[arg(long, value_name = "MESSAGE")]
    id: Option<MessageName>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(super) async fn run(filter: &Filter, system: &System, screen: &Screen) -> Result<(), Failure> {
    let message = match &filter.id {
        Some(name) => name.number(system).await?,
        None => 0,
    };
    let (events, more) = search(filter, message, system, &screen.times).await?;
    let shown: Vec<Event<'_>> = events.iter().map(Event::from).collect();
    screen.show(&shown, || match events.is_empty() {
        true => nothing(filter, message),
        false => table(&events, &screen.times),
    });
    if more {
        screen.remark("There are more; ask for them by --limit.");
    }
    Ok(())
}

async fn search(
    filter: &Filter,
    message: i64,
    system: &System,
    times: &Times,
) -> Result<(Vec<HistoryEvent>, bool), Failure> {
    let since_ms = match &filter.since {
        Some(text) => since(text, times).map_err(Failure::Usage)?,
        None => 0,
    };
    let mut client = system.queue(Asked::Search)?;
    let mut events = Vec::new();
    let mut after = None;
    while events.len() < filter.limit {
        let left = u32::try_from(filter.limit - events.len()).unwrap_or(u32::MAX);
        let request = SearchHistoryRequest {
            after,
            limit: left.min(1000),
            sender: filter.sender.clone(),
            recipient: filter.recipient.clone(),
            since_ms,
            message_id: message,
        };
        let page = client.search_history(request).await;
        let page = page
            .map_err(|status| Failure::call("the queue", &status))?
            .into_inner();
        events.extend(page.events);
        after = page.next;
        if after.is_none() {
            return Ok((events, false));
        }
    }
    Ok((events, true))
}

/// What is not in the history may be in the queue.
fn nothing(filter: &Filter, message: i64) -> String {
    let filtered =
        !filter.sender.is_empty() || !filter.recipient.is_empty() || filter.since.is_some();
    match (message, filtered) {
        (0, false) => "The history is empty: nothing has been delivered or tried yet.".to_owned(),
        (0, true) => "Nothing of that is in the history. What has not been tried yet is in postern queue list; \
                      what was refused is in postern refusals list."
            .to_owned(),
        (message, _) => format!(
            "Nothing of that is in the history of message {message}. postern queue show {message} says whether \
             it still waits."
        ),
    }
}

fn table(events: &[HistoryEvent], times: &Times) -> String {
    let mut table = columns(&[
        "time",
        "message",
        "accepted as",
        "sender",
        "recipient",
        "outcome",
        "why",
    ]);
    for event in events {
        let id = match event.session.as_str() {
            "" => "-",
            id => id,
        };
        table.add_row([
            times.local(event.at_ms).into(),
            number(message_of(event)),
            id.into(),
            sender(&event.reverse_path).into(),
            event.address.as_str().into(),
            outcome(event.outcome()).into(),
            why(event).into(),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use api::queue::v1::Outcome as End;
    use clap::Parser as _;
    use jiff::tz::TimeZone;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        filter: Filter,
    }

    fn filter(words: &str) -> Filter {
        let words = std::iter::once("history").chain(words.split_whitespace());
        Line::try_parse_from(words).unwrap().filter
    }

    fn times() -> Times {
        Times {
            now: "2026-11-24T20:00:00Z".parse().unwrap(),
            zone: TimeZone::UTC,
        }
    }

    fn relayed() -> HistoryEvent {
        HistoryEvent {
            at_ms: times().now.as_millisecond(),
            recipient_id: (1042 << 14) + 3,
            address: "b@y.test".to_owned(),
            outcome: End::Relayed.into(),
            reason: "taken by mx.y.test".to_owned(),
            server: "mx.y.test".to_owned(),
            reply: "250 OK".to_owned(),
            session: "01M8PP6D2X9Q7".to_owned(),
            ..HistoryEvent::default()
        }
    }

    #[test]
    fn a_line_says_of_which_message_it_is() {
        let without_id = HistoryEvent {
            session: String::new(),
            ..relayed()
        };
        assert_eq!(
            table(&[relayed(), without_id], &times()),
            "\
TIME                 MESSAGE  ACCEPTED AS    SENDER  RECIPIENT  OUTCOME  WHY
2026-11-24 20:00:00     1042  01M8PP6D2X9Q7  <>      b@y.test   relayed  taken by mx.y.test; mx.y.test said 250 OK
2026-11-24 20:00:00     1042  -              <>      b@y.test   relayed  taken by mx.y.test; mx.y.test said 250 OK"
        );
        let json = serde_json::to_value(Event::from(&relayed())).unwrap();
        assert_eq!(json["message"], 1042);
        assert_eq!(json["id"], "01M8PP6D2X9Q7");
    }

    #[test]
    fn nothing_found_says_where_else_to_look() {
        assert!(nothing(&filter(""), 0).contains("is empty"));
        assert!(nothing(&filter("--sender a@x.test"), 0).contains("postern queue list"));
        let of_message = nothing(&filter("--id 1042"), 1042);
        assert!(
            of_message.contains("postern queue show 1042"),
            "{of_message}"
        );
    }
}
