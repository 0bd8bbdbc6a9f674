//! A queue with only some calls.

use api::grpc::{Request, Streaming, async_trait};
use api::message::v1::{Chunk, StoredText};
use api::queue::v1::queue_server::Queue;
use api::queue::v1::{
    CompleteRequest, CompleteResponse, EnqueueRequest, EnqueueResponse, FindMessageRequest,
    FindMessageResponse, GetStatisticsRequest, GetStatisticsResponse, LeaseRequest, LeaseResponse,
    ListMessagesRequest, ListMessagesResponse, ReadBodyRequest, ReadMessageRequest,
    RetryNowRequest, RetryNowResponse, SearchHistoryRequest, SearchHistoryResponse,
    ShowMessageRequest, ShowMessageResponse,
};

use crate::{Answer, Answers, not_asked};

/// The calls that a test implements. All others are unimplemented.
#[async_trait]
pub trait PartOfQueue: Send + Sync + 'static {
    /// `Enqueue`.
    async fn enqueue(
        &self,
        _requests: Streaming<EnqueueRequest>,
    ) -> Answer<Answers<EnqueueResponse>> {
        not_asked()
    }

    /// `StoreText`.
    async fn store_text(&self, _pieces: Streaming<Chunk>) -> Answer<StoredText> {
        not_asked()
    }

    /// `Lease`.
    async fn lease(&self, _requests: Streaming<LeaseRequest>) -> Answer<Answers<LeaseResponse>> {
        not_asked()
    }

    /// `Complete`.
    async fn complete(
        &self,
        _requests: Streaming<CompleteRequest>,
    ) -> Answer<Answers<CompleteResponse>> {
        not_asked()
    }

    /// `RetryNow`.
    async fn retry_now(&self, _request: RetryNowRequest) -> Answer<RetryNowResponse> {
        not_asked()
    }

    /// `ReadBody`.
    async fn read_body(&self, _request: ReadBodyRequest) -> Answer<Answers<Chunk>> {
        not_asked()
    }
}

/// Serves it as a queue.
#[derive(Debug)]
pub struct FakeQueueService<T>(pub T);

#[async_trait]
impl<T: PartOfQueue> Queue for FakeQueueService<T> {
    type EnqueueStream = Answers<EnqueueResponse>;
    type LeaseStream = Answers<LeaseResponse>;
    type CompleteStream = Answers<CompleteResponse>;
    type ReadMessageStream = Answers<Chunk>;
    type ReadBodyStream = Answers<Chunk>;

    async fn enqueue(
        &self,
        request: Request<Streaming<EnqueueRequest>>,
    ) -> Answer<Self::EnqueueStream> {
        self.0.enqueue(request.into_inner()).await
    }

    async fn store_text(&self, request: Request<Streaming<Chunk>>) -> Answer<StoredText> {
        self.0.store_text(request.into_inner()).await
    }

    async fn lease(&self, request: Request<Streaming<LeaseRequest>>) -> Answer<Self::LeaseStream> {
        self.0.lease(request.into_inner()).await
    }

    async fn complete(
        &self,
        request: Request<Streaming<CompleteRequest>>,
    ) -> Answer<Self::CompleteStream> {
        self.0.complete(request.into_inner()).await
    }

    async fn read_message(
        &self,
        _request: Request<ReadMessageRequest>,
    ) -> Answer<Self::ReadMessageStream> {
        not_asked()
    }

    async fn read_body(&self, request: Request<ReadBodyRequest>) -> Answer<Self::ReadBodyStream> {
        self.0.read_body(request.into_inner()).await
    }

    async fn list_messages(&self, _: Request<ListMessagesRequest>) -> Answer<ListMessagesResponse> {
        not_asked()
    }

    async fn show_message(&self, _: Request<ShowMessageRequest>) -> Answer<ShowMessageResponse> {
        not_asked()
    }

    async fn find_message(&self, _: Request<FindMessageRequest>) -> Answer<FindMessageResponse> {
        not_asked()
    }

    async fn search_history(
        &self,
        _: Request<SearchHistoryRequest>,
    ) -> Answer<SearchHistoryResponse> {
        not_asked()
    }

    async fn retry_now(&self, request: Request<RetryNowRequest>) -> Answer<RetryNowResponse> {
        self.0.retry_now(request.into_inner()).await
    }

    async fn get_statistics(
        &self,
        _: Request<GetStatisticsRequest>,
    ) -> Answer<GetStatisticsResponse> {
        not_asked()
    }
}
