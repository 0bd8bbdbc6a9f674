//! Creates DNS resolvers. Queries use UDP and TCP, never TLS, so a resolver needs no certificate store: it
//! works in an image that contains only the program.

mod name;

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

pub use name::{Impossible, name};

/// The reason why no resolver can be created.
#[derive(Debug, thiserror::Error)]
#[error("the DNS resolver cannot be set up: {0}")]
pub struct Unavailable(String);

/// A resolver that queries `server`, or the name servers of `/etc/resolv.conf`. `adjust` changes its
/// options, which are those of `/etc/resolv.conf` or the library's defaults.
///
/// # Errors
/// If the library refuses the options.
/// When the library refuses the options.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a resolver is built"
)]
pub fn build(
    server: Option<SocketAddr>,
    adjust: impl FnOnce(&mut ResolverOpts),
) -> Result<TokioResolver, Unavailable> {
    let (config, mut options) = match server {
        Some(server) => (only(server), ResolverOpts::default()),
        None => system(),
    };
    adjust(&mut options);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .with_tls_config(no_authorities()?)
        .build()
        .map_err(|error: NetError| Unavailable(error.to_string()))
}

/// The system's name servers. Without `/etc/resolv.conf`, or without a server in it, the name
/// server of this machine (resolv.conf(5)).
fn system() -> (ResolverConfig, ResolverOpts) {
    read_system_conf().unwrap_or_else(|error| {
        let local = SocketAddr::from(([127, 0, 0, 1], 53));
        tracing::warn!(%error, "/etc/resolv.conf names no name server: asking {local}");
        (only(local), ResolverOpts::default())
    })
}

fn only(server: SocketAddr) -> ResolverConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    ResolverConfig::from_parts(None, Vec::new(), vec![config])
}

/// The library always needs a TLS configuration. Its default reads the system's certificate store and fails
/// if there is none (mail-auth enables this feature); this one has no authorities and reads nothing.
fn no_authorities() -> Result<ClientConfig, Unavailable> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Unavailable(error.to_string()))?;
    Ok(config
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

    use test_kit::FakeDns;

    use super::*;

    #[tokio::test]
    async fn the_named_server_is_asked() {
        let dns = FakeDns::start("here_.test A 192.0.2.1").await;
        let resolver = build(Some(dns.address()), |_| ()).unwrap();
        let found = resolver
            .lookup_ip(name("here_.test").unwrap())
            .await
            .unwrap();
        let addresses: Vec<String> = found.iter().map(|ip| ip.to_string()).collect();
        assert_eq!(addresses, ["192.0.2.1"]);
    }

    #[tokio::test]
    async fn options_are_the_callers() {
        let server = SocketAddr::from(([127, 0, 0, 1], 53));
        let resolver = build(Some(server), |options| options.attempts = 7).unwrap();
        assert_eq!(resolver.options().attempts, 7);
    }
}
