//! `[[collect]]`: remote accounts to collect mail from.

use std::time::Duration;

use crate::document::choice::{Choice, Choices};
use crate::document::delivery::positive;
use crate::document::domains::MailboxName;
use crate::document::gateway::read_login;
use crate::document::read::{Keys, Section};
use crate::values::address::EmailAddress;
use crate::values::collect::{CollectAccount, CollectProtocol, LeaveOnServer};
use crate::values::gateway::host_and_port;

pub(crate) struct CollectSection {
    pub(crate) account: CollectAccount,
    pub(crate) line: usize,
}

const KEYS: Keys = Keys {
    known: &[
        "name",
        "server",
        "protocol",
        "login",
        "every",
        "deliver",
        "leave-on-server",
        "enabled",
    ],
    planned: &["distribute", "schedule", "max-size", "folders"],
};

const DELIVER: Choices = Choices {
    words: &[],
    keys: &["mailbox"],
    planned: &["address", "addresses", "distribute"],
    listed: "{ mailbox = \"bob@example.test\" }",
};

impl CollectSection {
    /// The enabled accounts.
    pub(crate) fn read_all(top: &Section<'_, '_>) -> Vec<Self> {
        top.sections("collect", "[[collect]]", &KEYS)
            .iter()
            .filter_map(Self::read)
            .collect()
    }

    fn read(section: &Section<'_, '_>) -> Option<Self> {
        section.missing("name", "\"isp mailbox\"");
        section.missing("server", "\"pop.isp.test\"");
        section.missing("protocol", "\"pop3s\"");
        section.missing("login", "{ user = \"office\", secret = \"isp-pop\" }");
        section.missing("deliver", "{ mailbox = \"bob@example.test\" }");
        let name = section.text("name");
        let server = section.parsed("server", host_and_port);
        let protocol = section.parsed("protocol", protocol);
        let login = read_login(section);
        let every = section.parsed("every", positive);
        let leave = section.parsed("leave-on-server", leave_on_server);
        let deliver_to = read_deliver(section);
        let enabled = section.boolean("enabled").unwrap_or(true);
        let ((server, port), protocol) = (server?, protocol?);
        let account = CollectAccount {
            name: name?.into(),
            server,
            port: port.unwrap_or(match protocol {
                CollectProtocol::Pop3 | CollectProtocol::Pop3Stls => 110,
                CollectProtocol::Pop3s => 995,
            }),
            protocol,
            login: login?,
            every: every.unwrap_or(Duration::from_secs(300)),
            deliver_to: deliver_to?,
            leave_on_server: leave.unwrap_or(LeaveOnServer::Never),
        };
        enabled.then(|| Self {
            account,
            line: section.line(),
        })
    }
}

fn read_deliver(section: &Section<'_, '_>) -> Option<EmailAddress> {
    let Choice::Keyed(_, name) = section.choice("deliver", &DELIVER)? else {
        return None;
    };
    match MailboxName(name.to_owned()).user(None) {
        Ok(user) => Some(user),
        Err(reason) => {
            section.refuse("deliver", reason);
            None
        }
    }
}

fn protocol(text: &str) -> Result<CollectProtocol, &'static str> {
    match text {
        "pop3" => Ok(CollectProtocol::Pop3),
        "pop3s" => Ok(CollectProtocol::Pop3s),
        "pop3-stls" => Ok(CollectProtocol::Pop3Stls),
        "imap" | "imaps" => Err("collecting by IMAP is not supported yet"),
        _ => Err("it can be \"pop3\", \"pop3s\" or \"pop3-stls\""),
    }
}

fn leave_on_server(text: &str) -> Result<LeaveOnServer, &'static str> {
    match text {
        "never" => Ok(LeaveOnServer::Never),
        "for ever" | "forever" => Ok(LeaveOnServer::ForEver),
        text => positive(text)
            .map(LeaveOnServer::For)
            .map_err(|_| "it can be \"never\", a time such as \"14 days\", or \"for ever\""),
    }
}
