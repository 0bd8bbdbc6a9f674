//! The servers tried in one attempt, with the result of each.
//!
//! A recipient that one server refuses temporarily goes to the next (RFC 5321 §5.1), within the same attempt.
//! The attempt has failed when no server is left. The cause is the failure that got furthest; the others are
//! listed with it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use smtp_protocol::client::Stage;

use super::hops::{AddressIndex, Plan};
use crate::fate::Failure;

/// Status of a server without TLS, or without an authenticated one.
pub(super) const NO_TLS: &str = "4.7.5";
/// RFC 8689 §5.
const NOT_SECURE: &str = "5.7.30";
/// Status of a lost connection.
pub(super) const LOST: &str = "4.4.2";
/// Characters kept of each failure other than the cause, and of all of them.
const OTHER: usize = 200;
const OTHERS: usize = 1_500;

/// How far a session with a server got. The further, the more its failure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    Connection,
    Greeting,
    Hello,
    Tls,
    Login,
    /// A session is open, and no command of a transaction was sent.
    Session,
    Mail,
    Recipient,
    Data,
    Content,
}

impl Progress {
    /// The progress of a server at this stage.
    pub(super) fn at(stage: Stage) -> Self {
        match stage {
            Stage::Greeting => Self::Greeting,
            Stage::Hello => Self::Hello,
            Stage::StartTls => Self::Tls,
            Stage::Login => Self::Login,
            Stage::Preflight => Self::Session,
            Stage::Mail => Self::Mail,
            Stage::Recipient => Self::Recipient,
            Stage::Data => Self::Data,
            Stage::Content => Self::Content,
        }
    }
}

/// The result of an attempt with one server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    pub(super) progress: Progress,
    pub(super) failure: Failure,
}

impl Tried {
    /// Whether the server was unusable, whatever the message: no session, or the session was lost or closed
    /// (421, RFC 5321 §3.8).
    fn is_of_the_server(&self) -> bool {
        let Failure { status, reply, .. } = &self.failure;
        let lost = status == LOST && reply.is_empty();
        self.progress < Progress::Session || lost || reply.starts_with("421")
    }

    /// Whether the server has replied, and would reply to other messages.
    pub(super) fn is_answer(&self) -> bool {
        self.progress > Progress::Session && !self.is_of_the_server()
    }
}

/// The servers tried, with their results by recipient.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    plan: Option<Arc<Plan>>,
    asked: Vec<AddressIndex>,
    /// Servers with which no session could be opened.
    unopened: Vec<Tried>,
    /// Replies, by recipient.
    answered: HashMap<i64, Vec<Tried>>,
}

