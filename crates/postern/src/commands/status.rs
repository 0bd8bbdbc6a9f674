//! `postern status`: state of processes, queue and collection.

mod collection;
mod processes;
mod upkeep;

use administration::status::ProcessState;
use administration::{Administration, Status, Times};

use crate::failure::{Failure, Outcome};
use crate::screen::Screen;

/// `postern status`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 1 if a process does not serve or does not answer a query (its database may be unavailable);
if the clock of a delivery worker is off; if a gateway fails; if a collection account fails, has skipped
a message, or leaves one on the server that cannot be collected or deleted; if the policy names a missing
mailbox or secret; or if users have a domain without a rule.
A process that is configured only with an address on its own machine is \"not reachable from here\" if
there is no answer: give its address for other machines in [endpoints].

Examples:
  postern status
  postern status --json | jq .queue.oldest_due_ms")]
pub struct Arguments {}

pub(crate) async fn run(
    _: &Arguments,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    administration.system().require_folder()?;
    let status = administration::status(administration, &screen.times).await;
    screen.show(&status, || text(&status, &screen.times));
    Ok(Outcome::of(status.well))
}

fn text(status: &Status, times: &Times) -> String {
    let mut parts = vec![processes::table(&status.processes)];
    if let Some(queue) = &status.queue {
        let mut line = format!(
            "Queue: {} in {}; {} due, {} under way; {}.",
            counted(queue.recipients, "recipient"),
            counted(queue.messages, "message"),
            queue.due,
            queue.leased,
            counted(queue.workers.into(), "delivery worker"),
        );
        if queue.replicas > 1 {
            line.push_str(&format!(" Seen at {} queues.", queue.replicas));
        }
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
        parts.push(collection::table(&status.collection, times));
    }
    if let Some(left) = collection::uncollected(&status.collection, times) {
        parts.push(left);
    }
    parts.extend(status.mailboxes.as_ref().and_then(upkeep::text));
    if !status.well {
        let mut lines = vec!["Problems:".to_owned()];
        lines.extend(status.troubles.iter().map(|trouble| format!("- {trouble}")));
        if status.processes.iter().any(ProcessState::is_down_here) {
            lines.push("The log of a process says why; `postern up` starts it.".to_owned());
        }
        parts.push(lines.join("\n"));
    }
    parts.join("\n\n")
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use administration::status::{Account, Policy, Queue};
    use api::collection::v1::AccountState;
    use api::queue::v1::GetStatisticsResponse;
    use jiff::tz::TimeZone;
    use service_kit::survey::Condition;

    use super::*;

    fn status(serving: bool) -> Status {
        let (condition, troubles) = match serving {
            true => (Condition::Serving, Vec::new()),
            false => (
                Condition::Down("no such file".to_owned()),
                vec!["queue does not serve: no such file".to_owned()],
            ),
        };
        let endpoint = "unix:/run/queue.sock".to_owned();
        let process = ProcessState::new("queue".to_owned(), endpoint, true, &[condition]);
        Status {
            well: serving,
            troubles,
            processes: vec![process],
            queue: Some(Queue::from(GetStatisticsResponse {
                messages: 1,
                recipients: 2,
                due: 2,
                oldest_due_ms: 61_000,
                workers: 1,
                quarantined: 3,
                ..GetStatisticsResponse::default()
            })),
            policy: Some(Policy {
                revision: 4,
                domains: 1,
                gateways: 0,
            }),
            gateways: Vec::new(),
            collection: vec![Account::from(AccountState {
                account: "isp".to_owned(),
                last_poll_ms: 1_000_000,
                last_error: "login refused".to_owned(),
                total_collected: 12,
                ..AccountState::default()
            })],
            mailboxes: None,
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

COLLECTS FROM  LAST POLL  GOT  IN ALL  LEFT  ERROR
isp            1 min ago    0      12     0  login refused"
        );
    }

    #[test]
    fn what_is_down_is_said() {
        let text = text(&status(false), &times());
        assert!(text.contains("queue    DOWN "), "{text}");
        assert!(
            text.contains("- queue does not serve: no such file\n"),
            "{text}"
        );
        assert!(text.contains("`postern up` starts it"), "{text}");
    }
}
