//! The collection accounts.

use api::collection::v1::{AccountState, ListAccountsRequest, UncollectedMessage};
use jiff::Timestamp;
use rules::Policy;
use serde::Serialize;

use crate::{Error, System, time};

/// Consecutive failed polls that make a problem. An account without any successful poll is a problem at
/// once.
const FAILURES: u32 = 3;

/// A collection account of the policy.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// The name in the policy.
    pub name: String,
    /// None if it was never polled.
    pub last_poll: Option<Timestamp>,
    /// The last successful poll.
    pub last_success: Option<Timestamp>,
    /// The error of the last poll; empty if it succeeded.
    pub last_error: String,
    /// Failed polls since then.
    pub failures: u32,
    /// Messages collected by the last poll.
    pub last_collected: u32,
    /// Messages collected by all polls.
    pub total_collected: u64,
    /// Messages left on the server.
    pub left: u64,
    /// Those that could not be collected.
    pub uncollected: Vec<Uncollected>,
}

/// A message that was not collected.
#[derive(Clone, Debug, Serialize)]
pub struct Uncollected {
    /// The server's identifier of the message.
    pub uidl: String,
    /// The subject, if its header was read.
    pub subject: String,
    /// Octets; none if the server does not report it.
    pub size: Option<u64>,
    /// The reason.
    pub reason: String,
    /// The number of polls that it ended.
    pub tries: u32,
    /// It is skipped until `retry_at`.
    pub set_aside: bool,
    /// None: the next poll.
    pub retry_at: Option<Timestamp>,
}

/// The queue's state of all accounts that ever existed.
pub(super) async fn states(system: &System) -> Result<Vec<AccountState>, Error> {
    let mut client = system.collection()?;
    let answer = client.list_accounts(ListAccountsRequest {}).await;
    let answer = answer.map_err(|status| Error::call("the queue", &status))?;
    Ok(answer.into_inner().accounts)
}

/// The accounts of the policy, in its order. Others no longer exist.
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

/// Their problems, each a sentence.
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
        troubles.extend(refused(account));
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

/// The messages of an account that cannot be collected or deleted. A message that could not be read is
/// retried first, and is not among them.
fn refused(account: &Account) -> Option<String> {
    let mut refused = account.uncollected.iter().filter(|one| one.is_refused());
    let first = refused.next()?;
    let (name, reason) = (&account.name, &first.reason);
    Some(match refused.count() {
        0 => format!("the collection account {name} leaves 1 message on the server: {reason}"),
        more => format!(
            "the collection account {name} leaves {} messages on the server, the first because {reason}",
            more + 1
        ),
    })
}

impl Uncollected {
    /// A rule or a limit refuses the message, or its server does not delete it. Only an administrator can
    /// change that.
    fn is_refused(&self) -> bool {
        self.tries == 0 && !self.set_aside
    }
}

impl From<AccountState> for Account {
    fn from(state: AccountState) -> Self {
        Self {
            name: state.account,
            last_poll: time(state.last_poll_ms),
            last_success: time(state.last_success_ms),
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
            retry_at: time(message.retry_at_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
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
    fn only_accounts_of_the_policy_are_listed_and_those_never_polled_too() {
        let gone = AccountState {
            account: "gone".to_owned(),
            ..AccountState::default()
        };
        let accounts = accounts(&policy(), vec![gone]);
        assert_eq!(accounts.len(), 1);
        assert_eq!((&*accounts[0].name, accounts[0].last_poll), ("isp", None));
        assert!(troubles(&accounts).is_empty());
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

    fn troubles_of(uncollected: Vec<UncollectedMessage>) -> Vec<String> {
        let state = AccountState {
            uncollected,
            ..state(0, 1)
        };
        troubles(&accounts(&policy(), vec![state]))
    }

    fn message(uidl: &str, tries: u32, set_aside: bool) -> UncollectedMessage {
        UncollectedMessage {
            remote_id: uidl.to_owned(),
            subject: "Minutes".to_owned(),
            size: 2048,
            reason: "it is larger than 25 MiB".to_owned(),
            retry_at_ms: 1_000_000 + 7 * 86_400_000,
            tries,
            set_aside,
            ..UncollectedMessage::default()
        }
    }

    #[test]
    fn what_was_set_aside_is_a_trouble() {
        assert_eq!(
            troubles_of(vec![message("u2", 3, true), message("u3", 1, false)]),
            ["the collection account isp has set 1 message aside, which stays on the server"]
        );
    }

    #[test]
    fn what_cannot_be_taken_is_a_trouble() {
        assert_eq!(
            troubles_of(vec![message("u2", 0, false)]),
            ["the collection account isp leaves 1 message on the server: it is larger than 25 MiB"]
        );
        assert_eq!(
            troubles_of(vec![message("u2", 0, false), message("u3", 0, false)]),
            [
                "the collection account isp leaves 2 messages on the server, the first because it is \
                 larger than 25 MiB"
            ]
        );
    }
}