impl Trail {
    /// Whether no server has been tried yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.asked.is_empty()
    }

    /// Whether no server has replied to it.
    pub(super) fn is_unanswered(&self) -> bool {
        self.answered.is_empty()
    }

    pub(super) fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }

    /// Sets the plan by which the destination is reached.
    pub(super) fn follow(&mut self, plan: &Arc<Plan>) {
        self.plan.get_or_insert_with(|| Arc::clone(plan));
    }

    /// Whether this server is still to be tried.
    pub(super) fn is_left(&self, place: AddressIndex) -> bool {
        !self.asked.contains(&place)
    }

    /// Whether servers are left to be tried.
    pub(super) fn has_more(&self) -> bool {
        let plan = self.plan.iter();
        let mut places = plan.flat_map(|plan| plan.addresses().map(|(place, ..)| place));
        places.any(|place| self.is_left(place))
    }

    /// A session with this server is open.
    pub(super) fn opened(&mut self, place: AddressIndex) {
        if self.is_left(place) {
            self.asked.push(place);
        }
    }

    /// No session could be opened with these.
    pub(super) fn unopened(&mut self, tried: Vec<(AddressIndex, Tried)>) {
        for (place, tried) in tried {
            self.opened(place);
            self.unopened.push(tried);
        }
    }

    /// A server has refused this recipient.
    pub(super) fn answered(&mut self, recipient_id: i64, tried: Tried) {
        self.answered.entry(recipient_id).or_default().push(tried);
    }

    /// Whether no server is left and all were unusable, whatever the message.
    pub(super) fn is_dead(&self) -> bool {
        let answered = self.answered.values().flatten();
        let mut tried = self.unopened.iter().chain(answered);
        !self.has_more() && tried.all(Tried::is_of_the_server)
    }

    /// Whether this recipient may go to the next server. A server whose connection was lost after the content
    /// may have accepted it. One more server is tried, not all, so that there are at most two copies.
    pub(super) fn may_go_on(&self, recipient_id: i64) -> bool {
        let tried = self.answered.get(&recipient_id).into_iter().flatten();
        let unanswered = tried
            .filter(|tried| tried.progress == Progress::Content && tried.failure.status == LOST);
        unanswered.count() <= 1
    }

    /// Why no server has accepted this recipient; with `None`, why there was no session at all.
    pub(super) fn conclude(&self, recipient_id: Option<i64>) -> Failure {
        let answered = recipient_id.and_then(|id| self.answered.get(&id));
        let servers: Vec<&Tried> = self
            .unopened
            .iter()
            .chain(answered.into_iter().flatten())
            .collect();
        let plan = self.plan.as_deref();
        let unresolved = plan.map_or(&[][..], |plan| &plan.unresolved);
        let all_asked = !self.has_more() && unresolved.iter().all(|failure| failure.permanent);
        let Some(cause) = cause(&servers) else {
            let mut nowhere = unresolved.iter().filter(|failure| !failure.permanent);
            let none = || Failure::temporary("4.4.4", "There is no server to connect to.");
            return nowhere.next().cloned().unwrap_or_else(none);
        };
        let lookups = unresolved.iter().map(|failure| &*failure.reason);
        let others = servers
            .iter()
            .filter(|tried| **tried != cause)
            .map(|tried| &*tried.failure.reason);
        let failure = Failure {
            reason: with_others(&cause.failure.reason, others.chain(lookups)),
            ..cause.failure.clone()
        };
        if plan.is_some_and(|plan| plan.secured)
            && all_asked
            && servers.iter().all(|tried| is_insecure(&tried.failure))
        {
            return not_secure(failure);
        }
        if failure.permanent && !all_asked {
            return Failure {
                permanent: false,
                status: "4.4.4".into(),
                ..failure
            };
        }
        failure
    }
}

/// The failure that got furthest, the first of several; temporary failures before permanent ones.
fn cause<'a>(servers: &[&'a Tried]) -> Option<&'a Tried> {
    let furthest = |permanent| {
        let alike = servers
            .iter()
            .filter(move |tried| tried.failure.permanent == permanent);
        // `max_by_key` returns the last of equals.
        alike.rev().max_by_key(|tried| tried.progress).copied()
    };
    furthest(false).or_else(|| furthest(true))
}

/// Whether a server has no TLS, or no authenticated one.
pub(super) fn is_insecure(failure: &Failure) -> bool {
    let status = &*failure.status;
    status == NO_TLS || status == NOT_SECURE
}

/// RFC 8689 §4.2.1: no server is left to which the message may go.
fn not_secure(failure: Failure) -> Failure {
    if failure.permanent {
        return failure;
    }
    Failure {
        permanent: true,
        status: NOT_SECURE.into(),
        reason: format!("The message requires TLS (REQUIRETLS). {}", failure.reason),
        ..failure
    }
}

/// The cause, followed by a summary of the other failures.
fn with_others<'a>(cause: &'a str, others: impl Iterator<Item = &'a str>) -> String {
    let mut told = vec![cause];
    let mut text = String::new();
    for other in others {
        if told.contains(&other) || text.len() > OTHERS {
            continue;
        }
        told.push(other);
        let separator = if text.is_empty() { "" } else { "; " };
        text.push_str(separator);
        text.extend(other.trim_end_matches('.').chars().take(OTHER));
    }
    if text.is_empty() {
        return cause.to_owned();
    }
    format!("{}. Also tried: {text}.", cause.trim_end_matches('.'))
}
