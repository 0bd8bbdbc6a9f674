//! A queue in memory: it leases what the test gives it and stores what the worker reports.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use api::grpc::{Code, Response, Status, Streaming, async_trait};
use api::message::v1::{Chunk, Failure};
use api::queue::v1::{
    CompleteRequest, CompleteResponse, Completed, Completion, Derived, DerivedKind, GatewayAttempt,
    LeaseRequest, LeaseResponse, LeasedMessage, ReadBodyRequest, Worker, complete_response,
    lease_request,
};
use bytes::Bytes;
use fakes::{Answer, Answers, PartOfQueue};
use futures::{StreamExt as _, stream};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::system::now_ms;

/// A fake queue. Clones are the same queue.
#[derive(Clone)]
pub(crate) struct FakeQueue {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
pub(crate) struct State {
    lease: Option<mpsc::Sender<Result<LeaseResponse, Status>>>,
    backlog: Vec<LeasedMessage>,
    bodies: HashMap<i64, Bytes>,
    pub(crate) completions: Vec<Completion>,
    pub(crate) notices: Vec<Derived>,
    /// Reports about gateways.
    pub(crate) gateways: Vec<GatewayAttempt>,
    /// Derived messages other than notices.
    pub(crate) made: Vec<Derived>,
    /// Number of completion requests, which shows the batches.
    pub(crate) requests: usize,
    pub(crate) credits: u32,
    pub(crate) renewed: Vec<i64>,
    pub(crate) draining: bool,
    pub(crate) given_back: Vec<i64>,
    pub(crate) workers: Vec<Worker>,
    /// How far this queue's clock is ahead of the worker's; `None`: it does not report its time.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// Number of renewals, empty ones included.
    pub(crate) signs_of_life: usize,
    /// Refuse workers.
    pub(crate) no_leases: bool,
    /// Refuse workers because another one has the name.
    pub(crate) name_in_use: bool,
    pub(crate) turned_away: usize,
    /// Answer this many completion requests by breaking the stream.
    pub(crate) break_completions: usize,
    /// Refuse requests with a completion of this recipient.
    pub(crate) poison: Option<(i64, Code)>,
    /// Refuse requests with a notice permanently.
    pub(crate) no_notices: bool,
    /// Requests with a forward are refused for good.
    pub(crate) no_forwards: bool,
    /// Refuse to return messages.
    pub(crate) unreadable: bool,
}

impl State {
    /// The time of this queue's clock; 0 if it does not report it.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock_ahead_ms.map_or(0, |ahead| now_ms() + ahead)
    }
}

impl FakeQueue {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::default(),
            changed: watch::Sender::new(0),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Stores a message's octets.
    pub(crate) fn store(&self, body_id: i64, message: impl Into<Bytes>) {
        self.state().bodies.insert(body_id, message.into());
    }

    /// Leases these now, or as soon as there is a worker.
    pub(crate) async fn give(&self, messages: Vec<LeasedMessage>) {
        let lease = self.state().lease.clone();
        match lease {
            Some(lease) => {
                let response = LeaseResponse {
                    messages,
                    lease_seconds: 1,
                    now_ms: self.state().now_ms(),
                };
                lease.send(Ok(response)).await.unwrap();
            }
            None => self.state().backlog.extend(messages),
        }
    }

    /// Breaks the worker's stream.
    pub(crate) fn break_lease(&self) {
        self.state().lease = None;
    }

