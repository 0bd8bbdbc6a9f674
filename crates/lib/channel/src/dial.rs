//! Discovery of a service's replicas, and connections to them.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tonic::async_trait;
use tonic::transport::Endpoint;

/// Identifies a replica: its socket or its address.
pub type Target = String;

/// A byte stream to a replica, after TLS.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Finds and connects to the replicas of one service.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// The current replicas.
    async fn targets(&self) -> io::Result<Vec<Target>>;

    /// Connects to one replica.
    async fn connect(&self, target: &str) -> io::Result<Box<dyn Io>>;

    /// The HTTP/2 settings.
    fn http(&self) -> Endpoint;

    /// Whether [`Dial::targets`] may change, or has several entries.
    fn may_change(&self) -> bool;

    /// The age at which a connection is replaced; none if that is useless.
    fn longest_age(&self) -> Option<Duration>;
}

/// No replica, now or later.
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
