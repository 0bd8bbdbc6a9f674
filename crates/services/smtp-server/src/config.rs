//! The section `[smtp-server]` of the configuration.

use std::net::SocketAddr;

use rules::{InterfaceSetting, ListenerClass, ListenerRole};
use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of the SMTP server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Listeners.
    pub listener: Vec<ListenerConfig>,
    /// Classes of interfaces, by name or by network, for listeners of the class `auto`. Classes not set here
    /// are detected.
    #[schemars(with = "Vec<Interface>")]
    pub interface: Vec<InterfaceSetting>,
    /// Name server for all lookups; the system's if not set.
    #[schemars(with = "Option<String>", extend("type-name" = "ADDRESS:PORT"))]
    pub resolver: Option<SocketAddr>,
    /// Maximum number of connections on each listener. When it is reached, a new connection replaces the
    /// untrusted one that has been idle for the longest.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections: usize,
    /// Maximum number of connections from one address on each listener.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub max_connections_per_address: usize,
    /// How long a connection may be idle, or wait for a stalled message, before it can be replaced; a quarter
    /// of that if its address has the most connections.
    pub make_room_after_seconds: u64,
    /// Maximum number of messages on one connection.
    #[schemars(range(min = 1), extend("unit" = "messages"))]
    pub max_messages_per_connection: u32,
    /// Time for a command, from the end of the previous one to its last octet (RFC 5321 §4.5.3.2.7: at least
    /// 300).
    #[schemars(range(min = 1))]
    pub command_timeout_seconds: u64,
    /// Longest pause within a message (RFC 5321 §4.5.3.2.5: at least 180).
    #[schemars(range(min = 1))]
    pub data_timeout_seconds: u64,
    /// Minimum average rate of a message, per second of waiting for the client.
    #[schemars(extend("unit" = "octets a second"))]
    pub min_data_rate: u32,
    /// How many seconds of waiting a message may fall behind the minimum rate.
    #[schemars(range(min = 1))]
    pub data_grace_seconds: u64,
    /// How long a session may last without an accepted message.
    #[schemars(range(min = 1))]
    pub max_idle_session_seconds: u64,
    /// Maximum number of commands without an accepted message; RCPT and BDAT do not count.
    #[schemars(range(min = 1), extend("unit" = "commands"))]
    pub max_idle_commands: u32,
    /// Number of invalid or misplaced commands after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "commands"))]
    pub max_bad_commands: u32,
    /// Number of refusals after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "refusals"))]
    pub max_refusals: u32,
    /// Number of failed logins after which a connection is closed.
    #[schemars(range(min = 1), extend("unit" = "logins"))]
    pub max_failed_logins: u32,
    /// Maximum length of a line of text in a message.
    #[schemars(range(min = 998), extend("unit" = "octets"))]
    pub max_text_line: usize,
    /// Maximum number of Received fields of a message, this server's own included; a message with more counts
    /// as looping (RFC 5321 §6.3: at least 100). At most 100, the limit of delivery, so that no accepted
    /// message is returned because of it.
    #[schemars(range(min = 1, max = message::trace::MAX_HOPS), extend("unit" = "headers"))]
    pub max_hops: usize,
    /// Maximum number of rows stored for `postern refusals` per minute; repetitions share one row. 0 stores
    /// none.
    #[schemars(extend("unit" = "rows a minute"))]
    pub refusals_kept_a_minute: u32,
    /// Maximum number of fields in a message's header section. Its octets are limited too, by the internal
    /// message size.
    #[schemars(range(min = 1), extend("unit" = "fields"))]
    pub max_header_fields: usize,
    /// Time for DNS lookups at each step of a message: at MAIL, and at its end.
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

/// The keys of `[[smtp-server.interface]]`, for the reference; `rules` reads them.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "read for its documentation")]
struct Interface {
    /// Interfaces by name, with the wildcards `*` and `?`. Set either this or `network`.
    name: Option<String>,
    /// Interfaces by one of their addresses.
    #[schemars(extend("type-name" = "network"))]
    network: Option<String>,
    /// Class of these interfaces.
    #[schemars(extend("enum" = ["internal", "external", "dmz"]))]
    class: String,
}

front_end::listener_config! {
    /// A listener.
    pub struct ListenerConfig {
        /// Name in rules and in the history; the address if not set.
        #[serde(default)]
        pub name: Option<String>,
        /// Purpose of the listener.
        #[serde(default)]
        #[schemars(with = "String", extend("enum" = ["mx", "submission"]))]
        pub role: ListenerRole,
        /// Network class. Behind proxies, `auto` means external: a proxy's address says nothing about its
        /// client's network.
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
