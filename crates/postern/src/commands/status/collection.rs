//! The collection accounts in `postern status`.

use administration::Times;
use administration::status::Account;
use rules::format_size;

use crate::screen::{columns, number, written};

/// Maximum number of messages listed for each account.
const SHOWN: usize = 10;

pub(super) fn table(accounts: &[Account], times: &Times) -> String {
    let mut table = columns(&[
        "collects from",
        "last poll",
        "got",
        "in all",
        "left",
        "error",
    ]);
    for account in accounts {
        let error = match account.last_error.as_str() {
            "" => "-",
            error => error,
        };
        let last_poll = match account.last_poll {
            None => "never".to_owned(),
            Some(polled) => times.distance(polled),
        };
        table.add_row([
            account.name.as_str().into(),
            last_poll.into(),
            number(account.last_collected),
            number(account.total_collected),
            number(account.left),
            error.into(),
        ]);
    }
    written(&table)
}

/// The messages that were not collected, if any.
pub(super) fn uncollected(accounts: &[Account], times: &Times) -> Option<String> {
    let mut table = columns(&[
        "not collected from",
        "UIDL",
        "subject",
        "size",
        "again",
        "because",
    ]);
    let mut more = 0;
    let mut any = false;
    for account in accounts {
        more += account.uncollected.len().saturating_sub(SHOWN);
        for message in account.uncollected.iter().take(SHOWN) {
            any = true;
            table.add_row([
                account.name.as_str().into(),
                dash(&message.uidl).into(),
                dash(&message.subject).into(),
                number(message.size.map_or("-".to_owned(), format_size)),
                match message.retry_at {
                    None => "at the next poll".to_owned(),
                    Some(at) => times.distance(at),
                }
                .into(),
                message.reason.as_str().into(),
            ]);
        }
    }
    let more = (more > 0).then(|| format!("\n… and {more} more: postern status --json"));
    any.then(|| written(&table) + &more.unwrap_or_default())
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use api::collection::v1::{AccountState, UncollectedMessage};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    fn times(now_ms: i64) -> Times {
        Times {
            now: Timestamp::from_millisecond(now_ms).unwrap(),
            zone: TimeZone::UTC,
        }
    }

    fn state() -> AccountState {
        AccountState {
            account: "isp".to_owned(),
            ..AccountState::default()
        }
    }

    #[test]
    fn an_account_that_was_never_polled_says_so() {
        let table = table(&[Account::from(state())], &times(1_060_000));
        assert!(table.contains("isp            never "), "{table}");
    }

    #[test]
    fn what_was_not_collected_is_shown_with_what_it_is_about() {
        let message = |uidl: &str, set_aside: bool| UncollectedMessage {
            remote_id: uidl.to_owned(),
            subject: "Minutes".to_owned(),
            size: 2048,
            reason: "the server closed the connection".to_owned(),
            retry_at_ms: 1_000_000 + 7 * 86_400_000,
            set_aside,
            ..UncollectedMessage::default()
        };
        let account = Account::from(AccountState {
            uncollected: vec![message("u2", true), message("u3", false)],
            ..state()
        });
        let shown = uncollected(&[account], &times(1_000_000)).unwrap();
        for part in [
            "isp",
            "u2",
            "Minutes",
            "2 KiB",
            "in 7 d",
            "the server closed the connection",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
        assert_eq!(uncollected(&[Account::from(state())], &times(0)), None);
    }
}
