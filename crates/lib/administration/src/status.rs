//! Status: processes, waiting mail, collection, and problems.

mod collection;
mod gateways;
mod processes;
mod upkeep;
mod users;

use api::collection::v1::AccountState;
use api::queue::v1::{GatewayState, GetStatisticsRequest, GetStatisticsResponse, WorkerState};
use futures::future::join_all;
use serde::Serialize;

use crate::policy::advice::lacks;
use crate::policy::revision;
use crate::{Administration, Error, System, Times};
pub use collection::{Account, Uncollected};
pub use gateways::Gateway;
pub use processes::{ProcessState, State};
pub use upkeep::Upkeep;
pub(crate) use users::Users;

/// Smaller clock differences are not reported, in milliseconds: a worker's report takes time to arrive.
const CLOCKS_AGREE_MS: u64 = 10_000;

/// The status of a system.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// There are no problems.
    pub well: bool,
    /// The problems, in sentences.
    pub troubles: Vec<String>,
    /// Its processes, in the order of a message's path.
    pub processes: Vec<ProcessState>,
    /// The waiting mail, if the queue answers.
    pub queue: Option<Queue>,
    /// The policy in force, if the queue answers.
    pub policy: Option<Policy>,
    /// The gateways of the policy, by name.
    pub gateways: Vec<Gateway>,
    /// The collection accounts of the policy, in the order of the document.
    pub collection: Vec<Account>,
    /// The background work of mailbox-store, if it answers.
    pub mailboxes: Option<Upkeep>,
}

/// The waiting mail and the workers.
#[derive(Clone, Debug, Serialize)]
pub struct Queue {
    /// Waiting messages.
    pub messages: u64,
    /// Waiting recipients of all messages.
    pub recipients: u64,
    /// Recipients that are due.
    pub due: u64,
    /// Recipients in progress.
    pub leased: u64,
    /// Time since the oldest became due, in milliseconds.
    pub oldest_due_ms: u64,
    /// Workers at all replicas of the queue that answered.
    pub workers: u32,
    /// The number of these replicas.
    pub replicas: usize,
    /// Messages accepted since the replicas started.
    pub enqueued: u64,
    /// Recipients completed since the replicas started.
    pub completed: u64,
    /// Messages in quarantine.
    pub quarantined: u64,
    /// Delivery workers whose clocks are off.
    pub clocks_off: Vec<ClockOff>,
    /// All gateways that the queue remembers.
    #[serde(skip)]
    gateways: Vec<GatewayState>,
}

/// A delivery worker whose clock is off.
#[derive(Clone, Debug, Serialize)]
pub struct ClockOff {
    /// Its name.
    pub worker: String,
    /// Its difference from the queue's clock, in milliseconds; positive: ahead.
    pub ahead_ms: i64,
}

/// The policy in force.
#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    /// Its number.
    pub revision: u64,
    /// The number of domain rules.
    pub domains: usize,
    /// The number of gateways.
    pub gateways: usize,
}

/// Queries all services and lists the problems. A missing answer is a problem, not an error.
pub async fn status(administration: &Administration, times: &Times) -> Status {
    Answers::ask(administration).await.status(times)
}

/// The answers of the services.
pub(crate) struct Answers {
    pub(crate) processes: Vec<ProcessState>,
    pub(crate) queue: Result<Queue, Error>,
    pub(crate) policy: Result<(u64, rules::Policy), Error>,
    pub(crate) collection: Result<Vec<AccountState>, Error>,
    /// The users, if mailbox-store can look them up.
    pub(crate) users: Result<Users, Error>,
    pub(crate) upkeep: Result<Upkeep, Error>,
    /// Missing references of the policy; not queried if mailbox-store does not answer.
    pub(crate) lacks: Option<Result<Vec<String>, Error>>,
}

impl Answers {
    async fn ask(administration: &Administration) -> Self {
        let system = administration.system();
        // In parallel: several hanging services cost one timeout.
        let (processes, queue, policy, collection, users, upkeep) = tokio::join!(
            processes::ask(system),
            queue(system),
            revision::newest_policy(system),
            collection::states(system),
            users::ask(administration),
            upkeep::ask(system)
        );
        let lacks = match (&policy, &users) {
            (Ok((_, policy)), Ok(_)) => Some(lacks(system, policy).await),
            _ => None,
        };
        Self {
            processes,
            queue,
            policy,
            collection,
            users,
            upkeep,
            lacks,
        }
    }

