//! Remote accounts that mail is fetched from.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::values::address::EmailAddress;
use crate::values::gateway::Login;

/// A remote account that mail is fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CollectAccount {
    /// Its name in the policy; also its name in the ledger, so renaming it forgets what was
    /// collected.
    pub name: Arc<str>,
    /// Host name or IP address without brackets.
    pub server: String,
    /// Port; the protocol's own unless given.
    pub port: u16,
    /// How to talk to the server.
    pub protocol: CollectProtocol,
    /// The account's login.
    pub login: Login,
    /// Time between polls.
    pub every: Duration,
    /// The user whose INBOX gets the mail.
    pub deliver_to: EmailAddress,
    /// When the remote copies are deleted.
    pub leave_on_server: LeaveOnServer,
}

/// How a collection account's server is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CollectProtocol {
    /// POP3 in the clear.
    Pop3,
    /// POP3 over TLS from the start.
    Pop3s,
    /// POP3 with STLS; nothing is sent when the server does not offer it.
    Pop3Stls,
}

/// When remote copies are deleted: never before they are committed here (I10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaveOnServer {
    /// As soon as they are committed here.
    Never,
    /// This long after they were collected.
    For(Duration),
    /// Not at all.
    ForEver,
}
