//! Remote accounts to collect mail from.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::values::address::EmailAddress;
use crate::values::gateway::Login;

/// A remote account to collect mail from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CollectAccount {
    /// Its name in the policy and in the record of collected mail: after a rename the mail is collected
    /// again.
    pub name: Arc<str>,
    /// Host name or IP address without brackets.
    pub server: String,
    /// Port; default: the protocol's.
    pub port: u16,
    /// The protocol of the server.
    pub protocol: CollectProtocol,
    /// The account's login.
    pub login: Login,
    /// Time between polls.
    pub every: Duration,
    /// The user whose INBOX gets the mail.
    pub deliver_to: EmailAddress,
    /// When the messages on the server are deleted.
    pub leave_on_server: LeaveOnServer,
}

/// The protocol of a collection account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CollectProtocol {
    /// POP3 without TLS.
    Pop3,
    /// POP3 over TLS from the start.
    Pop3s,
    /// POP3 with STLS; nothing is sent if the server does not offer it.
    Pop3Stls,
}

/// When messages on the server are deleted: never before they are committed here (I10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaveOnServer {
    /// As soon as they are committed here.
    Never,
    /// This long after they were collected.
    For(Duration),
    /// Never deleted.
    ForEver,
}