    pub(crate) fn status(self, times: &Times) -> Status {
        let mut troubles = Troubles::of(&self.processes);
        let queue = troubles.or_answer("queue", "the waiting mail", self.queue);
        let clocks_off = queue.iter().flat_map(|queue| &queue.clocks_off);
        troubles.found.extend(clocks_off.map(ClockOff::trouble));
        let policy = troubles.or_answer("queue", "the policy in force", self.policy);
        let collection = troubles.or_answer("queue", "the collected mail", self.collection);
        let users = troubles.or_answer("mailbox-store", "the users", self.users);
        let mailboxes = troubles.or_answer("mailbox-store", "its upkeep", self.upkeep);
        if let Some(lacks) = self.lacks {
            let lacks = troubles.or_answer(
                "queue",
                "missing mailboxes and secrets of the policy",
                lacks,
            );
            troubles.found.extend(lacks.unwrap_or_default());
        }
        let (policy, gateways, collection) = match policy {
            Some((revision, policy)) => {
                let without_rule = users.iter().flat_map(|users| users.troubles(&policy));
                troubles.found.extend(without_rule);
                let known = queue.iter().flat_map(|queue| &queue.gateways);
                let gateways = gateways::of_policy(&policy, known);
                let accounts = collection::accounts(&policy, collection.unwrap_or_default());
                (Some(Policy::of(revision, &policy)), gateways, accounts)
            }
            None => (None, Vec::new(), Vec::new()),
        };
        troubles.found.extend(gateways::troubles(&gateways, times));
        troubles.found.extend(collection::troubles(&collection));
        Status {
            queue,
            policy,
            gateways,
            collection,
            mailboxes,
            well: troubles.found.is_empty(),
            troubles: troubles.found,
            processes: self.processes,
        }
    }
}

/// The problems: processes that do not serve, and calls that fail although the process serves. A failed
/// query never counts as a success.
struct Troubles {
    down: Vec<String>,
    found: Vec<String>,
}

impl Troubles {
    fn of(processes: &[ProcessState]) -> Self {
        let down = processes.iter().filter(|process| process.is_silent());
        Self {
            found: processes.iter().filter_map(ProcessState::trouble).collect(),
            down: down.map(|process| process.name.clone()).collect(),
        }
    }

    /// The answer; a failure is recorded unless the process is already known to be down.
    fn or_answer<T>(
        &mut self,
        process: &str,
        question: &str,
        answer: Result<T, Error>,
    ) -> Option<T> {
        answer
            .map_err(|error| {
                if !self.down.iter().any(|down| down == process) {
                    self.found.push(format!(
                        "{process} does not answer the query for {question}: {error}"
                    ));
                }
            })
            .ok()
    }
}

async fn queue(system: &System) -> Result<Queue, Error> {
    let replicas = system.queues().await?;
    let answers = join_all(replicas.into_iter().map(async |mut queue| {
        let answer = queue.get_statistics(GetStatisticsRequest {}).await;
        let answer = answer.map_err(|status| Error::call("the queue", &status))?;
        Ok(Queue::from(answer.into_inner()))
    }))
    .await;
    together(answers)
}

/// Merges the answers of the replicas: each knows all waiting mail, but only its own workers and counters.
fn together(answers: Vec<Result<Queue, Error>>) -> Result<Queue, Error> {
    let (answered, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let mut answered = answered.into_iter().flatten();
    let Some(mut queue) = answered.next() else {
        let failed = failed.into_iter().find_map(Result::err);
        return Err(failed.unwrap_or_else(|| Error::Failed("there is no queue".to_owned())));
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

impl Policy {
    fn of(revision: u64, policy: &rules::Policy) -> Self {
        Self {
            revision,
            domains: policy.domains().len(),
            gateways: policy.gateways().count(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use service_kit::survey::Condition;

    use super::*;

    fn queue_process(condition: Condition) -> [ProcessState; 1] {
        let endpoint = "unix:/run/queue.sock".to_owned();
        let queue = ProcessState::new("queue".to_owned(), endpoint, true, &[condition]);
        [queue]
    }

    fn counts(workers: u32) -> Queue {
        Queue::from(GetStatisticsResponse {
            messages: 1,
            workers,
            enqueued: 9,
            completed: 7,
            ..GetStatisticsResponse::default()
        })
    }

    #[test]
    fn workers_are_those_of_all_queues_that_answer() {
        let away = || {
            let status = api::grpc::Status::unavailable("refused");
            Err(Error::call("the queue", &status))
        };
        let all = together(vec![Ok(counts(3)), away(), Ok(counts(1))]).unwrap();
        assert_eq!((all.workers, all.replicas, all.messages), (4, 2, 1));
        assert_eq!((all.enqueued, all.completed), (18, 14));
        assert!(together(vec![away(), away()]).is_err());
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
    fn what_cannot_be_asked_is_a_trouble_unless_its_process_is_down() {
        let unanswered = || {
            let status = api::grpc::Status::unavailable("the queue's database is unavailable");
            Err::<(), _>(Error::call("the queue", &status))
        };
        let mut serving = Troubles::of(&queue_process(Condition::Serving));
        assert_eq!(
            serving.or_answer("queue", "the waiting mail", Ok(7)),
            Some(7)
        );
        assert_eq!(serving.found, [""; 0]);
        assert_eq!(
            serving.or_answer("queue", "the waiting mail", unanswered()),
            None
        );
        assert_eq!(
            serving.found,
            [
                "queue does not answer the query for the waiting mail: the queue is unavailable: the queue's database is \
              unavailable; try again, and see its log if this persists"
            ]
        );
        let mut down = Troubles::of(&queue_process(Condition::Down("no such file".to_owned())));
        assert_eq!(
            down.or_answer("queue", "the waiting mail", unanswered()),
            None
        );
        assert_eq!(down.found, ["queue does not serve: no such file"]);
    }
}
