//! `postern queue history`: outcomes of messages, searched by address, time and id.

use administration::queue::{self, Event, HistoryFilter, MessageName};
use administration::{Administration, Times};

use super::{sender, why};
use crate::commands::limit::limit;
use crate::commands::since::since;
use crate::failure::Failure;
use crate::screen::{Screen, columns, number, written};

/// The filter of the history.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A whole address is looked up in an index, ignoring case; any other text is searched for within the
addresses. The history is kept for [queue] history-days (default 30). A message without an attempt so far is
not in the history: see postern queue list.

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
    /// Earliest time: a duration before now ('2 h'), or a day or time (2026-11-24, 2026-11-24T08:00:00Z)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those of this message: the id given at acceptance, or its number
    #[arg(long, value_name = "MESSAGE")]
    id: Option<MessageName>,
    /// Maximum number of entries
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit)]
    limit: usize,
}

pub(super) async fn run(
    filter: Filter,
    administration: &Administration,
    screen: &Screen,
) -> Result<(), Failure> {
    let message = match &filter.id {
        Some(name) => Some(name.number(administration).await?),
        None => None,
    };
    let since = filter.since.map(|text| since(&text, &screen.times));
    let filter = HistoryFilter {
        recipient: filter.recipient,
        sender: filter.sender,
        since: since.transpose().map_err(Failure::Usage)?,
        message,
        limit: filter.limit,
    };
    let found = queue::history(administration, &filter).await?;
    screen.show_list(&found, |events| match events.is_empty() {
        true => nothing(&filter),
        false => table(events, &screen.times),
    });
    Ok(())
}

/// A message missing in the history may be in the queue.
fn nothing(filter: &HistoryFilter) -> String {
    let filtered =
        !filter.sender.is_empty() || !filter.recipient.is_empty() || filter.since.is_some();
    match (filter.message, filtered) {
        (None, false) => {
            "The history is empty: nothing has been delivered or tried yet.".to_owned()
        }
        (None, true) => "Nothing of that is in the history. What has not been tried yet is in postern queue list; \
                         what was refused is in postern refusals list."
            .to_owned(),
        (Some(message), _) => format!(
            "Nothing of that is in the history of message {message}. postern queue show {message} says whether \
             it still waits."
        ),
    }
}

fn table(events: &[Event], times: &Times) -> String {
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
        let id = match event.id.as_str() {
            "" => "-",
            id => id,
        };
        table.add_row([
            times.local(event.at).into(),
            number(event.message),
            id.into(),
            sender(&event.sender).into(),
            event.recipient.as_str().into(),
            event.outcome.into(),
            why(event).into(),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use api::queue::v1::{HistoryEvent, Outcome as End};
    use jiff::tz::TimeZone;

    use super::*;

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
        let events = [relayed(), without_id].map(Event::from);
        assert_eq!(
            table(&events, &times()),
            "\
TIME                 MESSAGE  ACCEPTED AS    SENDER  RECIPIENT  OUTCOME  WHY
2026-11-24 20:00:00     1042  01M8PP6D2X9Q7  <>      b@y.test   relayed  taken by mx.y.test; mx.y.test said 250 OK
2026-11-24 20:00:00     1042  -              <>      b@y.test   relayed  taken by mx.y.test; mx.y.test said 250 OK"
        );
        let json = serde_json::to_value(&events[0]).unwrap();
        assert_eq!(json["message"], 1042);
        assert_eq!(json["id"], "01M8PP6D2X9Q7");
    }

    #[test]
    fn nothing_found_says_where_else_to_look() {
        let all = HistoryFilter::default();
        assert!(nothing(&all).contains("is empty"));
        let of_a_sender = HistoryFilter {
            sender: "a@x.test".to_owned(),
            ..HistoryFilter::default()
        };
        assert!(nothing(&of_a_sender).contains("postern queue list"));
        let of_a_message = nothing(&HistoryFilter {
            message: Some(1042),
            ..HistoryFilter::default()
        });
        assert!(
            of_a_message.contains("postern queue show 1042"),
            "{of_a_message}"
        );
    }
}
