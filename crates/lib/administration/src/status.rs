//! Status: what runs, what waits, what was collected, and whether all is well.

mod collection;
mod gateways;
mod processes;
mod upkeep;

use api::collection::v1::AccountState;
use api::directory::v1::ListUsersRequest;
use api::queue::v1::{GatewayState, GetStatisticsRequest, GetStatisticsResponse, WorkerState};
use futures::future::join_all;
use serde::Serialize;

use crate::policy::advice::lacks;
use crate::policy::revision;
use crate::{Administration, Deadline, Error, System, Times};
pub use collection::{Account, Uncollected};
pub use gateways::Gateway;
pub use processes::{ProcessState, State};
pub use upkeep::Upkeep;

/// Clocks that differ by no more are not told of, milliseconds: what a worker says has been on its
/// way.
const CLOCKS_AGREE_MS: u64 = 10_000;

/// The status of a system.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Nothing is wrong.
    pub well: bool,
    /// What is wrong, in sentences.
    pub troubles: Vec<String>,
    /// Its processes, in the order of a message's walk.
    pub processes: Vec<ProcessState>,
    /// What waits, where the queue tells.
    pub queue: Option<Queue>,
    /// The policy in force, where the queue tells.
    pub policy: Option<Policy>,
    /// The gateways of the policy, by name.
    pub gateways: Vec<Gateway>,
    /// The collection accounts of the policy, in its order.
    pub collection: Vec<Account>,
    /// What mailbox-store does in the background, where it tells.
    pub mailboxes: Option<Upkeep>,
}

/// What waits, and who works at it.
#[derive(Clone, Debug, Serialize)]
pub struct Queue {
    /// How many wait.
    pub messages: u64,
    /// Of all messages that wait.
    pub recipients: u64,
    /// Recipients whose time has come.
    pub due: u64,
    /// Recipients under way.
    pub leased: u64,
    /// For how long the oldest is due, milliseconds.
    pub oldest_due_ms: u64,
    /// At all replicas of the queue that could be asked.
    pub workers: u32,
    /// How many of them there were.
    pub replicas: usize,
    /// Messages taken since the replicas were started.
    pub enqueued: u64,
    /// Recipients done with since the replicas were started.
    pub completed: u64,
    /// Messages in quarantine.
    pub quarantined: u64,
    /// Delivery workers whose clocks are off.
    pub clocks_off: Vec<ClockOff>,
    /// All that were ever used, as far as it remembers.
    #[serde(skip)]
    gateways: Vec<GatewayState>,
}

/// A delivery worker whose clock is off.
#[derive(Clone, Debug, Serialize)]
pub struct ClockOff {
    /// Its name.
    pub worker: String,
    /// How far it is ahead of the queue's, milliseconds.
    pub ahead_ms: i64,
}

/// The policy in force.
#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    /// Its number.
    pub revision: u64,
    /// How many domain rules it has.
    pub domains: usize,
    /// How many gateways it has.
    pub gateways: usize,
}

/// Asks everybody, and says what is wrong. Whoever does not answer is part of the status.
pub async fn status(administration: &Administration, times: &Times) -> Status {
    Answers::ask(administration.system()).await.status(times)
}

/// What everybody answered.
pub(crate) struct Answers {
    pub(crate) processes: Vec<ProcessState>,
    pub(crate) queue: Result<Queue, Error>,
    pub(crate) policy: Result<(u64, rules::Policy), Error>,
    pub(crate) collection: Result<Vec<AccountState>, Error>,
    /// Whether mailbox-store can tell who has a mailbox.
    pub(crate) users: Result<(), Error>,
    pub(crate) upkeep: Result<Upkeep, Error>,
    /// What the policy names and is not there; not asked where that cannot be told.
    pub(crate) lacks: Option<Result<Vec<String>, Error>>,
}

impl Answers {
    async fn ask(system: &System) -> Self {
        // All at once: one that hangs is waited for once.
        let (processes, queue, policy, collection, users, upkeep) = tokio::join!(
            processes::ask(system),
            queue(system),
            revision::newest_policy(system),
            collection::states(system),
            users(system),
            upkeep::ask(system)
        );
        let lacks = match (&policy, &users) {
            (Ok((_, policy)), Ok(())) => Some(lacks(system, policy).await),
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
        let queue = troubles.or_answer("queue", "what waits", self.queue);
        let clocks_off = queue.iter().flat_map(|queue| &queue.clocks_off);
        troubles.found.extend(clocks_off.map(ClockOff::trouble));
        let policy = troubles.or_answer("queue", "the policy in force", self.policy);
        let collection = troubles.or_answer("queue", "what was collected", self.collection);
        troubles.or_answer("mailbox-store", "who has a mailbox", self.users);
        let mailboxes = troubles.or_answer("mailbox-store", "what its upkeep does", self.upkeep);
        if let Some(lacks) = self.lacks {
            let lacks = troubles.or_answer("queue", "what the policy lacks", lacks);
            troubles.found.extend(lacks.unwrap_or_default());
        }
        let (policy, gateways, collection) = match policy {
            Some((revision, policy)) => {
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

/// What is wrong: processes that do not serve, and questions that they do not answer although they
/// do. Nothing is called well that could not be asked.
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

    /// The answer; why there is none is noted, unless it is known that this process is down.
    fn or_answer<T>(
        &mut self,
        process: &str,
        question: &str,
        answer: Result<T, Error>,
    ) -> Option<T> {
        answer
            .map_err(|error| {
                if !self.down.iter().any(|down| down == process) {
                    self.found
                        .push(format!("{process} cannot tell {question}: {error}"));
                }
            })
            .ok()
    }
}

/// Whether the mailbox store reads its database: its health does not say.
async fn users(system: &System) -> Result<(), Error> {
    let request = ListUsersRequest {
        limit: 1,
        ..ListUsersRequest::default()
    };
    let answer = system
        .directory(Deadline::Question)?
        .list_users(request)
        .await;
    answer
        .map(|_| ())
        .map_err(|status| Error::call("mailbox-store", &status))
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

/// What the replicas say that answered: each knows what waits, but only its own workers and what it has
/// done itself.
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
        let mut down = Troubles::of(&queue_process(Condition::Down("no such file".to_owned())));
        assert_eq!(down.or_answer("queue", "what waits", unanswered()), None);
        assert_eq!(down.found, ["queue does not serve: no such file"]);
    }
}
