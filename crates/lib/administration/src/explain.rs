//! Explanations: plays a simulated session with the SMTP server's rules.

mod dns;
mod known;
mod message;
mod place;
mod sender;

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rules::{
    BlockedAttachments, EmailAddress, Explanation, ListenerClass, ListenerRole, NetworkClass,
    ONLY_LENIENT_TAKES_IT, Play, Policy, Screened, Timing,
};
use serde::{Deserialize, Serialize};

use crate::policy::QueriedPolicy;
use crate::{Administration, Error, System, consequences};
use known::Known;
pub use message::Message;
pub use sender::{refused, with_reasons};

/// A simulated session, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Address of the client.
    pub peer: IpAddr,
    /// The local address of the connection; none: this host's address towards the client.
    pub local: Option<IpAddr>,
    /// The reverse-path of MAIL, as the client writes it; empty for the null sender.
    pub sender: String,
    /// The size declared by MAIL.
    pub size: Option<u64>,
    /// The holding time requested by MAIL.
    pub hold: Option<Duration>,
    /// The delivery time requested by MAIL.
    pub deliver_by: Option<Duration>,
    /// The priority requested by MAIL, -9 to 9.
    pub priority: Option<i8>,
    /// The forward-paths of RCPT, as the client writes them.
    pub recipients: Vec<String>,
    /// Name of the listener.
    pub listener: String,
    /// Class of the listener; none: that of the configured listener of this name.
    pub class: Option<ListenerClass>,
    /// Role of the listener; none: that of the configured listener of this name.
    pub role: Option<ListenerRole>,
    /// Interface with the local address; none: this host's.
    pub interface: Option<Interface>,
    /// The proxy that gave the client's address; equal to that address if it gave none.
    pub proxy: Option<IpAddr>,
    /// The client's reverse DNS names that resolve to its address; only `failed` if the DNS does not
    /// answer.
    pub reverse_names: Vec<String>,
    /// Default gateways; empty: this host's.
    pub gateways: Vec<IpAddr>,
    /// Name given in EHLO.
    pub helo: Option<String>,
    /// Login proved by AUTH.
    pub login: Option<String>,
    /// The session is under TLS.
    pub tls: bool,
    /// Further assumptions.
    pub assumptions: Vec<Assumption>,
    /// Query the DNS, as the SMTP server does. Given assumptions have precedence.
    pub ask_dns: bool,
    /// The users with a mailbox; empty: those of the running system.
    pub users: Vec<EmailAddress>,
}

/// An interface of the host, and its class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: NetworkClass,
}

/// An assumption about the world around a session, by its name in policy scripts, such as `spf` and `fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumption {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Session {
    /// A session of which only the client's address is known.
    pub fn new(peer: IpAddr) -> Self {
        Self {
            peer,
            local: None,
            sender: String::new(),
            size: None,
            hold: None,
            deliver_by: None,
            priority: None,
            recipients: Vec::new(),
            listener: String::new(),
            class: None,
            role: None,
            interface: None,
            proxy: None,
            reverse_names: Vec::new(),
            gateways: Vec::new(),
            helo: None,
            login: None,
            tls: false,
            assumptions: Vec::new(),
            ask_dns: false,
            users: Vec::new(),
        }
    }

    fn timing(&self) -> Timing {
        let milliseconds = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        Timing {
            hold: self.hold.map(milliseconds),
            deliver_by: self.deliver_by.map(milliseconds),
            or_return: self.deliver_by.is_some(),
            priority: self.priority,
        }
    }
}

/// The predicted result of a session.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The policy used.
    pub policy: String,
    /// The message would be accepted for every recipient.
    pub accepted: bool,
    /// Fact by fact and rule by rule.
    #[serde(flatten)]
    pub story: Explanation,
}

/// Plays a session, with a message if there is one. For a document that is not in force, only the users
/// named in the session have mailboxes, and this host's interfaces are ignored.
///
/// # Errors
/// If the sender cannot be parsed, an assumption is invalid, or the system does not answer.
pub async fn explain(
    administration: &Administration,
    queried: &QueriedPolicy,
    session: &Session,
    message: Option<&Message>,
) -> Result<Explained, Error> {
    let system = administration.system();
    let users = users(session, queried, system).await?;
    let known = Known::learn(session, message, queried, system).await?;
    play(session, &known, queried, &|user| users.contains(user))
}

/// The users with a mailbox among those that the answer depends on.
async fn users(
    session: &Session,
    queried: &QueriedPolicy,
    system: &System,
) -> Result<HashSet<EmailAddress>, Error> {
    if queried.is_document || !session.users.is_empty() {
        return Ok(session.users.iter().map(EmailAddress::folded).collect());
    }
    let users = users_of(&queried.policy, &session.recipients);
    consequences::with_mailbox(system, &users).await
}

/// The users whose mailboxes the answer depends on.
fn users_of(policy: &Policy, recipients: &[String]) -> Vec<EmailAddress> {
    recipients
        .iter()
        .flat_map(|recipient| policy.users_asked_for(recipient))
        .collect()
}

fn play(
    session: &Session,
    known: &Known<'_>,
    queried: &QueriedPolicy,
    has_user: &dyn Fn(&EmailAddress) -> bool,
) -> Result<Explained, Error> {
    let sender = sender::read(&session.sender, &queried.policy, &known.facts)?;
    let message = known.message;
    let screen = |rules: &Arc<BlockedAttachments>| match message {
        Some(message) => intake::screened(rules, message.octets()),
        None => Screened::default(),
    };
    let size = message.map(|message| message.octets().len() as u64);
    let mut story = rules::explain(
        &queried.policy,
        &Play {
            facts: &known.facts,
            sender: &sender.path,
            size: session.size.or(size),
            timing: session.timing(),
            recipients: &session.recipients,
            taken: 0,
            has_user,
            assumptions: &known.assumptions,
            screen: message.is_some().then_some(&screen),
        },
    );
    for supposed in &known.supposed {
        let why = format!(" (supposed: {})", supposed.why);
        remark(&mut story, supposed.fact, &why);
    }
    if sender.leniently {
        let why = format!(" (of `{}`: {ONLY_LENIENT_TAKES_IT})", session.sender);
        remark(&mut story, "sender", &why);
    }
    Ok(Explained {
        policy: queried.name.clone(),
        accepted: story.is_accepted(),
        story,
    })
}

/// Appends a remark to the value of a fact.
fn remark(story: &mut Explanation, name: &str, remark: &str) {
    let facts = story.facts.iter_mut();
    for fact in facts.filter(|fact| fact.name == name) {
        fact.value.push_str(remark);
    }
}
