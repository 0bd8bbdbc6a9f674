//! Plays a script against a policy.

use super::answer::Found;
use super::{Checked, Script, Statement};
use crate::explain::assumptions::Assumptions;
use crate::explain::play::Play;
use crate::explain::session::{Explanation, explain, play_connection};
use crate::explain::trust::tell_trust;
use crate::values::address::EmailAddress;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::timing::Timing;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

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

/// The state of the play.
struct Stage<'a> {
    policy: &'a Policy,
    has_user: &'a dyn Fn(&EmailAddress) -> bool,
    facts: SessionFacts,
    assumptions: Assumptions,
    transaction: Option<Transaction>,
}

struct Transaction {
    sender: Result<ReversePath, Verdict>,
    size: Option<u64>,
    timing: Timing,
    /// The session's assumptions, including the statement's own.
    assumptions: Assumptions,
    taken: usize,
    /// The last refusal of a recipient, if none was accepted.
    without_recipients: Option<Verdict>,
}

impl<'a> Stage<'a> {
    fn new(policy: &'a Policy, has_user: &'a dyn Fn(&EmailAddress) -> bool) -> Self {
        let nowhere = std::net::Ipv4Addr::UNSPECIFIED.into();
        Self {
            policy,
            has_user,
            facts: SessionFacts::new("mx", nowhere, nowhere),
            assumptions: Assumptions::default(),
            transaction: None,
        }
    }

    /// Performs a statement; returns its verdict, if it has one.
    fn perform(&mut self, statement: &Statement) -> Option<Found> {
        match statement {
            Statement::Client {
                facts, assumptions, ..
            } => {
                self.facts = (**facts).clone();
                self.assumptions = (**assumptions).clone();
                self.transaction = None;
                return Some(self.connect());
            }
            Statement::Helo(name) => self.facts.helo = Some(name.clone()),
            Statement::Login(login) => self.facts.login = Some(login.clone()),
            Statement::Tls(tls) => self.facts.tls = *tls,
            Statement::Trust => return Some(self.tell_trust()),
            Statement::Mail {
                sender,
                size,
                timing,
                taken,
                assumptions,
            } => {
                let transaction = Transaction {
                    sender: self.written_sender(sender),
                    size: *size,
                    timing: *timing,
                    assumptions: self.assumptions.beside(assumptions),
                    taken: *taken,
                    without_recipients: None,
                };
                return Some(self.mail(transaction));
            }
            Statement::Rcpt(path, assumptions) => return self.rcpt(path, assumptions),
            Statement::Message(assumptions) => return self.message(assumptions),
        }
        None
    }

    fn written_sender(&self, text: &str) -> Result<ReversePath, Verdict> {
        let written = self.policy.written_sender(&self.facts, text);
        written.map(|written| written.path)
    }

    /// The sender, once there is one.
    fn sender(&self) -> Option<&ReversePath> {
        self.transaction.as_ref()?.sender.as_ref().ok()
    }

    fn trust(&self) -> Trust {
        match self.sender() {
            Some(sender) => self.policy.trust_of_sender(&self.facts, sender),
            None => self.policy.trust(&self.facts),
        }
    }

    fn tell_trust(&self) -> Found {
        let steps = tell_trust(self.policy, &self.facts, self.sender());
        Found::trust(self.trust(), steps)
    }

    /// The prediction for these recipients and additional assumptions.
    fn explain(
        &self,
        transaction: &Transaction,
        recipients: &[String],
        more: &Assumptions,
    ) -> Result<Explanation, Verdict> {
        let play = Play {
            facts: &self.facts,
            sender: transaction.sender.as_ref().map_err(Verdict::clone)?,
            size: transaction.size,
            timing: transaction.timing,
            recipients,
            taken: transaction.taken,
            has_user: self.has_user,
            assumptions: &transaction.assumptions.beside(more),
            screen: None,
        };
        Ok(explain(self.policy, &play))
    }

    fn connect(&self) -> Found {
        let play = Play {
            facts: &self.facts,
            sender: &ReversePath::Null,
            size: None,
            timing: Timing::default(),
            recipients: &[],
            taken: 0,
            has_user: self.has_user,
            assumptions: &self.assumptions,
            screen: None,
        };
        let (steps, verdict) = play_connection(self.policy, &play);
        Found::verdict(verdict, self.trust().trusted, None, steps)
    }

    fn mail(&mut self, transaction: Transaction) -> Found {
        let story = self.explain(&transaction, &[], &Assumptions::default());
        let (verdict, steps) = match story {
            Ok(story) => (story.sender, story.steps),
            Err(verdict) => (verdict, Vec::new()),
        };
        self.transaction = Some(transaction);
        Found::verdict(verdict, self.trust().trusted, None, steps)
    }

    fn rcpt(&mut self, path: &str, more: &Assumptions) -> Option<Found> {
        let story = self.explain(self.transaction.as_ref()?, &[path.to_owned()], more);
        let transaction = self.transaction.as_mut()?;
        let story = match story {
            Ok(story) => story,
            Err(verdict) => return Some(Found::verdict(verdict, false, None, Vec::new())),
        };
        let mut recipient = story.recipients.into_iter().next()?;
        if recipient.steps.is_empty() {
            // Refused together with the sender.
            recipient.steps = story.steps;
        }
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
            recipient.steps,
        ))
    }

    /// The end of the transaction.
    fn message(&mut self, more: &Assumptions) -> Option<Found> {
        let trusted = self.trust().trusted;
        let transaction = self.transaction.take()?;
        let refused = |verdict| Some(Found::verdict(verdict, trusted, None, Vec::new()));
        let story = match self.explain(&transaction, &[], more) {
            Ok(story) => story,
            Err(verdict) => return refused(verdict),
        };
        match (transaction.without_recipients, story.end) {
            (Some(verdict), _) if story.sender.is_accepted() => refused(verdict),
            (_, Some(end)) => Some(Found::message(end, trusted, story.message)),
            (_, None) => refused(story.sender),
        }
    }
}
