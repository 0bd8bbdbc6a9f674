//! A listener as seen by its connections.

use std::sync::Arc;

use service_kit::{ServerTls, Service};

use crate::{Error, ListenerConfig, Protocol, Proxies, TlsMode};

/// A listener. `own` belongs to its protocol.
#[derive(Debug)]
pub struct Listener<T> {
    /// Its name in the log and in the list of refusals.
    pub name: Arc<str>,
    /// For implicit TLS or STARTTLS; none if TLS is not offered.
    pub tls: Option<Arc<ServerTls>>,
    /// TLS begins with the first octet.
    pub implicit_tls: bool,
    /// The handshake requests a certificate of the client.
    pub client_certificates: bool,
    /// Passwords are accepted without TLS.
    pub plaintext_auth: bool,
    /// The trusted proxies.
    pub proxies: Proxies,
    /// The protocol's own.
    pub own: T,
}

impl<T> Listener<T> {
    /// Whether the proxies use a command of the protocol to give the client's address.
    pub fn proxies_use_command(&self) -> bool {
        !self.proxies.are_none() && !self.proxies.send_header()
    }

    /// Loads its certificates. `tls` is shared by listeners without client certificates.
    pub(crate) fn new(
        name: Arc<str>,
        config: &ListenerConfig,
        own: T,
        protocol: &Protocol,
        tls: Option<&Arc<ServerTls>>,
        service: &Service,
    ) -> Result<Self, Error> {
        check(&name, config, protocol, tls.is_some())?;
        let tls = match &config.client_certificates {
            Some(clients) => service.server_tls_with_clients(clients)?,
            None => tls.cloned(),
        };
        Ok(Self {
            name,
            tls: tls.filter(|_| config.tls != TlsMode::None),
            implicit_tls: config.tls == TlsMode::Implicit,
            client_certificates: config.client_certificates.is_some(),
            plaintext_auth: config.plaintext_auth,
            proxies: Proxies::new(config.proxies.clone(), config.proxy_protocol),
            own,
        })
    }
}

fn check(
    name: &str,
    config: &ListenerConfig,
    protocol: &Protocol,
    has_certificate: bool,
) -> Result<(), Error> {
    let wrong = |problem: &str| Err(Error::configuration(name, problem));
    if config.tls == TlsMode::Implicit && !has_certificate {
        return wrong("implicit TLS needs a certificate in [tls]");
    }
    if config.client_certificates.is_some() && (config.tls == TlsMode::None || !has_certificate) {
        return wrong("`client-certificates` needs TLS, and a certificate in [tls]");
    }
    let mut proxies = config.proxies.iter();
    if let Some(everyone) = proxies.find(|network| network.is_everything()) {
        return wrong(&format!(
            "with `proxies` of {everyone} anybody could say who he is: name the proxies' own addresses"
        ));
    }
    match (config.proxies.is_empty(), config.proxy_protocol) {
        (true, true) => wrong(
            "`proxy-protocol` needs `proxies`: a header is believed from named addresses alone",
        ),
        (false, false) if !protocol.has_proxy_command => wrong(
            "`proxies` needs `proxy-protocol = true`: this protocol has no other way to tell a client's address",
        ),
        _ => Ok(()),
    }
}
