//! The section `[smtp-server]` of the configuration.

use std::net::SocketAddr;

use rules::{InterfaceSetting, ListenerClass, ListenerRole};
use schemars::JsonSchema;
use serde::Deserialize;

/// What the process needs to start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where to listen.
    pub listener: Vec<ListenerConfig>,
    /// Classes of interfaces, by name or by network, for listeners of the class `auto`. What is not
    /// set here is found.
    #[schemars(with = "Vec<Interface>")]
    pub interface: Vec<InterfaceSetting>,
    /// Name server to ask; the system's when absent.
    #[schemars(with = "Option<String>", extend("type-name" = "ADDRESS:PORT"))]
    pub resolver: Option<SocketAddr>,
    /// Connections at a time on each listener. When there are as many, a new one takes the place of
    /// the untrusted one that has been of no use for the longest.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: usize,
    /// Connections at a time from one address on each listener.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_address: usize,
    /// Seconds of waiting without a message, or for one that does not come along, before a connection
    /// may have to make room so; a quarter of them where its address has the most connections.
    pub make_room_after_seconds: u64,
    /// Messages of one connection.
    #[schemars(range(min = 1), extend("unit" = "messages"))]
    pub max_messages_per_connection: u32,
    /// Seconds that the peer may take for a command, from the end of the one before to its last
    /// octet (RFC 5321 §4.5.3.2.7: at least 300).
    #[schemars(range(min = 1))]
    pub command_timeout_seconds: u64,
    /// Seconds of silence within a message (RFC 5321 §4.5.3.2.5: at least 180).
    #[schemars(range(min = 1))]
    pub data_timeout_seconds: u64,
    /// Octets that a message brings on average in a second of waiting for it, at least.
    #[schemars(extend("unit" = "octets a second"))]
    pub min_data_rate: u32,
    /// Seconds of waiting that a message may be behind this rate.
    #[schemars(range(min = 1))]
    pub data_grace_seconds: u64,
    /// Seconds that a session may go on without a message that was taken.
    #[schemars(range(min = 1))]
    pub max_idle_session_seconds: u64,
    /// Commands that may be said without a message that was taken; RCPT and BDAT do not count.
    #[schemars(range(min = 1), extend("unit" = "commands"))]
    pub max_idle_commands: u32,
    /// Badly written or misplaced commands after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "commands"))]
    pub max_bad_commands: u32,
    /// Refusals after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "refusals"))]
    pub max_refusals: u32,
    /// Failed logins after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "logins"))]
    pub max_failed_logins: u32,
    /// Octets of one line of a message's text.
    #[schemars(range(min = 998), extend("unit" = "octets"))]
    pub max_text_line: usize,
    /// Received fields of a message, this server's own among them; with more of them it is taken to run
    /// in a circle (RFC 5321 §6.3: at least 100). At most the 100 that delivery passes on, so that what
    /// was taken is not returned for it.
    #[schemars(range(min = 1, max = message::trace::MAX_HOPS), extend("unit" = "headers"))]
    pub max_hops: usize,
    /// Rows in which refusals are kept for `postern refusals` in a minute; what repeats itself
    /// shares one. 0 keeps none.
    #[schemars(extend("unit" = "rows a minute"))]
    pub refusals_kept_a_minute: u32,
    /// Fields of a message's header; its octets are limited too, by what a component can hold.
    #[schemars(range(min = 1), extend("unit" = "fields"))]
    pub max_header_fields: usize,
    /// Seconds that the DNS may take for each step of a message: at MAIL, at its end.
    #[schemars(range(min = 1))]
    pub dns_timeout_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listener: Vec::new(),
            interface: Vec::new(),
            resolver: None,
            max_connections: 10_000,
            max_connections_per_address: 200,
            make_room_after_seconds: 3,
            max_messages_per_connection: 10_000,
            command_timeout_seconds: 300,
            data_timeout_seconds: 180,
            min_data_rate: 128,
            data_grace_seconds: 300,
            max_idle_session_seconds: 1800,
            max_idle_commands: 100,
            max_bad_commands: 10,
            max_refusals: 100,
            max_failed_logins: 3,
            max_text_line: 1024 * 1024,
            max_hops: message::trace::MAX_HOPS,
            refusals_kept_a_minute: 600,
            max_header_fields: 1000,
            dns_timeout_seconds: 10,
        }
    }
}

/// How `[[smtp-server.interface]]` is written, for the reference: `rules` reads it.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "read for its documentation")]
struct Interface {
    /// The interfaces by name; `*` and `?` stand for others. Either this or `network`.
    name: Option<String>,
    /// The interfaces by an address of theirs.
    #[schemars(extend("type-name" = "network"))]
    network: Option<String>,
    /// What they belong to.
    #[schemars(extend("enum" = ["internal", "external", "dmz"]))]
    class: String,
}

front_end::listener_config! {
    /// One address to listen on.
    pub struct ListenerConfig {
        /// What it is called in rules and in the history; the address when absent.
        #[serde(default)]
        pub name: Option<String>,
        /// For whom it is.
        #[serde(default)]
        #[schemars(with = "String", extend("enum" = ["mx", "submission"]))]
        pub role: ListenerRole,
        /// To which network it belongs. Behind proxies `auto` means external: their addresses say
        /// nothing of the clients' networks.
        #[serde(default)]
        #[schemars(with = "String", extend("enum" = ["auto", "internal", "external", "dmz"]))]
        pub class: ListenerClass,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use front_end::TlsMode;

    use super::*;

    #[test]
    fn a_section_is_read_with_its_listeners() {
        let config: Config = toml::from_str(
            r#"
            max-connections = 10
            [[listener]]
            address = "127.0.0.1:2025"
            [[listener]]
            address = "127.0.0.1:2465"
            name = "submissions"
            role = "submission"
            tls = "implicit"
            class = "external"
            plaintext-auth = false
            proxies = ["10.0.0.0/8", "2001:db8::1"]
            proxy-protocol = true
            client-certificates = { authority = "/etc/postern/clients.pem", required = true }
            [[interface]]
            name = "eth1"
            class = "dmz"
            "#,
        )
        .unwrap();
        assert_eq!(config.max_connections, 10);
        assert_eq!(config.command_timeout_seconds, 300);
        assert_eq!(config.listener[0].role, ListenerRole::Mx);
        assert_eq!(config.listener[0].tls, TlsMode::Starttls);
        assert_eq!(config.listener[1].role, ListenerRole::Submission);
        assert_eq!(config.listener[1].class, ListenerClass::External);
        assert!(config.listener[0].proxies.is_empty() && !config.listener[0].proxy_protocol);
        assert!(config.listener[1].proxies[0].contains("10.1.2.3".parse().unwrap()));
        assert!(config.listener[1].proxy_protocol);
        assert!(config.listener[0].client_certificates.is_none());
        let clients = config.listener[1].client_certificates.as_ref().unwrap();
        assert!(clients.required && clients.authority.ends_with("clients.pem"));
        assert_eq!(config.interface.len(), 1);
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        assert!(toml::from_str::<Config>("max-conections = 1").is_err());
        assert!(toml::from_str::<Config>("[[listener]]\naddress = \"x\"").is_err());
        let proxies = "[[listener]]\naddress = \"127.0.0.1:25\"\nproxies = [\"10.0.0.0/99\"]";
        assert!(toml::from_str::<Config>(proxies).is_err());
    }
}
