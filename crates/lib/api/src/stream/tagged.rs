//! Calls over one stream, each with a tag that its answer repeats. The stream is opened for the first call,
//! and again after it broke.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Attempts, Backoff, Responses, ended};

/// An open stream.
pub struct Opened<Response> {
    responses: Responses<Response>,
    replaced: BoxFuture<'static, ()>,
}

impl<Response: 'static> Opened<Response> {
    /// A stream with these responses.
    pub fn new(responses: impl Stream<Item = Result<Response, Status>> + Send + 'static) -> Self {
        Self {
            responses: responses.boxed(),
            replaced: std::future::pending().boxed(),
        }
    }

    /// The same, to be used until `replaced` completes: later calls use another stream.
    #[must_use]
    pub fn until(self, replaced: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            replaced: replaced.boxed(),
            ..self
        }
    }
}

/// An answer on the stream.
pub trait Answer {
    /// The tag of its call.
    fn tag(&self) -> u64;

    /// The status, if the answer says that the service is unavailable: then the stream is given up, and
    /// calls in progress are interrupted.
    fn says_unavailable(&self) -> Option<Status> {
        None
    }
}

/// The result of a broken stream.
#[derive(Debug)]
pub struct Interrupted<Call> {
    /// The calls in progress, the oldest first. Whether they were executed is unknown.
    pub calls: Vec<Call>,
    /// The reason.
    pub status: Status,
}

type Opening<Response> = BoxFuture<'static, Result<Opened<Response>, Status>>;
type Open<Request, Response> = Box<dyn FnMut(ReceiverStream<Request>) -> Opening<Response> + Send>;

/// Calls over one stream at a time; `Call` is the caller's data for each.
pub struct TaggedCalls<Call, Request, Response> {
    open: Open<Request, Response>,
    /// Maximum number of calls in progress.
    most: usize,
    attempts: Attempts,
    state: State<Request, Response>,
    under_way: BTreeMap<u64, Call>,
    next_tag: u64,
}

enum State<Request, Response> {
    /// Not opened yet, or replaced.
    Closed,
    Opening(mpsc::Sender<Request>, Opening<Response>),
    Open(mpsc::Sender<Request>, Opened<Response>),
    /// Open for answers, but not for new calls.
    Replaced(Responses<Response>),
    /// Broken: no attempt before this time.
    Broken(Instant, Status),
}

impl<Call, Request, Response: Answer> TaggedCalls<Call, Request, Response> {
    /// Opens streams with `open`, for at most this number of calls at a time.
    pub fn new(
        backoff: Backoff,
        most: usize,
        open: impl FnMut(ReceiverStream<Request>) -> Opening<Response> + Send + 'static,
    ) -> Self {
        Self {
            open: Box::new(open),
            most,
            attempts: Attempts::new(backoff),
            state: State::Closed,
            under_way: BTreeMap::new(),
            next_tag: 0,
        }
    }

    /// Whether another call may be made now.
    pub fn has_room(&self) -> bool {
        let open = !matches!(self.state, State::Broken(..) | State::Replaced(_));
        open && self.under_way.len() < self.most
    }

    /// Whether no call is in progress.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Gives up the stream, and returns the calls in progress.
    pub fn abandon(&mut self) -> Vec<Call> {
        self.state = State::Closed;
        std::mem::take(&mut self.under_way).into_values().collect()
    }

    /// Makes a call; only if there [is room](Self::has_room). The first calls are sent while the stream
    /// opens.
    pub fn call(&mut self, call: Call, request: impl FnOnce(u64, &Call) -> Request) {
        if matches!(self.state, State::Closed) {
            let (requests, outbound) = mpsc::channel(self.most);
            self.state = State::Opening(requests, (self.open)(ReceiverStream::new(outbound)));
        }
        let tag = self.next_tag;
        self.next_tag += 1;
        let request = request(tag, &call);
        self.under_way.insert(tag, call);
        if let State::Opening(requests, _) | State::Open(requests, _) = &self.state {
            // The channel has room for all calls in progress. The end of a stream is seen on its answers.
            let _ = requests.try_send(request);
        }
    }

    /// Gives up the stream as if it had broken.
    pub fn give_up(&mut self, status: Status) {
        self.state = State::Broken(self.attempts.ended(), status);
    }

    /// Waits for the next answer. Returns [`Interrupted`] after the stream has broken or could not be
    /// opened, and the pause has passed. Cancel-safe. Waits without end while there is no call.
    pub async fn next(&mut self) -> Result<(Call, Response), Interrupted<Call>> {
        loop {
            let response = match &mut self.state {
                State::Closed => std::future::pending().await,
                State::Opening(requests, opening) => match opening.await {
                    Ok(opened) => {
                        self.attempts.opened();
                        self.state = State::Open(requests.clone(), opened);
                        continue;
                    }
                    Err(status) => Some(Err(status)),
                },
                State::Open(_, opened) => tokio::select! {
                    biased;
                    response = opened.responses.next() => response,
                    () = &mut opened.replaced => {
                        self.replaced();
                        continue;
                    }
                },
                State::Replaced(responses) => responses.next().await,
                State::Broken(until, status) => {
                    sleep_until(*until).await;
                    let status = status.clone();
                    let calls = self.abandon();
                    return Err(Interrupted { calls, status });
                }
            };
            if let Some(answered) = self.received(response.unwrap_or_else(|| Err(ended()))) {
                return Ok(answered);
            }
        }
    }

    fn received(&mut self, response: Result<Response, Status>) -> Option<(Call, Response)> {
        let unavailable = match &response {
            Ok(response) => response.says_unavailable(),
            Err(status) => Some(status.clone()),
        };
        if let Some(status) = unavailable {
            self.give_up(status);
            return None;
        }
        self.attempts.received();
        let response = response.ok()?;
        let call = self.under_way.remove(&response.tag())?;
        if matches!(self.state, State::Replaced(_)) && self.is_idle() {
            self.state = State::Closed;
        }
        Some((call, response))
    }

    /// Calls in progress on this stream are still answered there.
    fn replaced(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        if let State::Open(_, opened) = state
            && !self.is_idle()
        {
            self.state = State::Replaced(opened.responses);
        }
    }
}

#[cfg(test)]
mod tests;
