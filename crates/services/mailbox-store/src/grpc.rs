//! The gRPC services: convert requests to values and values to answers. No SQL and no decisions here.

mod actor;
mod deliver;
mod directory;
mod login;
mod mailbox;
mod upkeep;
mod watch;

pub use directory::DirectoryService;
pub use mailbox::MailboxService;
pub use upkeep::UpkeepService;

use api::grpc::{Response, Status};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};

/// The answer of a streaming method.
type Answers<T> = BoxStream<'static, Result<T, Status>>;

fn streamed<T, E>(
    answers: impl Stream<Item = Result<T, E>> + Send + 'static,
) -> Result<Response<Answers<T>>, Status>
where
    E: Into<Status>,
{
    Ok(Response::new(
        answers.map(|answer| answer.map_err(Into::into)).boxed(),
    ))
}
