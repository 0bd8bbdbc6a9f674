//! `postern status`: what runs, what waits, what was collected.

use api::collection::v1::{AccountState, ListAccountsRequest};
use api::queue::v1::{GetStatisticsRequest, GetStatisticsResponse};
use futures::future::join_all;
use serde::Serialize;

use super::revision;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, Times, columns, number, utc, written};
use crate::system::System;

/// `postern status`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 1 when a process does not serve.

Examples:
  postern status
  postern status --json | jq .queue.oldest_due_ms")]
pub struct Arguments {}

/// Everything that is shown.
#[derive(Debug, Serialize)]
struct Status {
    well: bool,
    processes: Vec<Process>,
    queue: Option<Queue>,
    policy: Option<Policy>,
    collection: Vec<Account>,
}

#[derive(Debug, Serialize)]
struct Process {
    name: String,
    endpoint: String,
    serving: bool,
    /// Why it is not.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Queue {
    messages: u64,
    recipients: u64,
    due: u64,
    leased: u64,
    oldest_due_ms: u64,
    workers: u32,
    enqueued: u64,
    completed: u64,
    /// Messages.
    quarantined: u64,
}

#[derive(Debug, Serialize)]
struct Policy {
    revision: u64,
    domains: usize,
    gateways: usize,
}

#[derive(Debug, Serialize)]
struct Account {
    name: String,
    last_poll: Option<String>,
    #[serde(skip)]
    last_poll_ms: i64,
    last_error: String,
    last_collected: u32,
    total_collected: u64,
}

pub(crate) async fn run(
    _: &Arguments,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let processes = join_all(system.processes().into_iter().map(async |process| {
        let health = system.health(&process).await;
        Process {
            name: process.name,
            endpoint: process.endpoint,
            serving: health.is_ok(),
            error: health.err(),
        }
    }))
    .await;
    let (queue, policy, collection) =
        tokio::join!(queue(system), policy(system), collection(system));
    let status = Status {
        well: processes.iter().all(|process| process.serving),
        processes,
        queue: queue.ok(),
        policy: policy.ok(),
        collection: collection.unwrap_or_default(),
    };
    screen.show(&status, || text(&status, &screen.times));
    Ok(Outcome::of(status.well))
}

async fn queue(system: &System) -> Result<Queue, Failure> {
    let answer = system
        .queue()?
        .get_statistics(GetStatisticsRequest {})
        .await;
    let answer = answer.map_err(|status| Failure::call("the queue", &status))?;
    Ok(Queue::from(answer.into_inner()))
}

impl From<GetStatisticsResponse> for Queue {
    fn from(answer: GetStatisticsResponse) -> Self {
        Self {
            messages: answer.messages,
            recipients: answer.recipients,
            due: answer.due,
            leased: answer.leased,
            oldest_due_ms: answer.oldest_due_ms,
            workers: answer.workers,
            enqueued: answer.enqueued,
            completed: answer.completed,
            quarantined: answer.quarantined,
        }
    }
}

async fn policy(system: &System) -> Result<Policy, Failure> {
    let (revision, policy) = revision::newest_policy(system).await?;
    Ok(Policy {
        revision,
        domains: policy.domains().len(),
        gateways: policy.gateways().count(),
    })
}

async fn collection(system: &System) -> Result<Vec<Account>, Failure> {
    let mut client = system.collection()?;
    let answer = client.list_accounts(ListAccountsRequest {}).await;
    let answer = answer.map_err(|status| Failure::call("the queue", &status))?;
    let accounts = answer.into_inner().accounts.into_iter();
    Ok(accounts.map(Account::from).collect())
}

impl From<AccountState> for Account {
    fn from(state: AccountState) -> Self {
        Self {
            name: state.account,
            last_poll: utc(state.last_poll_ms),
            last_poll_ms: state.last_poll_ms,
            last_error: state.last_error,
            last_collected: state.last_collected,
            total_collected: state.total_collected,
        }
    }
}

