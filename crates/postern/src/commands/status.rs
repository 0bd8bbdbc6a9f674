//! `postern status`: what runs, what waits, what was collected.

mod collection;
mod gateways;
mod processes;
mod upkeep;

use api::directory::v1::ListUsersRequest;
use api::queue::v1::{GatewayState, GetStatisticsRequest, GetStatisticsResponse, WorkerState};
use futures::future::join_all;
use serde::Serialize;

use super::policy::advice::lacks;
use super::revision;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, Times};
use crate::system::{Asked, System};
use collection::Account;
use gateways::Gateway;
use processes::Process;
use upkeep::Upkeep;

/// Clocks that differ by no more are not told of, milliseconds: what a worker says has been on its
/// way.
const CLOCKS_AGREE_MS: u64 = 10_000;

/// `postern status`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 1 when a process does not serve, or cannot tell what it is asked: its database may be away;
when the clock of a delivery worker is off; when a gateway fails; when a collection account fails or
has set a message aside; and when the policy names a mailbox or a secret that is not there.
A process whose only address is on its own machine is \"not reachable from here\" when nobody answers
there: [endpoints] in the configuration says where it is found from elsewhere.

Examples:
  postern status
  postern status --json | jq .queue.oldest_due_ms")]
pub struct Arguments {}

/// Everything that is shown.
#[derive(Debug, Serialize)]
struct Status {
    well: bool,
    /// What is wrong, in sentences.
    troubles: Vec<String>,
    processes: Vec<Process>,
    queue: Option<Queue>,
    policy: Option<Policy>,
    gateways: Vec<Gateway>,
    collection: Vec<Account>,
    mailboxes: Option<Upkeep>,
}

#[derive(Debug, Serialize)]
struct Queue {
    messages: u64,
    recipients: u64,
    due: u64,
    leased: u64,
    oldest_due_ms: u64,
    /// At all replicas of the queue that could be asked.
    workers: u32,
    /// How many of them there were.
    replicas: usize,
    enqueued: u64,
    completed: u64,
    /// Messages.
    quarantined: u64,
    /// Delivery workers whose clocks are off.
    clocks_off: Vec<ClockOff>,
    /// All that were ever used, as far as it remembers.
    #[serde(skip)]
    gateways: Vec<GatewayState>,
}

#[derive(Debug, Serialize)]
struct ClockOff {
    worker: String,
    /// How far it is ahead of the queue's.
    ahead_ms: i64,
}

#[derive(Debug, Serialize)]
struct Policy {
    revision: u64,
    domains: usize,
    gateways: usize,
}

pub(crate) async fn run(
    _: &Arguments,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    // All at once: one that hangs is waited for once.
    let (processes, queue, policy, collection, users, upkeep) = tokio::join!(
        processes::ask(system),
        queue(system),
        policy(system),
        collection::states(system),
        users(system),
        upkeep::ask(system)
    );
    let mut troubles = Troubles::of(&processes);
    let queue = troubles.or_answer("queue", "what waits", queue);
    let clocks_off = queue.iter().flat_map(|queue| &queue.clocks_off);
    troubles.found.extend(clocks_off.map(ClockOff::trouble));
    let compiled = troubles.or_answer("queue", "the policy in force", policy);
    let collection = troubles.or_answer("queue", "what was collected", collection);
    let users = troubles.or_answer("mailbox-store", "who has a mailbox", users);
    let mailboxes = troubles.or_answer("mailbox-store", "what its upkeep does", upkeep);
    if let (Some((_, policy)), Some(())) = (&compiled, users) {
        let lacks = lacks(system, policy).await;
        let lacks = troubles.or_answer("queue", "what the policy lacks", lacks);
        troubles.found.extend(lacks.unwrap_or_default());
    }
    let (policy, gateways, collection) = match compiled {
        Some((revision, policy)) => {
            let known = queue.iter().flat_map(|queue| &queue.gateways);
            let gateways = gateways::of_policy(&policy, known);
            let accounts = collection::accounts(&policy, collection.unwrap_or_default());
            (Some(Policy::of(revision, &policy)), gateways, accounts)
        }
        None => (None, Vec::new(), Vec::new()),
    };
    let failing = gateways::troubles(&gateways, &screen.times);
    troubles.found.extend(failing);
    troubles.found.extend(collection::troubles(&collection));
    let status = Status {
        queue,
        policy,
        gateways,
        collection,
        mailboxes,
        well: troubles.found.is_empty(),
        troubles: troubles.found,
        processes,
    };
    screen.show(&status, || text(&status, &screen.times));
    Ok(Outcome::of(status.well))
}

