//! A script against a policy.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use super::{Checked, Script, Statement};
use crate::address::EmailAddress;
use crate::authentication::{AuthenticationFacts, AuthenticationVerdict};
use crate::explain::{Play, explain};
use crate::facts::SessionFacts;
use crate::path::ReversePath;
use crate::policy::Policy;
use crate::trust::{Trust, class};
use crate::verdict::Verdict;

/// What a script expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// The name of a verdict; of a trust decision, or its class.
    pub verdict: String,
    /// The reply code, where it matters.
    pub code: Option<u16>,
    /// The route, where it matters.
    pub route: Option<String>,
}

/// What a policy does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The name of the verdict, or of the trust decision.
    pub verdict: &'static str,
    /// The reply code; trust has none.
    pub code: Option<u16>,
    /// The route of a recipient that is accepted.
    pub route: Option<String>,
    /// Whether the session is trusted.
    pub trusted: bool,
    /// Why.
    pub reasons: Vec<Cow<'static, str>>,
}

impl Found {
    fn trust(trust: Trust) -> Self {
        Self {
            verdict: trust.name,
            code: None,
            route: None,
            trusted: trust.trusted,
            reasons: trust.reasons,
        }
    }

    /// What becomes of a message that has come; what is only marked is accepted.
    fn message(decided: AuthenticationVerdict, trusted: bool) -> Self {
        let AuthenticationVerdict {
            verdict,
            junk,
            quarantine,
            ..
        } = decided;
        let mut found = Self::verdict(verdict, trusted, None);
        if found.verdict == "accepted" && !quarantine.is_empty() {
            found.verdict = "quarantine";
            found.reasons = quarantine
                .iter()
                .map(|charge| charge.to_string().into())
                .collect();
        } else if found.verdict == "accepted" && junk {
            found.verdict = "junk";
        }
        found
    }

    fn verdict(verdict: Verdict, trusted: bool, route: Option<String>) -> Self {
        Self {
            verdict: verdict.name,
            code: Some(verdict.code),
            route,
            trusted,
            reasons: verdict.reasons,
        }
    }
}

impl Expected {
    fn is_met_by(&self, found: &Found) -> bool {
        let named = self.verdict == found.verdict
            || (found.code.is_none() && self.verdict == class(found.trusted));
        named
            && (self.code.is_none() || self.code == found.code)
            && (self.route.is_none() || self.route == found.route)
    }
}

/// `relay-denied 550`, `accepted 250 (mailbox bob@example.test)`
fn write_answer(
    f: &mut fmt::Formatter<'_>,
    verdict: &str,
    code: Option<u16>,
    route: Option<&str>,
) -> fmt::Result {
    f.write_str(verdict)?;
    if let Some(code) = code {
        write!(f, " {code}")?;
    }
    match route {
        Some(route) => write!(f, " ({route})"),
        None => Ok(()),
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_answer(f, &self.verdict, self.code, self.route.as_deref())
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_answer(f, self.verdict, self.code, self.route.as_deref())
    }
}

/// Plays a script from its first line to its last.
pub(super) fn play(
    script: &Script,
    policy: &Policy,
    has_user: &dyn Fn(&EmailAddress) -> bool,
) -> Vec<Checked> {
    let mut stage = Stage::new(policy, has_user);
    let mut checked = Vec::new();
    for line in &script.lines {
        let found = stage.perform(&line.statement);
        if let (Some(expected), Some(found)) = (&line.expected, found) {
            checked.push(Checked {
                line: line.number,
                statement: line.text.clone(),
                met: expected.is_met_by(&found),
                expected: expected.clone(),
                found,
            });
        }
    }
    checked
}

/// Where the play stands.
struct Stage<'a> {
    policy: &'a Policy,
    has_user: &'a dyn Fn(&EmailAddress) -> bool,
    facts: SessionFacts,
    transaction: Option<Transaction>,
}

struct Transaction {
    sender: Result<ReversePath, Verdict>,
    size: Option<u64>,
    taken: usize,
}

impl<'a> Stage<'a> {
    fn new(policy: &'a Policy, has_user: &'a dyn Fn(&EmailAddress) -> bool) -> Self {
        let nowhere = std::net::Ipv4Addr::UNSPECIFIED.into();
        Self {
            policy,
            has_user,
            facts: SessionFacts::new("mx", nowhere, nowhere),
            transaction: None,
        }
    }

    /// Performs a statement; what has a verdict gives it.
    fn perform(&mut self, statement: &Statement) -> Option<Found> {
        match statement {
            Statement::Client(facts) => {
                self.facts = facts.clone();
                self.transaction = None;
            }
            Statement::Helo(name) => self.facts.helo = Some(name.clone()),
            Statement::Login(login) => self.facts.login = Some(login.clone()),
            Statement::Tls(tls) => self.facts.tls = *tls,
            Statement::Trust => return Some(Found::trust(self.trust())),
            Statement::Mail {
                sender,
                size,
                taken,
            } => return Some(self.mail(sender, *size, *taken)),
            Statement::Rcpt(path) => return self.rcpt(path),
            Statement::Message(facts) => return self.message(facts),
        }
        None
    }

    fn trust(&self) -> Trust {
        match &self.transaction {
            Some(Transaction {
                sender: Ok(sender), ..
            }) => self.policy.trust_of_sender(&self.facts, sender),
            _ => self.policy.trust(&self.facts),
        }
    }

    fn mail(&mut self, sender: &str, size: Option<u64>, taken: usize) -> Found {
        let sender = self.policy.reverse_path(sender);
        self.transaction = Some(Transaction {
            sender: sender.clone(),
            size,
            taken,
        });
        let trust = self.trust();
        let verdict = self.sender_verdict(&trust, &sender, size);
        Found::verdict(verdict, trust.trusted, None)
    }

    fn sender_verdict(
        &self,
        trust: &Trust,
        sender: &Result<ReversePath, Verdict>,
        size: Option<u64>,
    ) -> Verdict {
        match sender {
            Ok(sender) => self.policy.accept_sender(&self.facts, trust, sender, size),
            Err(verdict) => verdict.clone(),
        }
    }

    fn rcpt(&mut self, path: &str) -> Option<Found> {
        let transaction = self.transaction.as_mut()?;
        let sender = match &transaction.sender {
            Ok(sender) => sender,
            Err(verdict) => return Some(Found::verdict(verdict.clone(), false, None)),
        };
        let story = explain(
            self.policy,
            &Play {
                facts: &self.facts,
                sender,
                size: transaction.size,
                recipients: &[path.to_owned()],
                taken: transaction.taken,
                has_user: self.has_user,
            },
        );
        let trusted = story.trust.trusted;
        let recipient = story.recipients.into_iter().next()?;
        transaction.taken += usize::from(recipient.verdict.is_accepted());
        Some(Found::verdict(recipient.verdict, trusted, recipient.route))
    }

    /// The end of the transaction.
    fn message(&mut self, facts: &AuthenticationFacts) -> Option<Found> {
        let trust = self.trust();
        let Transaction { sender, size, .. } = self.transaction.take()?;
        let verdict = self.sender_verdict(&trust, &sender, size);
        if !verdict.is_accepted() {
            return Some(Found::verdict(verdict, trust.trusted, None));
        }
        let decided = self.policy.accept_authentication(&trust, facts);
        Some(Found::message(decided, trust.trusted))
    }
}
