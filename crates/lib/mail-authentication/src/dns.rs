//! DNS queries.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

/// Time limit of one query to a server.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Maximum number of cached raw answers: the resolver limits their number, not their size, and an answer
/// crafted by a stranger takes more than a megabyte (64 KiB of records).
const REMEMBERED: u64 = 1024;
/// Maximum time that an answer is cached, whatever its TTL.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Parallel queries to one server.
const QUESTIONS: usize = 1024;

/// A resolver; clones share its cache.
#[derive(Clone)]
pub struct Dns {
    pub(crate) resolver: TokioResolver,
}

impl Dns {
    /// Asks `server`, or those that the system asks.
    ///
    /// # Errors
    /// See [`resolver::build`].
    pub fn new(server: Option<SocketAddr>) -> Result<Self, resolver::Unavailable> {
        let resolver = resolver::build(server, |options| {
            options.timeout = ATTEMPT;
            options.attempts = 1;
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            options.use_hosts_file = ResolveHosts::Never;
            options.cache_size = REMEMBERED;
            options.positive_max_ttl = Some(LONGEST);
            options.negative_max_ttl = Some(LONGEST);
            options.max_active_requests = QUESTIONS;
            // Keys are longer than 512 octets.
            options.edns0 = true;
        })?;
        Ok(Self { resolver })
    }

    /// For other questions than those about mail: what is remembered is remembered for all.
    pub fn resolver(&self) -> &TokioResolver {
        &self.resolver
    }
}

/// Whether the DNS has said that there is nothing; any other error may be another answer later.
pub fn is_absence(error: &NetError) -> bool {
    matches!(error, NetError::Dns(DnsError::NoRecordsFound(found)) if says_nothing(found.response_code))
}

/// Whether an answer without records means that there are none.
pub(crate) fn says_nothing(code: ResponseCode) -> bool {
    matches!(code, ResponseCode::NXDomain | ResponseCode::NoError)
}

/// There is nothing at a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absence {
    pub(crate) code: ResponseCode,
    pub(crate) until: Instant,
}

impl Absence {
    /// What an answer says, if it says for how long.
    pub(crate) fn of(error: &NetError) -> Option<Self> {
        let NetError::Dns(DnsError::NoRecordsFound(found)) = error else {
            return None;
        };
        let holds = Duration::from_secs(found.negative_ttl?.into());
        is_absence(error).then(|| Self {
            code: found.response_code,
            until: Instant::now() + holds,
        })
    }
}
