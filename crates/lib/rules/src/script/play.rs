//! A script against a policy.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use super::{Checked, Script, Statement};
use crate::address::EmailAddress;
use crate::circumstances::Circumstances;
use crate::explain::{Explanation, MessageEnd, Play, explain};
use crate::facts::SessionFacts;
use crate::path::ReversePath;
use crate::policy::Policy;
use crate::timing::Timing;
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
    /// What becomes of a message besides, where it matters: `marked NAME`, `unmarked`, `whole`,
    /// `stripped`.
    pub becomes: Vec<String>,
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
    /// What becomes of a message that is taken: what is marked, and whether it stays whole.
    pub becomes: Vec<String>,
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
            becomes: Vec::new(),
            trusted: trust.trusted,
            reasons: trust.reasons,
        }
    }

    /// What becomes of a message that has come; what is only marked is accepted.
    fn message(end: MessageEnd, trusted: bool) -> Self {
        let becomes = end.becomes();
        let MessageEnd {
            verdict,
            junk,
            quarantine,
            ..
        } = end;
        let mut found = Self::verdict(verdict, trusted, None);
        found.becomes = becomes;
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
            becomes: Vec::new(),
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
            && self.becomes.iter().all(|word| found.becomes.contains(word))
    }
}

/// `relay-denied 550`, `accepted 250 (mailbox bob@example.test)`
fn write_answer(
    f: &mut fmt::Formatter<'_>,
    verdict: &str,
    code: Option<u16>,
    route: Option<&str>,
    becomes: &[String],
) -> fmt::Result {
    f.write_str(verdict)?;
    if let Some(code) = code {
        write!(f, " {code}")?;
    }
    match route {
        Some(route) => write!(f, " ({route})"),
        None if becomes.is_empty() => Ok(()),
        None => write!(f, " ({})", becomes.join(", ")),
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_answer(
            f,
            &self.verdict,
            self.code,
            self.route.as_deref(),
            &self.becomes,
        )
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_answer(
            f,
            self.verdict,
            self.code,
            self.route.as_deref(),
            &self.becomes,
        )
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
    circumstances: Circumstances,
    transaction: Option<Transaction>,
}

struct Transaction {
    sender: Result<ReversePath, Verdict>,
    size: Option<u64>,
    timing: Timing,
    /// Those of the session, and its own.
    circumstances: Circumstances,
    taken: usize,
    /// Why the recipient was refused that was refused last, if none was accepted.
    without_recipients: Option<Verdict>,
}

impl<'a> Stage<'a> {
    fn new(policy: &'a Policy, has_user: &'a dyn Fn(&EmailAddress) -> bool) -> Self {
        let nowhere = std::net::Ipv4Addr::UNSPECIFIED.into();
        Self {
            policy,
            has_user,
            facts: SessionFacts::new("mx", nowhere, nowhere),
            circumstances: Circumstances::default(),
            transaction: None,
        }
    }

    /// Performs a statement; what has a verdict gives it.
    fn perform(&mut self, statement: &Statement) -> Option<Found> {
        match statement {
            Statement::Client(facts, circumstances) => {
                self.facts = (**facts).clone();
                self.circumstances = (**circumstances).clone();
                self.transaction = None;
                return Some(self.connect());
            }
            Statement::Helo(name) => self.facts.helo = Some(name.clone()),
            Statement::Login(login) => self.facts.login = Some(login.clone()),
            Statement::Tls(tls) => self.facts.tls = *tls,
            Statement::Trust => return Some(Found::trust(self.trust())),
            Statement::Mail {
                sender,
                size,
                timing,
                taken,
                circumstances,
            } => {
                let transaction = Transaction {
                    sender: self.policy.reverse_path(sender),
                    size: *size,
                    timing: *timing,
                    circumstances: self.circumstances.beside(circumstances),
                    taken: *taken,
                    without_recipients: None,
                };
                return Some(self.mail(transaction));
            }
            Statement::Rcpt(path, circumstances) => return self.rcpt(path, circumstances),
            Statement::Message(circumstances) => return self.message(circumstances),
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

    /// What would come of it with these recipients, and with these circumstances besides.
    fn explain(
        &self,
        transaction: &Transaction,
        recipients: &[String],
        more: &Circumstances,
    ) -> Result<Explanation, Verdict> {
        let play = Play {
            facts: &self.facts,
            sender: transaction.sender.as_ref().map_err(Verdict::clone)?,
            size: transaction.size,
            timing: transaction.timing,
            recipients,
            taken: transaction.taken,
            has_user: self.has_user,
            circumstances: &transaction.circumstances.beside(more),
            screen: None,
        };
        Ok(explain(self.policy, &play))
    }

    fn connect(&self) -> Found {
        let nobody = Transaction {
            sender: Ok(ReversePath::Null),
            size: None,
            timing: Timing::default(),
            circumstances: self.circumstances.clone(),
            taken: 0,
            without_recipients: None,
        };
        let story = self.explain(&nobody, &[], &Circumstances::default());
        let verdict = story.map_or_else(|verdict| verdict, |story| story.connection);
        Found::verdict(verdict, self.trust().trusted, None)
    }

    fn mail(&mut self, transaction: Transaction) -> Found {
        let story = self.explain(&transaction, &[], &Circumstances::default());
        let verdict = story.map_or_else(|verdict| verdict, |story| story.sender);
        self.transaction = Some(transaction);
        Found::verdict(verdict, self.trust().trusted, None)
    }

    fn rcpt(&mut self, path: &str, more: &Circumstances) -> Option<Found> {
        let story = self.explain(self.transaction.as_ref()?, &[path.to_owned()], more);
        let transaction = self.transaction.as_mut()?;
        let story = match story {
            Ok(story) => story,
            Err(verdict) => return Some(Found::verdict(verdict, false, None)),
        };
        let recipient = story.recipients.into_iter().next()?;
        if recipient.verdict.is_accepted() {
            transaction.taken += 1;
            transaction.without_recipients = None;
        } else if transaction.taken == 0 {
            transaction.without_recipients = Some(recipient.verdict.clone());
        }
        Some(Found::verdict(
            recipient.verdict,
            story.trust.trusted,
            recipient.route,
        ))
    }

    /// The end of the transaction.
    fn message(&mut self, more: &Circumstances) -> Option<Found> {
        let trusted = self.trust().trusted;
        let transaction = self.transaction.take()?;
        let refused = |verdict| Some(Found::verdict(verdict, trusted, None));
        let story = match self.explain(&transaction, &[], more) {
            Ok(story) => story,
            Err(verdict) => return refused(verdict),
        };
        match (transaction.without_recipients, story.end) {
            (Some(verdict), _) if story.sender.is_accepted() => refused(verdict),
            (_, Some(end)) => Some(Found::message(end, trusted)),
            (_, None) => refused(story.sender),
        }
    }
}
