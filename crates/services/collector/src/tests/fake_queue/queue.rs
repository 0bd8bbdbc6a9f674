//! `queue.v1`: Enqueue and StoreText.

use api::grpc::{Response, Status, Streaming, async_trait};
use api::message::v1::{Chunk, StoredText};
use api::queue::v1::*;
use api::queue_features::Features;
use fakes::{Answer, Answers, PartOfQueue};
use futures::StreamExt as _;

use super::{Shared, State};

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
            collected.remote_id,
            collected.content_hash.to_vec(),
        );
        let duplicate = self.ledger.contains_key(&identity);
        if !duplicate {
            let now = crate::tests::now_ms() + self.clock_ahead_ms;
            self.ledger.insert(identity, now);
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
impl PartOfQueue for Shared {
    async fn enqueue(
        &self,
        requests: Streaming<EnqueueRequest>,
    ) -> Answer<Answers<EnqueueResponse>> {
        let shared = self.clone();
        let answers = requests.map(move |request| {
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
        let mut response: Response<Answers<_>> = Response::new(Box::pin(answers));
        Features::all().announce(response.metadata_mut());
        Ok(response)
    }

    async fn store_text(&self, pieces: Streaming<Chunk>) -> Answer<StoredText> {
        self.texts.store(pieces, || Ok(())).await
    }
}
