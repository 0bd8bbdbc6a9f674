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

/// Prefix of a process's name in `user-agent`.
const USER_AGENT: &str = "postern/";

/// The `user-agent` of a process.
pub(super) fn user_agent(process: &str) -> String {
    format!("{USER_AGENT}{process}")
}

/// Refuses a call that the process may not make.
pub(super) fn admit<B>(request: &http::Request<B>, callers: Callers) -> Result<(), Status> {
    let path = request.uri().path();
    let allowed = callers(path);
    let Err(who) = check(request, allowed) else {
        return Ok(());
    };
    let allowed = allowed.join(", ");
    tracing::warn!(caller = who, call = path, allowed, "a call was refused");
    let text = format!("{who} may not call {path}: of all processes only these may: {allowed}");
    Err(Status::permission_denied(text))
}

/// Whether the caller is one of these. The error describes the caller, for the log.
fn check<B>(request: &http::Request<B>, allowed: &[&str]) -> Result<(), String> {
    if let Some(tls) = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>() {
        return certified(&tls.peer_certs().unwrap_or_default(), allowed);
    }
    if request.extensions().get::<UdsConnectInfo>().is_some() {
        return declared(request, allowed);
    }
    Err("an unknown process".to_owned())
}

fn certified(chain: &[CertificateDer<'static>], allowed: &[&str]) -> Result<(), String> {
    let unknown = || "a process with another's certificate".to_owned();
    let certificate = chain.first().ok_or_else(unknown)?;
    let certificate = ParsedCertificate::try_from(certificate).map_err(|_| unknown())?;
    for name in allowed {
        if let Ok(name) = ServerName::try_from(*name)
            && verify_server_name(&certificate, &name).is_ok()
        {
            return Ok(());
        }
    }
    Err(unknown())
}

/// A caller without a name may make every call: the command line, or a tool.
fn declared<B>(request: &http::Request<B>, allowed: &[&str]) -> Result<(), String> {
    let agent = request.headers().get(http::header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let declared = agent.and_then(|agent| agent.split(' ').next()?.strip_prefix(USER_AGENT));
    match declared {
        Some(name) if !allowed.contains(&name) => Err(name.to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
