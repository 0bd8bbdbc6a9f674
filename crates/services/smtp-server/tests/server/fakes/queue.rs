//! A queue in memory.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use api::grpc::{Request, Response, Status, Streaming, async_trait};
use api::message::v1::{Chunk, Failure, StoredText};
use api::queue::v1::queue_server::Queue;
use api::queue::v1::{
    Accepted, CompleteRequest, CompleteResponse, EnqueueRequest, EnqueueResponse,
    GetStatisticsRequest, GetStatisticsResponse, LeaseRequest, LeaseResponse, ListMessagesRequest,
    ListMessagesResponse, ReadMessageRequest, ShowMessageRequest, ShowMessageResponse, Submission,
    enqueue_response,
};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::watch;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// How the queue answers.
#[derive(Clone, Copy, Default)]
pub(crate) enum Answer {
    #[default]
    Accept,
    /// The database is away.
    Unavailable,
    /// It breaks a rule of the queue.
    Refuse,
    /// The stream breaks without an answer.
    Break,
    /// Not before this is set to something else.
    Hold,
}

/// See the module. Clones are the same queue.
#[derive(Clone)]
pub(crate) struct FakeQueue {
    pub(crate) answer: watch::Sender<Answer>,
    state: Arc<Mutex<State>>,
    /// How many submissions have arrived, accepted or not.
    pub(crate) arrived: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    accepted: Vec<Submission>,
    texts: Vec<Vec<u8>>,
}

impl FakeQueue {
    pub(crate) fn new() -> Self {
        Self {
            answer: watch::Sender::new(Answer::Accept),
            state: Arc::default(),
            arrived: watch::Sender::new(0),
        }
    }

    /// What was accepted.
    pub(crate) fn accepted(&self) -> Vec<Submission> {
        self.state.lock().unwrap().accepted.clone()
    }

    /// The only message that was accepted.
    pub(crate) fn only(&self) -> Submission {
        let mut accepted = self.accepted();
        assert_eq!(accepted.len(), 1);
        accepted.remove(0)
    }

    /// An uploaded text.
    pub(crate) fn text(&self, id: i64) -> Vec<u8> {
        self.state.lock().unwrap().texts[usize::try_from(id).unwrap()].clone()
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
                let mut state = self.state.lock().unwrap();
                state.accepted.push(request.submission.unwrap());
                enqueue_response::Result::Accepted(Accepted {
                    message_id: state.accepted.len() as i64,
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

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("smtp-server does not ask this"))
}

#[async_trait]
impl Queue for FakeQueue {
    type EnqueueStream = Answers<EnqueueResponse>;
    type LeaseStream = Answers<LeaseResponse>;
    type CompleteStream = Answers<CompleteResponse>;
    type ReadMessageStream = Answers<Chunk>;

    async fn enqueue(
        &self,
        requests: Request<Streaming<EnqueueRequest>>,
    ) -> Result<Response<Self::EnqueueStream>, Status> {
        let queue = self.clone();
        let answers = requests.into_inner().then(move |request| {
            let queue = queue.clone();
            async move { queue.judge(request?).await }
        });
        // A broken stream says nothing more.
        let answers = answers.scan(false, |broken, answer| {
            let before = *broken;
            *broken = answer.is_err();
            std::future::ready((!before).then_some(answer))
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn store_text(
        &self,
        chunks: Request<Streaming<Chunk>>,
    ) -> Result<Response<StoredText>, Status> {
        let mut chunks = chunks.into_inner();
        let mut text = Vec::new();
        while let Some(chunk) = chunks.message().await? {
            assert!(chunk.data.len() <= 256 * 1024);
            if matches!(*self.answer.borrow(), Answer::Unavailable) {
                return Err(Status::unavailable("secret cause"));
            }
            text.extend_from_slice(&chunk.data);
        }
        let mut state = self.state.lock().unwrap();
        let size = text.len() as u64;
        state.texts.push(text);
        Ok(Response::new(StoredText {
            id: state.texts.len() as i64 - 1,
            size,
        }))
    }

    async fn lease(
        &self,
        _: Request<Streaming<LeaseRequest>>,
    ) -> Result<Response<Self::LeaseStream>, Status> {
        not_asked()
    }

    async fn complete(
        &self,
        _: Request<Streaming<CompleteRequest>>,
    ) -> Result<Response<Self::CompleteStream>, Status> {
        not_asked()
    }

    async fn read_message(
        &self,
        _: Request<ReadMessageRequest>,
    ) -> Result<Response<Self::ReadMessageStream>, Status> {
        Ok(Response::new(Box::pin(stream::empty())))
    }

    async fn list_messages(
        &self,
        _: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        not_asked()
    }

    async fn show_message(
        &self,
        _: Request<ShowMessageRequest>,
    ) -> Result<Response<ShowMessageResponse>, Status> {
        not_asked()
    }

    async fn get_statistics(
        &self,
        _: Request<GetStatisticsRequest>,
    ) -> Result<Response<GetStatisticsResponse>, Status> {
        not_asked()
    }
}
