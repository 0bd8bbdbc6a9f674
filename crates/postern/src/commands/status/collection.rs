//! The collection accounts in `postern status`.

use api::collection::v1::{AccountState, ListAccountsRequest, UncollectedMessage};
use rules::{Policy, format_size};
use serde::Serialize;

use crate::failure::Failure;
use crate::screen::{Times, columns, number, utc, written};
use crate::system::System;

/// Polls that fail one after the other before an account is in trouble. One that has never been
/// polled well is at once.
const FAILURES: u32 = 3;

/// Messages that the table shows of each account.
const SHOWN: usize = 10;

/// An account of the policy.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    name: String,
    last_poll: Option<String>,
    #[serde(skip)]
    last_poll_ms: i64,
    /// The last poll that did not fail.
    last_success: Option<String>,
    last_error: String,
    /// Polls that failed since.
    failures: u32,
    last_collected: u32,
    total_collected: u64,
    /// Messages that stay on the server.
    left: u64,
    /// Those of them that could not be collected.
    uncollected: Vec<Uncollected>,
}

/// A message that was not collected.
#[derive(Debug, Serialize)]
struct Uncollected {
    uidl: String,
    subject: String,
    /// Octets; absent when the server does not say.
    size: Option<u64>,
    reason: String,
    /// How often it has ended a poll.
    tries: u32,
    /// It is not read before `retry_at`.
    set_aside: bool,
    retry_at: Option<String>,
    #[serde(skip)]
    retry_at_ms: i64,
}

/// What the queue knows of all accounts that there ever were.
pub(super) async fn states(system: &System) -> Result<Vec<AccountState>, Failure> {
    let mut client = system.collection()?;
    let answer = client.list_accounts(ListAccountsRequest {}).await;
    let answer = answer.map_err(|status| Failure::call("the queue", &status))?;
    Ok(answer.into_inner().accounts)
}

/// The accounts of the policy, in its order. Others are none any more.
pub(super) fn accounts(policy: &Policy, states: Vec<AccountState>) -> Vec<Account> {
    let mut accounts = Vec::new();
    for account in policy.collect_accounts() {
        let state = states.iter().find(|state| state.account == *account.name);
        let state = state.cloned().unwrap_or_else(|| AccountState {
            account: account.name.to_string(),
            ..AccountState::default()
        });
        accounts.push(Account::from(state));
    }
    accounts
}

