//! The shared state of all checks: the resolver and the cache.

use std::time::Duration;

use mail_auth::MessageAuthenticator;

use crate::dns::Dns;
use crate::memory::Memory;

/// The state of an [`Authenticator`](crate::Authenticator), which its clones share.
pub struct Shared {
    pub(crate) inner: MessageAuthenticator,
    pub(crate) dns: Dns,
    pub(crate) memory: Memory,
    pub(crate) patience: Duration,
}
