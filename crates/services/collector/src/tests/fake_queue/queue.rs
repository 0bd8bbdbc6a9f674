//! `queue.v1`: Enqueue and StoreText.

use std::pin::Pin;

use api::grpc::{Request, Response, Status, Streaming, async_trait};
use api::message::v1::{Chunk, StoredText};
use api::queue::v1::queue_server::Queue;
use api::queue::v1::*;
use futures::stream::{Stream, StreamExt as _};
use tokio_stream::Empty;

use super::{Shared, State};

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not part of the fake"))
}

impl State {
    fn commit(&mut self, submission: Submission) -> Result<Accepted, Status> {
        if self.away {
            return Err(Status::unavailable("away"));
        }
        let header = &submission.content.as_ref().unwrap().header;
        let header = String::from_utf8_lossy(header).into_owned();
        if self.refuses.is_some_and(|word| header.contains(word)) {
            return Err(Status::invalid_argument("refused"));
        }
        let collected = submission.collected.clone().unwrap();
        let identity = (
            collected.account,
            collected.uidl,
            collected.content_hash.to_vec(),
        );
        let duplicate = self.ledger.contains_key(&identity);
        if !duplicate {
            self.ledger.insert(identity, crate::tests::now_ms());
            self.submissions.push(submission);
        }
        if self
            .loses_answer_to
            .is_some_and(|word| header.contains(word))
        {
            return Err(Status::unavailable("the answer was lost"));
        }
        Ok(Accepted {
            message_id: 1,
            duplicate,
        })
    }
}

#[async_trait]
impl Queue for Shared {
    type EnqueueStream = Pin<Box<dyn Stream<Item = Result<EnqueueResponse, Status>> + Send>>;
    type LeaseStream = Empty<Result<LeaseResponse, Status>>;
    type CompleteStream = Empty<Result<CompleteResponse, Status>>;
    type ReadMessageStream = Empty<Result<Chunk, Status>>;

    async fn enqueue(
        &self,
        requests: Request<Streaming<EnqueueRequest>>,
    ) -> Result<Response<Self::EnqueueStream>, Status> {
        let shared = self.clone();
        let answers = requests.into_inner().map(move |request| {
            let request = request?;
            let submission = request.submission.unwrap();
            let committed = shared.state.lock().unwrap().commit(submission);
            let result = match committed {
                Ok(accepted) => enqueue_response::Result::Accepted(accepted),
                Err(status) => enqueue_response::Result::Failure(status.into()),
            };
            Ok(EnqueueResponse {
                tag: request.tag,
                result: Some(result),
            })
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
            text.extend_from_slice(&chunk.data);
        }
        let size = text.len() as u64;
        let mut state = self.state.lock().unwrap();
        state.texts.push(text);
        let id = i64::try_from(state.texts.len() - 1).unwrap();
        Ok(Response::new(StoredText { id, size }))
    }

    async fn lease(
        &self,
        _: Request<Streaming<LeaseRequest>>,
    ) -> Result<Response<Self::LeaseStream>, Status> {
        no()
    }
    async fn complete(
        &self,
        _: Request<Streaming<CompleteRequest>>,
    ) -> Result<Response<Self::CompleteStream>, Status> {
        no()
    }
    async fn read_message(
        &self,
        _: Request<ReadMessageRequest>,
    ) -> Result<Response<Self::ReadMessageStream>, Status> {
        no()
    }
    async fn list_messages(
        &self,
        _: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        no()
    }
    async fn show_message(
        &self,
        _: Request<ShowMessageRequest>,
    ) -> Result<Response<ShowMessageResponse>, Status> {
        no()
    }
    async fn get_statistics(
        &self,
        _: Request<GetStatisticsRequest>,
    ) -> Result<Response<GetStatisticsResponse>, Status> {
        no()
    }
}