/// What is wrong: processes that do not serve, and questions that they do not answer although they
/// do. Nothing is called well that could not be asked.
struct Troubles {
    down: Vec<String>,
    found: Vec<String>,
}

impl Troubles {
    fn of(processes: &[Process]) -> Self {
        let down = processes.iter().filter(|process| process.is_silent());
        Self {
            found: processes.iter().filter_map(Process::trouble).collect(),
            down: down.map(|process| process.name.clone()).collect(),
        }
    }

    /// The answer; why there is none is noted, unless it is known that this process is down.
    fn or_answer<T>(
        &mut self,
        process: &str,
        question: &str,
        answer: Result<T, Failure>,
    ) -> Option<T> {
        answer
            .map_err(|failure| {
                if !self.down.iter().any(|down| down == process) {
                    let told = format!("{process} cannot tell {question}: {failure}");
                    self.found.push(told);
                }
            })
            .ok()
    }
}

/// Whether the mailbox store reads its database: its health does not say.
async fn users(system: &System) -> Result<(), Failure> {
    let request = ListUsersRequest {
        limit: 1,
        ..ListUsersRequest::default()
    };
    let answer = system.directory(Asked::Question)?.list_users(request).await;
    answer
        .map(|_| ())
        .map_err(|status| Failure::call("mailbox-store", &status))
}

async fn queue(system: &System) -> Result<Queue, Failure> {
    let replicas = system.queues().await?;
    let answers = join_all(replicas.into_iter().map(async |mut queue| {
        let answer = queue.get_statistics(GetStatisticsRequest {}).await;
        let answer = answer.map_err(|status| Failure::call("the queue", &status))?;
        Ok(Queue::from(answer.into_inner()))
    }))
    .await;
    together(answers)
}

/// What the replicas say that answered: each knows what waits, but only its own workers and what it has
/// done itself.
fn together(answers: Vec<Result<Queue, Failure>>) -> Result<Queue, Failure> {
    let (answered, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let mut answered = answered.into_iter().flatten();
    let Some(mut queue) = answered.next() else {
        let failed = failed.into_iter().find_map(Result::err);
        return Err(failed.unwrap_or_else(|| Failure::System("there is no queue".to_owned())));
    };
    for other in answered {
        queue.replicas += other.replicas;
        queue.workers += other.workers;
        queue.enqueued += other.enqueued;
        queue.completed += other.completed;
        queue.clocks_off.extend(other.clocks_off);
    }
    Ok(queue)
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
            replicas: 1,
            enqueued: answer.enqueued,
            completed: answer.completed,
            quarantined: answer.quarantined,
            clocks_off: answer
                .worker_states
                .into_iter()
                .filter_map(ClockOff::of)
                .collect(),
            gateways: answer.gateways,
        }
    }
}

impl ClockOff {
    fn of(worker: WorkerState) -> Option<Self> {
        let ahead_ms = worker.clock_ahead_ms?;
        (ahead_ms.unsigned_abs() > CLOCKS_AGREE_MS).then_some(Self {
            worker: worker.name,
            ahead_ms,
        })
    }

    fn trouble(&self) -> String {
        let by = std::time::Duration::from_secs(self.ahead_ms.unsigned_abs() / 1_000);
        let way = if self.ahead_ms > 0 {
            "ahead of"
        } else {
            "behind"
        };
        format!(
            "the clock of delivery worker {} is {} {way} the queue's. Mail keeps the queue's time; \
             certificates are checked by the worker's. Set the clocks of both machines by NTP.",
            self.worker,
            rules::format_duration(by)
        )
    }
}

