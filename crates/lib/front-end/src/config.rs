//! How a listener is configured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines the type of a `[[….listener]]` table: the keys that every listener has, and those of one
/// protocol after them. It converts to a [`ListenerConfig`] by reference.
///
/// (serde's `flatten` would do the same, but an error would no longer name the key that is wrong, nor the
/// known one that is nearest to a misspelt one.)
#[macro_export]
macro_rules! listener_config {
    ($(#[$about:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(
            Clone,
            Debug,
            $crate::used_by_macros::serde::Deserialize,
            $crate::used_by_macros::schemars::JsonSchema,
        )]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $name {
            /// Address and port.
            #[schemars(with = "String", extend("type-name" = "ADDRESS:PORT"))]
            pub address: ::std::net::SocketAddr,
            /// How TLS protects it.
            #[serde(default)]
            pub tls: $crate::TlsMode,
            /// Request certificates from clients, for logins with EXTERNAL. Not requested if not set.
            #[serde(default)]
            pub client_certificates: Option<$crate::used_by_macros::ClientCertificates>,
            /// Addresses of the trusted proxies, which give the client's address.
            #[serde(default)]
            #[schemars(with = "Vec<String>", extend("type-name" = "list of networks"))]
            pub proxies: Vec<$crate::used_by_macros::Network>,
            /// The proxies begin each connection with a PROXY header, version 1 or 2; a connection
            /// without it is closed. If `false`, SMTP proxies use XCLIENT, which is announced only to
            /// them; other protocols require `true` if there are proxies.
            #[serde(default)]
            pub proxy_protocol: bool,
            /// Accept passwords without TLS.
            #[serde(default)]
            pub plaintext_auth: bool,
            $($own)*
        }

        impl From<&$name> for $crate::ListenerConfig {
            fn from(listener: &$name) -> Self {
                Self {
                    address: listener.address,
                    tls: listener.tls,
                    client_certificates: listener.client_certificates.clone(),
                    proxies: listener.proxies.clone(),
                    proxy_protocol: listener.proxy_protocol,
                    plaintext_auth: listener.plaintext_auth,
                }
            }
        }
    };
}

listener_config! {
    /// One address to listen on.
    pub struct ListenerConfig {}
}

impl ListenerConfig {
    /// On this address, with all else as it is when it is not configured.
    #[must_use]
    pub fn at(address: std::net::SocketAddr) -> Self {
        Self {
            address,
            tls: TlsMode::default(),
            client_certificates: None,
            proxies: Vec::new(),
            proxy_protocol: false,
            plaintext_auth: false,
        }
    }
}

/// How a listener is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// STARTTLS (POP3: STLS) is offered where there is a certificate.
    #[default]
    Starttls,
    /// TLS from the first octet (RFC 8314).
    Implicit,
    /// Not at all.
    None,
}
