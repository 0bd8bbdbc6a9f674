//! How a service's replicas are found and reached.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tonic::async_trait;
use tonic::transport::Endpoint;

/// Names a replica: its socket or its address.
pub type Target = String;

/// The octets' way to a replica, with TLS done.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Finds and reaches the replicas of one service.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// The replicas that there are now.
    async fn targets(&self) -> io::Result<Vec<Target>>;

    /// Connects to one of them.
    async fn connect(&self, target: &str) -> io::Result<Box<dyn Io>>;

    /// How HTTP/2 is spoken.
    fn http(&self) -> Endpoint;

    /// Whether [`Dial::targets`] may be others later on, or there is more than one.
    fn may_change(&self) -> bool;

    /// After this time a connection is replaced; none where that brings nothing.
    fn longest_age(&self) -> Option<Duration>;
}

/// No replica, and none to come.
pub(crate) struct Nowhere;

#[async_trait]
impl Dial for Nowhere {
    async fn targets(&self) -> io::Result<Vec<Target>> {
        Err(io::ErrorKind::NotFound.into())
    }

    async fn connect(&self, _: &str) -> io::Result<Box<dyn Io>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn http(&self) -> Endpoint {
        Endpoint::from_static("http://nowhere.invalid")
    }

    fn may_change(&self) -> bool {
        false
    }

    fn longest_age(&self) -> Option<Duration> {
        None
    }
}