async fn policy(system: &System) -> Result<(u64, rules::Policy), Failure> {
    revision::newest_policy(system).await
}

impl Policy {
    fn of(revision: u64, policy: &rules::Policy) -> Self {
        Self {
            revision,
            domains: policy.domains().len(),
            gateways: policy.gateways().count(),
        }
    }
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
    parts.extend(status.mailboxes.as_ref().and_then(Upkeep::text));
    if !status.well {
        let mut lines = vec!["Not all is well:".to_owned()];
        lines.extend(status.troubles.iter().map(|trouble| format!("- {trouble}")));
        if status.processes.iter().any(Process::is_down_here) {
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
    use api::collection::v1::AccountState;
    use jiff::tz::TimeZone;
    use service_kit::survey::Condition;

    use super::*;

    fn status(serving: bool) -> Status {
        let condition = match serving {
            true => Condition::Serving,
            false => Condition::Down("no such file".to_owned()),
        };
        let endpoint = "unix:/run/queue.sock".to_owned();
        let processes = vec![Process::new(
            "queue".to_owned(),
            endpoint,
            true,
            &[condition],
        )];
        Status {
            well: serving,
            troubles: Troubles::of(&processes).found,
            processes,
            queue: Some(counts(1)),
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

    fn counts(workers: u32) -> Queue {
        Queue {
            messages: 1,
            recipients: 2,
            due: 2,
            leased: 0,
            oldest_due_ms: 61_000,
            workers,
            replicas: 1,
            enqueued: 9,
            completed: 7,
            quarantined: 3,
            clocks_off: Vec::new(),
            gateways: Vec::new(),
        }
    }

    #[test]
    fn workers_are_those_of_all_queues_that_answer() {
        let away = || {
            let status = api::grpc::Status::unavailable("refused");
            Err(Failure::call("the queue", &status))
        };
        let all = together(vec![Ok(counts(3)), away(), Ok(counts(1))]).unwrap();
        assert_eq!((all.workers, all.replicas, all.messages), (4, 2, 1));
        assert_eq!((all.enqueued, all.completed), (18, 14));
        assert!(together(vec![away(), away()]).is_err());
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
    fn a_worker_whose_clock_is_off_is_told_of() {
        let days = 40 * 86_400_000;
        for (ahead_ms, told) in [
            (None, None),
            (Some(9_999), None),
            (Some(-10_000), None),
            (
                Some(days),
                Some("the clock of delivery worker w is 40 d ahead of the queue's. "),
            ),
            (
                Some(-days),
                Some("the clock of delivery worker w is 40 d behind the queue's. "),
            ),
        ] {
            let off = ClockOff::of(WorkerState {
                name: "w".to_owned(),
                clock_ahead_ms: ahead_ms,
            });
            let trouble = off.as_ref().map(ClockOff::trouble);
            let begins = trouble
                .as_deref()
                .map(|trouble| &trouble[..told.map_or(0, str::len)]);
            assert_eq!(begins, told, "{trouble:?}");
        }
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

    #[test]
    fn what_cannot_be_asked_is_a_trouble_unless_its_process_is_down() {
        let unanswered = || {
            let status = api::grpc::Status::unavailable("the queue's database is unavailable");
            Err::<(), _>(Failure::call("the queue", &status))
        };
        let mut serving = Troubles::of(&status(true).processes);
        assert_eq!(serving.or_answer("queue", "what waits", Ok(7)), Some(7));
        assert_eq!(serving.found, [""; 0]);
        assert_eq!(serving.or_answer("queue", "what waits", unanswered()), None);
        assert_eq!(
            serving.found,
            [
                "queue cannot tell what waits: the queue cannot do it now: the queue's database is \
              unavailable; try again, and see its log if that lasts"
            ]
        );
        let mut down = Troubles::of(&status(false).processes);
        assert_eq!(down.or_answer("queue", "what waits", unanswered()), None);
        assert_eq!(down.found, ["queue does not serve: no such file"]);
    }
}
