//! Calls over one stream, each with a tag by which its answer names it. The stream is opened when there is
//! something to call, and again after it broke.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Attempts, Backoff, Responses, ended};

/// A stream that has been opened.
pub struct Opened<Response> {
    responses: Responses<Response>,
    replaced: BoxFuture<'static, ()>,
}

impl<Response: 'static> Opened<Response> {
    /// One by which these answers come.
    pub fn new(responses: impl Stream<Item = Result<Response, Status>> + Send + 'static) -> Self {
        Self {
            responses: responses.boxed(),
            replaced: std::future::pending().boxed(),
        }
    }

    /// The same, to be used until then: what is called after that goes over another stream.
    #[must_use]
    pub fn until(self, replaced: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            replaced: replaced.boxed(),
            ..self
        }
    }
}

/// An answer as the calls see it.
pub trait Answer {
    /// The tag of the call that it answers.
    fn tag(&self) -> u64;

    /// Why the service can do nothing for the moment, if that is what the answer says: then the stream is given
    /// up, and what is under way is interrupted.
    fn says_unavailable(&self) -> Option<Status> {
        None
    }
}

/// A stream has broken.
#[derive(Debug)]
pub struct Interrupted<Call> {
    /// What was under way, the oldest first. Whether any of it was done nobody knows.
    pub calls: Vec<Call>,
    /// Why.
    pub status: Status,
}

type Opening<Response> = BoxFuture<'static, Result<Opened<Response>, Status>>;
type Open<Request, Response> = Box<dyn FnMut(ReceiverStream<Request>) -> Opening<Response> + Send>;

/// Calls over one stream at a time; of each, `Call` is what it is about.
pub struct TaggedCalls<Call, Request, Response> {
    open: Open<Request, Response>,
    /// Calls under way at a time.
    most: usize,
    attempts: Attempts,
    state: State<Request, Response>,
    under_way: BTreeMap<u64, Call>,
    next_tag: u64,
}

enum State<Request, Response> {
    /// Nothing has been called yet, or the stream has been replaced.
    Closed,
    Opening(mpsc::Sender<Request>, Opening<Response>),
    Open(mpsc::Sender<Request>, Opened<Response>),
    /// Open, but for nothing new.
    Replaced(Responses<Response>),
    /// Broken: until then nothing is tried.
    Broken(Instant, Status),
}

impl<Call, Request, Response: Answer> TaggedCalls<Call, Request, Response> {
    /// Opens streams by `open`, for at most so many calls at a time.
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

    /// Whether no answer is awaited.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Gives the stream up, and what is under way back.
    pub fn abandon(&mut self) -> Vec<Call> {
        self.state = State::Closed;
        std::mem::take(&mut self.under_way).into_values().collect()
    }

    /// Makes a call; only where there [is room](Self::has_room). The first ones go along with the opening of the
    /// stream.
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
            // There is room for all that are under way. That a stream has ended is told by its answers.
            let _ = requests.try_send(request);
        }
    }

    /// Gives the stream up as if it had broken.
    pub fn give_up(&mut self, status: Status) {
        self.state = State::Broken(self.attempts.ended(), status);
    }

    /// Waits for the next answer. [`Interrupted`] when the stream has broken, or could not be opened, and the
    /// pause after that is over. Nothing is lost when this is dropped before it is done. Waits for ever while
    /// nothing is called.
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

    /// What is under way on this stream is still answered there.
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