    /// Waits until `what` returns a value.
    pub(crate) async fn until<T>(&self, mut what: impl FnMut(&State) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = what(&self.state()) {
                return found;
            }
            changes.changed().await.unwrap();
        }
    }

    /// Waits for the completion of this recipient.
    pub(crate) async fn completion(&self, recipient_id: i64) -> Completion {
        self.until(|state| {
            let of = |one: &&Completion| one.lease.unwrap().recipient_id == recipient_id;
            state.completions.iter().find(of).cloned()
        })
        .await
    }

    fn requested(&self, request: LeaseRequest) {
        let mut state = self.state();
        match request.request {
            Some(lease_request::Request::Hello(worker)) => state.workers.push(worker),
            Some(lease_request::Request::Credits(credits)) => state.credits += credits,
            Some(lease_request::Request::Renew(renewal)) => {
                let ids = renewal.leases.iter().map(|lease| lease.recipient_id);
                state.renewed.extend(ids);
                state.signs_of_life += 1;
            }
            Some(lease_request::Request::Drain(_)) => state.draining = true,
            Some(lease_request::Request::GiveBack(given)) => {
                let ids = given.leases.iter().map(|lease| lease.recipient_id);
                state.given_back.extend(ids);
            }
            None => {}
        }
        drop(state);
        self.touch();
    }

    fn completed(&self, request: CompleteRequest) -> Result<CompleteResponse, Status> {
        let mut state = self.state();
        if state.break_completions > 0 {
            state.break_completions -= 1;
            return Err(Status::unavailable("broken on purpose"));
        }
        state.requests += 1;
        let poison = state.poison.filter(|(id, _)| {
            let mut leases = request.completions.iter().filter_map(|one| one.lease);
            leases.any(|lease| lease.recipient_id == *id)
        });
        let makes = |kind| request.derived.iter().any(|one| one.kind() == kind);
        let not_made = state.no_notices && makes(DerivedKind::Notice)
            || state.no_forwards && makes(DerivedKind::Forward);
        let not_made = not_made.then_some((0, Code::InvalidArgument));
        if let Some((_, code)) = poison.or(not_made) {
            drop(state);
            self.touch();
            return Ok(CompleteResponse {
                tag: request.tag,
                result: Some(complete_response::Result::Failure(Failure {
                    code: code as i32,
                    message: "poison".to_owned(),
                })),
            });
        }
        state.completions.extend(request.completions);
        let is_notice = |one: &Derived| one.kind() == DerivedKind::Notice;
        let (notices, made): (Vec<_>, Vec<_>) = request.derived.into_iter().partition(is_notice);
        state.notices.extend(notices);
        state.made.extend(made);
        state.gateways.extend(request.gateways);
        drop(state);
        self.touch();
        Ok(CompleteResponse {
            tag: request.tag,
            result: Some(complete_response::Result::Completed(Completed::default())),
        })
    }
}

#[async_trait]
impl PartOfQueue for FakeQueue {
    async fn lease(&self, mut requests: Streaming<LeaseRequest>) -> Answer<Answers<LeaseResponse>> {
        if self.state().no_leases {
            self.state().turned_away += 1;
            self.touch();
            return Err(Status::unavailable("no leases on purpose"));
        }
        if self.state().name_in_use {
            self.state().turned_away += 1;
            self.touch();
            let refusal = Status::already_exists("in use on purpose");
            return Ok(Response::new(Box::pin(stream::once(async {
                Err(refusal)
            }))));
        }
        let (sender, receiver) = mpsc::channel(16);
        let messages = std::mem::take(&mut self.state().backlog);
        let first = LeaseResponse {
            messages,
            lease_seconds: 1,
            now_ms: self.state().now_ms(),
        };
        sender.send(Ok(first)).await.unwrap();
        self.state().lease = Some(sender);
        let queue = self.clone();
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                queue.requested(request);
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn complete(
        &self,
        requests: Streaming<CompleteRequest>,
    ) -> Answer<Answers<CompleteResponse>> {
        let queue = self.clone();
        let answers = requests.map(move |request| queue.completed(request?));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn read_body(&self, request: ReadBodyRequest) -> Answer<Answers<Chunk>> {
        let state = self.state();
        if state.unreadable {
            return Err(Status::unavailable("unreadable on purpose"));
        }
        let Some(body) = state.bodies.get(&request.body_id) else {
            return Err(Status::not_found("no such body"));
        };
        let end = body
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap()
            + 4;
        let header = body.slice(..end);
        let text = if request.header_only {
            Vec::new()
        } else {
            let text = body.slice(end..);
            let pieces = (0..text.len()).step_by(200_000);
            pieces
                .map(|at| text.slice(at..text.len().min(at + 200_000)))
                .collect()
        };
        let chunks = std::iter::once(header).chain(text);
        let chunks: Vec<_> = chunks.map(|data| Ok(Chunk { data, last: false })).collect();
        Ok(Response::new(Box::pin(stream::iter(chunks))))
    }
}