/// What is wrong with them, each a sentence.
pub(super) fn troubles(accounts: &[Account]) -> Vec<String> {
    let mut troubles = Vec::new();
    for account in accounts {
        let name = &account.name;
        let never = account.last_success.is_none() && account.failures > 0;
        if never || account.failures >= FAILURES {
            let polls = match account.failures {
                1 => "the last poll".to_owned(),
                count => format!("the last {count} polls"),
            };
            let since = if never {
                ", and none has succeeded"
            } else {
                ""
            };
            let error = &account.last_error;
            troubles.push(format!(
                "the collection account {name} fails: {polls} did{since}: {error}"
            ));
        }
        match account.uncollected.iter().filter(|one| one.set_aside).count() {
            0 => {}
            1 => troubles.push(format!(
                "the collection account {name} has set 1 message aside, which stays on the server"
            )),
            count => troubles.push(format!(
                "the collection account {name} has set {count} messages aside, which stay on the server"
            )),
        }
    }
    troubles
}

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
        let last_poll = match account.last_poll_ms {
            0 => "never".to_owned(),
            polled => times.distance(polled),
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

/// The messages that were not collected; nothing when there are none.
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
                match message.retry_at_ms {
                    0 => "at the next poll".to_owned(),
                    at => times.distance(at),
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

impl From<AccountState> for Account {
    fn from(state: AccountState) -> Self {
        Self {
            name: state.account,
            last_poll: utc(state.last_poll_ms),
            last_poll_ms: state.last_poll_ms,
            last_success: utc(state.last_success_ms),
            last_error: state.last_error,
            failures: state.failures,
            last_collected: state.last_collected,
            total_collected: state.total_collected,
            left: state.left,
            uncollected: state
                .uncollected
                .into_iter()
                .map(Uncollected::from)
                .collect(),
        }
    }
}

impl From<UncollectedMessage> for Uncollected {
    fn from(message: UncollectedMessage) -> Self {
        Self {
            uidl: message.remote_id,
            subject: message.subject,
            size: (message.size > 0).then_some(message.size),
            reason: message.reason,
            tries: message.tries,
            set_aside: message.set_aside,
            retry_at: utc(message.retry_at_ms),
            retry_at_ms: message.retry_at_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use jiff::tz::TimeZone;

    use super::*;

    fn policy() -> Policy {
        Policy::parse(
            "[[collect]]\nname = \"isp\"\nserver = \"pop.isp.test\"\nprotocol = \"pop3s\"\n\
             login = { user = \"office\", secret = \"isp\" }\n\
             deliver = { mailbox = \"bob@example.test\" }\n",
        )
        .unwrap()
    }

    fn state(failures: u32, last_success_ms: i64) -> AccountState {
        AccountState {
            account: "isp".to_owned(),
            last_poll_ms: 1_000_000,
            last_success_ms,
            last_error: "wrong password".to_owned(),
            failures,
            ..AccountState::default()
        }
    }

    #[test]
    fn only_accounts_of_the_policy_are_shown_and_those_never_polled_too() {
        let gone = AccountState {
            account: "gone".to_owned(),
            ..AccountState::default()
        };
        let accounts = accounts(&policy(), vec![gone]);
        assert_eq!(accounts.len(), 1);
        assert_eq!((&*accounts[0].name, accounts[0].last_poll_ms), ("isp", 0));
        assert!(troubles(&accounts).is_empty());
        let times = Times {
            now: jiff::Timestamp::from_millisecond(1_060_000).unwrap(),
            zone: TimeZone::UTC,
        };
        let table = table(&accounts, &times);
        assert!(table.contains("isp            never "), "{table}");
    }

    #[test]
    fn an_account_is_in_trouble_after_three_failures_or_when_none_has_succeeded() {
        for (failures, last_success_ms, in_trouble) in [
            (0, 0, false),
            (1, 0, true),
            (1, 1, false),
            (2, 1, false),
            (3, 1, true),
        ] {
            let accounts = accounts(&policy(), vec![state(failures, last_success_ms)]);
            let troubles = troubles(&accounts);
            assert_eq!(
                !troubles.is_empty(),
                in_trouble,
                "{failures}, {last_success_ms}"
            );
            let mut troubles = troubles.iter();
            assert!(troubles.all(|trouble| trouble.ends_with("wrong password")));
        }
    }

    #[test]
    fn what_was_set_aside_is_a_trouble_and_is_shown_with_what_it_is_about() {
        let message = |uidl: &str, set_aside: bool| UncollectedMessage {
            remote_id: uidl.to_owned(),
            subject: "Minutes".to_owned(),
            size: 2048,
            reason: "the server closed the connection".to_owned(),
            retry_at_ms: 1_000_000 + 7 * 86_400_000,
            set_aside,
            ..UncollectedMessage::default()
        };
        let state = AccountState {
            uncollected: vec![message("u2", true), message("u3", false)],
            ..state(0, 1)
        };
        let accounts = accounts(&policy(), vec![state]);
        assert_eq!(
            troubles(&accounts),
            ["the collection account isp has set 1 message aside, which stays on the server"]
        );
        let times = Times {
            now: jiff::Timestamp::from_millisecond(1_000_000).unwrap(),
            zone: TimeZone::UTC,
        };
        let shown = uncollected(&accounts, &times).unwrap();
        for part in [
            "isp",
            "u2",
            "Minutes",
            "2 KiB",
            "the server closed the connection",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
