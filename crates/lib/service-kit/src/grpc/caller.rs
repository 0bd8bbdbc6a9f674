//! The calling process, and its right to make a call.
//!
//! Over TCP its certificate identifies a process: one valid for the DNS name `imap` belongs to imap. On a
//! Unix socket the process names itself in `user-agent`. No more is possible there: whoever can open the
//! socket runs as the user of all processes, and could read their files as well.

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::ServerName;
use tonic::Status;
use tonic::codegen::http;
use tonic::transport::CertificateDer;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo, UdsConnectInfo};

/// The processes that may make the call with a given path.
pub type Callers = fn(&str) -> &'static [&'static str];

/// The process that makes a call. Each request that a server admits has one in its extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller {
    /// The processes with permission for the call.
    allowed: &'static [&'static str],
    /// Bits of those that the caller is: a certificate may name several.
    is: u64,
}

impl Caller {
    /// The caller of a request; no process for a request that was not admitted.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Self {
        extensions.get().copied().unwrap_or_default()
    }

    /// The names of the process, usually one.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let places = self.allowed.iter().enumerate();
        let names = places.filter(move |(place, _)| self.is & bit(*place) != 0);
        names.map(|(_, name)| *name)
    }

    /// Whether the caller is this process.
    #[must_use]
    pub fn is(self, process: &str) -> bool {
        self.names().any(|name| name == process)
    }
}

fn bit(place: usize) -> u64 {
    u32::try_from(place)
        .ok()
        .and_then(|place| 1_u64.checked_shl(place))
        .unwrap_or(0)
}

/// Prefix of a process's name in `user-agent`.
const USER_AGENT: &str = "postern/";

/// The `user-agent` of a process.
pub(super) fn user_agent(process: &str) -> String {
    format!("{USER_AGENT}{process}")
}

/// Refuses a call to a process that may not make it, and tells the service which process makes it.
pub(super) fn admit<B>(request: &mut http::Request<B>, callers: Callers) -> Result<(), Status> {
    let path = request.uri().path();
    let allowed = callers(path);
    let who = match check(request, allowed) {
        Ok(is) => {
            request.extensions_mut().insert(Caller { allowed, is });
            return Ok(());
        }
        Err(who) => who,
    };
    let allowed = allowed.join(", ");
    tracing::warn!(caller = who, call = path, allowed, "a call was refused");
    let text = format!("{who} may not call {path}; allowed are {allowed}");
    Err(Status::permission_denied(text))
}

/// The bits of the processes in `allowed` that the caller is. The error describes the caller, for the log.
fn check<B>(request: &http::Request<B>, allowed: &[&str]) -> Result<u64, String> {
    if let Some(tls) = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>() {
        return certified(&tls.peer_certs().unwrap_or_default(), allowed);
    }
    if request.extensions().get::<UdsConnectInfo>().is_some() {
        return declared(request, allowed);
    }
    Err("an unknown process".to_owned())
}

fn certified(chain: &[CertificateDer<'static>], allowed: &[&str]) -> Result<u64, String> {
    let unknown = || "a process with another's certificate".to_owned();
    let certificate = chain.first().ok_or_else(unknown)?;
    let certificate = ParsedCertificate::try_from(certificate).map_err(|_| unknown())?;
    let is = places(allowed, |name| {
        ServerName::try_from(name).is_ok_and(|name| verify_server_name(&certificate, &name).is_ok())
    });
    if is == 0 { Err(unknown()) } else { Ok(is) }
}

/// A client that does not name itself, such as the command line or a tool, may make every call. It counts as
/// every process with permission for the call.
fn declared<B>(request: &http::Request<B>, allowed: &[&str]) -> Result<u64, String> {
    let agent = request.headers().get(http::header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let declared = agent.and_then(|agent| agent.split(' ').next()?.strip_prefix(USER_AGENT));
    let Some(declared) = declared else {
        return Ok(places(allowed, |_| true));
    };
    match places(allowed, |name| name == declared) {
        0 => Err(declared.to_owned()),
        is => Ok(is),
    }
}

fn places(allowed: &[&str], is: impl Fn(&str) -> bool) -> u64 {
    let places = allowed.iter().enumerate();
    let matching = places.filter(|(_, name)| is(name));
    matching.fold(0, |found, (place, _)| found | bit(place))
}

#[cfg(test)]
mod tests;
