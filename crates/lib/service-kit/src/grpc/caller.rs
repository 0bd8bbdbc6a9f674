//! Which process calls, and whether it may.
//!
//! Over TCP a process is who its certificate says: one that is valid for the DNS name `imap` is imap's. On
//! a Unix socket it says so itself, in `user-agent`. Nothing more is to be had there: whoever may open the
//! socket is the user that all processes run as, and could read their files as well.

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::ServerName;
use tonic::Status;
use tonic::codegen::http;
use tonic::transport::CertificateDer;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo, UdsConnectInfo};

/// Who may make the call of a path, by names of processes.
pub type Callers = fn(&str) -> &'static [&'static str];

/// What a process says of itself in `user-agent`.
const USER_AGENT: &str = "postern/";

/// The process that makes a call: in the extensions of a request that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    name: Option<&'static str>,
}

impl Caller {
    /// Its name; none for one on this machine that does not say it.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.name
    }
}

/// The `user-agent` of a process.
pub(super) fn user_agent(process: &str) -> String {
    format!("{USER_AGENT}{process}")
}

/// Lets a call through, and notes in it who makes it.
pub(super) fn admit<B>(request: &mut http::Request<B>, callers: Callers) -> Result<(), Status> {
    let path = request.uri().path();
    match caller(request, callers(path)) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(())
        }
        Err(who) => {
            let allowed = callers(path).join(", ");
            tracing::warn!(caller = who, call = path, allowed, "a call was refused");
            let text =
                format!("{who} may not call {path}: of all processes only these may: {allowed}");
            Err(Status::permission_denied(text))
        }
    }
}

/// The caller, if it is one of these; otherwise what is known of it, for the log.
fn caller<B>(request: &http::Request<B>, allowed: &[&'static str]) -> Result<Caller, String> {
    if let Some(tls) = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>() {
        return certified(&tls.peer_certs().unwrap_or_default(), allowed);
    }
    if request.extensions().get::<UdsConnectInfo>().is_some() {
        return declared(request, allowed);
    }
    Err("an unknown process".to_owned())
}

fn certified(
    chain: &[CertificateDer<'static>],
    allowed: &[&'static str],
) -> Result<Caller, String> {
    let unknown = || "a process with another's certificate".to_owned();
    let certificate = chain.first().ok_or_else(unknown)?;
    let certificate = ParsedCertificate::try_from(certificate).map_err(|_| unknown())?;
    let is_named = |name: &&&str| {
        ServerName::try_from(**name)
            .is_ok_and(|name| verify_server_name(&certificate, &name).is_ok())
    };
    let name = allowed.iter().find(is_named).ok_or_else(unknown)?;
    Ok(Caller { name: Some(name) })
}

fn declared<B>(request: &http::Request<B>, allowed: &[&'static str]) -> Result<Caller, String> {
    let agent = request.headers().get(http::header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let declared = agent.and_then(|agent| agent.split(' ').next()?.strip_prefix(USER_AGENT));
    let Some(declared) = declared else {
        return Ok(Caller { name: None });
    };
    match allowed.iter().find(|name| **name == declared) {
        Some(name) => Ok(Caller { name: Some(name) }),
        None => Err(declared.to_owned()),
    }
}

#[cfg(test)]
mod tests;