fn text(status: &Status, times: &Times) -> String {
    let mut parts = vec![processes(&status.processes)];
    if let Some(queue) = &status.queue {
        let mut line = format!(
            "Queue: {} in {}; {} due, {} under way; {}.",
            counted(queue.recipients, "recipient"),
            counted(queue.messages, "message"),
            queue.due,
            queue.leased,
            counted(queue.workers.into(), "delivery worker"),
        );
        if queue.due > 0 {
            let age = std::time::Duration::from_millis(queue.oldest_due_ms);
            let age = rules::format_duration(age);
            line.push_str(&format!(" The oldest is due since {age}."));
        }
        if queue.quarantined > 0 {
            let messages = counted(queue.quarantined, "message");
            line.push_str(&format!(" In quarantine: {messages}."));
        }
        parts.push(line);
    }
    if let Some(policy) = &status.policy {
        parts.push(format!(
            "Policy: revision {}, {}, {}.",
            policy.revision,
            counted(policy.domains as u64, "domain rule"),
            counted(policy.gateways as u64, "gateway"),
        ));
    }
    if !status.collection.is_empty() {
        parts.push(accounts(&status.collection, times));
    }
    if !status.well {
        parts
            .push("Something does not serve. Its log says why; `postern up` starts it.".to_owned());
    }
    parts.join("\n\n")
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

fn processes(processes: &[Process]) -> String {
    let mut table = columns(&["process", "state", "where"]);
    for process in processes {
        let state = match &process.error {
            None => "serving".to_owned(),
            Some(_) => "DOWN".to_owned(),
        };
        table.add_row([process.name.clone(), state, process.endpoint.clone()]);
    }
    written(&table)
}

fn accounts(accounts: &[Account], times: &Times) -> String {
    let mut table = columns(&["collects from", "last poll", "got", "in all", "error"]);
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
            error.into(),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use jiff::tz::TimeZone;

    use super::*;

    fn status(serving: bool) -> Status {
        Status {
            well: serving,
            processes: vec![Process {
                name: "queue".to_owned(),
                endpoint: "unix:/run/queue.sock".to_owned(),
                serving,
                error: (!serving).then(|| "no such file".to_owned()),
            }],
            queue: Some(Queue {
                messages: 1,
                recipients: 2,
                due: 2,
                leased: 0,
                oldest_due_ms: 61_000,
                workers: 1,
                enqueued: 9,
                completed: 7,
                quarantined: 3,
            }),
            policy: Some(Policy {
                revision: 4,
                domains: 1,
                gateways: 0,
            }),
            collection: vec![Account::from(AccountState {
                account: "isp".to_owned(),
                last_poll_ms: 1_000_000,
                last_error: "login refused".to_owned(),
                last_collected: 0,
                total_collected: 12,
            })],
        }
    }

    fn times() -> Times {
        Times {
            now: jiff::Timestamp::from_millisecond(1_060_000).unwrap(),
            zone: TimeZone::UTC,
        }
    }

    #[test]
    fn everything_is_on_one_page() {
        assert_eq!(
            text(&status(true), &times()),
            "\
PROCESS  STATE    WHERE
queue    serving  unix:/run/queue.sock

Queue: 2 recipients in 1 message; 2 due, 0 under way; 1 delivery worker. The oldest is due since 1 min 1 s. In quarantine: 3 messages.

Policy: revision 4, 1 domain rule, 0 gateways.

COLLECTS FROM  LAST POLL  GOT  IN ALL  ERROR
isp            1 min ago    0      12  login refused"
        );
    }

    #[test]
    fn an_account_that_has_not_been_polled_yet_says_never() {
        let mut status = status(true);
        status.collection[0].last_poll_ms = 0;
        let text = text(&status, &times());
        assert!(text.contains("isp            never "), "{text}");
    }

    #[test]
    fn what_is_down_is_said() {
        let text = text(&status(false), &times());
        assert!(text.contains("queue    DOWN "), "{text}");
        assert!(text.contains("`postern up` starts it"), "{text}");
    }
}
