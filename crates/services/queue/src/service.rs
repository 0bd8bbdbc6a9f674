//! `queue.v1` over gRPC: maps each call to its module.

use std::sync::Arc;

use api::grpc::{Request, Response, Status, Streaming, async_trait};
use api::message::v1::{Chunk, StoredText};
use api::queue::v1::queue_server::Queue;
use api::queue::v1::{
    CompleteRequest, CompleteResponse, EnqueueRequest, EnqueueResponse, FindMessageRequest,
    FindMessageResponse, GetStatisticsRequest, GetStatisticsResponse, LeaseRequest, LeaseResponse,
    ListMessagesRequest, ListMessagesResponse, ReadBodyRequest, ReadMessageRequest,
    RetryNowRequest, RetryNowResponse, SearchHistoryRequest, SearchHistoryResponse,
    ShowMessageRequest, ShowMessageResponse,
};
use api::queue_features::Features;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
use tokio_util::sync::CancellationToken;

use crate::answers::answers;
use crate::asking::{administrator, asking};
use crate::engine::Engine;
use crate::{complete, enqueue, lease, read, retry, search};

/// The service.
#[derive(Debug)]
pub(crate) struct QueueService {
    pub(crate) engine: Arc<Engine>,
    pub(crate) intake: enqueue::Intake,
    pub(crate) completions: mpsc::Sender<complete::Job>,
    pub(crate) shutdown: CancellationToken,
}

#[async_trait]
impl Queue for QueueService {
    type EnqueueStream = ReceiverStream<Result<EnqueueResponse, Status>>;
    type LeaseStream = UnboundedReceiverStream<Result<LeaseResponse, Status>>;
    type CompleteStream = ReceiverStream<Result<CompleteResponse, Status>>;
    type ReadMessageStream = BoxStream<'static, Result<Chunk, Status>>;
    type ReadBodyStream = BoxStream<'static, Result<Chunk, Status>>;

    async fn enqueue(
        &self,
        request: Request<Streaming<EnqueueRequest>>,
    ) -> Result<Response<Self::EnqueueStream>, Status> {
        let (answers, stream) = answers();
        tokio::spawn(enqueue::read_stream(
            request.into_inner(),
            answers,
            self.intake.clone(),
            self.engine.clock.clone(),
            self.shutdown.clone(),
        ));
        let mut response = Response::new(stream);
        Features::all().announce(response.metadata_mut());
        Ok(response)
    }

    async fn store_text(
        &self,
        request: Request<Streaming<Chunk>>,
    ) -> Result<Response<StoredText>, Status> {
        let stored = enqueue::store_text(&self.engine, request.into_inner()).await?;
        Ok(Response::new(stored))
    }

    async fn lease(
        &self,
        request: Request<Streaming<LeaseRequest>>,
    ) -> Result<Response<Self::LeaseStream>, Status> {
        // Bounded by the credits granted by the worker.
        let (responses, stream) = mpsc::unbounded_channel();
        tokio::spawn(lease::serve(
            Arc::clone(&self.engine),
            request.into_inner(),
            responses,
            self.shutdown.clone(),
        ));
        Ok(Response::new(UnboundedReceiverStream::new(stream)))
    }

    async fn complete(
        &self,
        request: Request<Streaming<CompleteRequest>>,
    ) -> Result<Response<Self::CompleteStream>, Status> {
        let (answers, stream) = answers();
        tokio::spawn(complete::read_stream(
            request.into_inner(),
            answers,
            self.completions.clone(),
            self.engine.clock.clone(),
            self.shutdown.clone(),
        ));
        Ok(Response::new(stream))
    }

    async fn read_message(
        &self,
        request: Request<ReadMessageRequest>,
    ) -> Result<Response<Self::ReadMessageStream>, Status> {
        administrator(&request)?;
        let stream = read::read_message(&self.engine, request.get_ref()).await?;
        Ok(Response::new(stream.map_err(Status::from).boxed()))
    }

    async fn read_body(
        &self,
        request: Request<ReadBodyRequest>,
    ) -> Result<Response<Self::ReadBodyStream>, Status> {
        let stream = read::read_body(&self.engine, request.get_ref());
        Ok(Response::new(stream.map_err(Status::from).boxed()))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        administrator(&request)?;
        let page = read::list(&self.engine, request.get_ref()).await?;
        Ok(Response::new(page))
    }

    async fn show_message(
        &self,
        request: Request<ShowMessageRequest>,
    ) -> Result<Response<ShowMessageResponse>, Status> {
        administrator(&request)?;
        let shown = read::show(&self.engine, request.get_ref().message_id).await?;
        Ok(Response::new(shown))
    }

    async fn find_message(
        &self,
        request: Request<FindMessageRequest>,
    ) -> Result<Response<FindMessageResponse>, Status> {
        administrator(&request)?;
        let found = search::find(&self.engine, request.get_ref()).await?;
        Ok(Response::new(found))
    }

    async fn search_history(
        &self,
        request: Request<SearchHistoryRequest>,
    ) -> Result<Response<SearchHistoryResponse>, Status> {
        administrator(&request)?;
        let page = search::history(&self.engine, request.get_ref()).await?;
        Ok(Response::new(page))
    }

    async fn retry_now(
        &self,
        request: Request<RetryNowRequest>,
    ) -> Result<Response<RetryNowResponse>, Status> {
        let asking = asking(&request)?;
        let due = retry::retry_now(&self.engine, &asking, request.get_ref()).await?;
        Ok(Response::new(due))
    }

    async fn get_statistics(
        &self,
        _request: Request<GetStatisticsRequest>,
    ) -> Result<Response<GetStatisticsResponse>, Status> {
        Ok(Response::new(read::statistics(&self.engine).await?))
    }
}
