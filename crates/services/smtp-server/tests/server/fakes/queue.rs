//! A queue in memory.

use std::sync::{Arc, Mutex};

use api::grpc::{Response, Status, Streaming, async_trait};
use api::message::v1::{Chunk, Failure, StoredText};
use api::queue::v1::{
    Accepted, EnqueueRequest, EnqueueResponse, RetryNowRequest, RetryNowResponse, Submission,
    enqueue_response,
};
use api::queue_features::Features;
use fakes::{Answers, PartOfQueue, Texts};
use futures::StreamExt as _;
use tokio::sync::watch;

/// How the queue answers.
#[derive(Clone, Copy, Default)]
pub(crate) enum Answer {
    #[default]
    Accept,
    /// As if the database were away.
    Unavailable,
    /// As if the submission broke a limit.
    Refuse,
    /// Break the stream without an answer.
    Break,
    /// Do not answer until this is changed.
    Hold,
}

/// A fake queue. Clones are the same queue.
#[derive(Clone)]
pub(crate) struct FakeQueue {
    pub(crate) answer: watch::Sender<Answer>,
    accepted: Arc<Mutex<Vec<Submission>>>,
    texts: Texts,
    /// Requested queue runs.
    runs: Arc<Mutex<Vec<RetryNowRequest>>>,
    /// Number of submissions received, accepted or not.
    pub(crate) arrived: watch::Sender<usize>,
    /// Whether streams can be opened.
    pub(crate) reachable: watch::Sender<bool>,
    /// Number of attempts to open a stream.
    pub(crate) opened: watch::Sender<usize>,
}

impl FakeQueue {
    pub(crate) fn new() -> Self {
        Self {
            answer: watch::Sender::new(Answer::Accept),
            accepted: Arc::default(),
            texts: Texts::default(),
            runs: Arc::default(),
            arrived: watch::Sender::new(0),
            reachable: watch::Sender::new(true),
            opened: watch::Sender::new(0),
        }
    }

    /// The accepted submissions.
    pub(crate) fn accepted(&self) -> Vec<Submission> {
        self.accepted.lock().unwrap().clone()
    }

    /// The only accepted message.
    pub(crate) fn only(&self) -> Submission {
        let mut accepted = self.accepted();
        assert_eq!(accepted.len(), 1);
        accepted.remove(0)
    }

    /// Requested queue runs.
    pub(crate) fn runs(&self) -> Vec<RetryNowRequest> {
        self.runs.lock().unwrap().clone()
    }

    /// An uploaded text.
    pub(crate) fn text(&self, name: &[u8]) -> Vec<u8> {
        self.texts.get(name)
    }

    async fn judge(&self, request: EnqueueRequest) -> Result<EnqueueResponse, Status> {
        self.arrived.send_modify(|count| *count += 1);
        let mut answer = self.answer.subscribe();
        let answer = *answer
            .wait_for(|answer| !matches!(answer, Answer::Hold))
            .await
            .unwrap();
        let failure = |code: i32| {
            enqueue_response::Result::Failure(Failure {
                code,
                message: "secret cause".to_owned(),
            })
        };
        let result = match answer {
            Answer::Break => return Err(Status::unavailable("secret cause")),
            Answer::Unavailable => failure(api::grpc::Code::Unavailable as i32),
            Answer::Refuse => failure(api::grpc::Code::InvalidArgument as i32),
            Answer::Accept | Answer::Hold => {
                let mut accepted = self.accepted.lock().unwrap();
                accepted.push(request.submission.unwrap());
                enqueue_response::Result::Accepted(Accepted {
                    message_id: accepted.len() as i64,
                    duplicate: false,
                })
            }
        };
        Ok(EnqueueResponse {
            tag: request.tag,
            result: Some(result),
        })
    }
}

#[async_trait]
impl PartOfQueue for FakeQueue {
    async fn enqueue(
        &self,
        requests: Streaming<EnqueueRequest>,
    ) -> fakes::Answer<Answers<EnqueueResponse>> {
        self.opened.send_modify(|count| *count += 1);
        if !*self.reachable.borrow() {
            return Err(Status::unavailable("secret cause"));
        }
        let queue = self.clone();
        let answers = requests.then(move |request| {
            let queue = queue.clone();
            async move { queue.judge(request?).await }
        });
        // A broken stream sends nothing more.
        let answers = answers.scan(false, |broken, answer| {
            let before = *broken;
            *broken = answer.is_err();
            std::future::ready((!before).then_some(answer))
        });
        let mut response: Response<Answers<_>> = Response::new(Box::pin(answers));
        Features::all().announce(response.metadata_mut());
        Ok(response)
    }

    /// For `many.test` there is always more; for `three.test` there are three messages.
    async fn retry_now(&self, request: RetryNowRequest) -> fakes::Answer<RetryNowResponse> {
        if matches!(*self.answer.borrow(), Answer::Unavailable) {
            return Err(Status::unavailable("secret cause"));
        }
        let (recipients, messages, next) = match request.domain.as_str() {
            "many.test" => (5_000, 5_000, request.after + 1),
            "three.test" => (4, 3, 0),
            _ => (0, 0, 0),
        };
        self.runs.lock().unwrap().push(request);
        Ok(Response::new(RetryNowResponse {
            recipients,
            messages,
            next,
        }))
    }

    async fn store_text(&self, pieces: Streaming<Chunk>) -> fakes::Answer<StoredText> {
        let may = || match *self.answer.borrow() {
            Answer::Unavailable => Err(Status::unavailable("secret cause")),
            _ => Ok(()),
        };
        self.texts.store(pieces, may).await
    }
}
