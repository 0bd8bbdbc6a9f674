//! Explanations: a session that has not happened, played by the rules that the SMTP server asks.

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

/// A session that has not happened, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Address of the client.
    pub peer: IpAddr,
    /// Address that it connects to; none: the one by which this host is reached from the client.
    pub local: Option<IpAddr>,
    /// MAIL FROM, as the client writes it; empty for the null sender.
    pub sender: String,
    /// Octets that MAIL declares.
    pub size: Option<u64>,
    /// How long MAIL asks for the message to be held.
    pub hold: Option<Duration>,
    /// In what time MAIL asks for it to be delivered or returned.
    pub deliver_by: Option<Duration>,
    /// Priority that MAIL asks for, -9 to 9.
    pub priority: Option<i8>,
    /// RCPT TO, as the client writes it.
    pub recipients: Vec<String>,
    /// Name of the listener.
    pub listener: String,
    /// Class of the listener; none: what the configuration says of a listener of that name.
    pub class: Option<ListenerClass>,
    /// For whom the listener is; none: what the configuration says of a listener of that name.
    pub role: Option<ListenerRole>,
    /// Interface that has the local address; none: this host's.
    pub interface: Option<Interface>,
    /// Proxy that told the client's address; the same address if it told none.
    pub proxy: Option<IpAddr>,
    /// Names of the client in the DNS that lead back to its address; `failed` alone when the DNS does
    /// not answer.
    pub reverse_names: Vec<String>,
    /// Default gateways of the host; empty: this host's.
    pub gateways: Vec<IpAddr>,
    /// Name given in EHLO.
    pub helo: Option<String>,
    /// Login proved by AUTH.
    pub login: Option<String>,
    /// The session is under TLS.
    pub tls: bool,
    /// What is known besides.
    pub circumstances: Vec<Circumstance>,
    /// The DNS is asked, as the SMTP server does. What is said here counts more.
    pub ask_dns: bool,
    /// Who has a mailbox; empty: whom the running system knows.
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

/// Something that is known of the world around a session, by the name that policy scripts give it,
/// such as `spf` and `fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstance {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Session {
    /// A session of which nothing is known but the client's address.
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
            circumstances: Vec::new(),
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

/// What would come of a session.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The policy that was asked.
    pub policy: String,
    /// The message would be accepted for every recipient.
    pub accepted: bool,
    /// Fact by fact and rule by rule.
    #[serde(flatten)]
    pub story: Explanation,
}

/// Plays a session, with the message that would come if there is one. By a document that is not in
/// force nobody has a mailbox but whom the session names, and this host's interfaces do not count.
///
/// # Errors
/// The server would not understand the sender, what is known makes no sense, or the system cannot
/// be asked.
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

/// Who of those whom the answer depends on has a mailbox.
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
        Some(message) => api::screening::screened(rules, message.octets()),
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
            circumstances: &known.circumstances,
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

/// Puts a remark behind the value of a fact.
fn remark(story: &mut Explanation, name: &str, remark: &str) {
    let facts = story.facts.iter_mut();
    for fact in facts.filter(|fact| fact.name == name) {
        fact.value.push_str(remark);
    }
}
