//! The RCPT stage: the checks of a recipient.

use std::time::Duration;

use crate::admission::Admission;
use crate::admission::check::{Answer, Check, Rule, Stage};
use crate::admission::connect::{Shares, some_shares, unknown_history, within};
use crate::values::address::EmailAddress;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::rate::{Counted, Greylisting, Rate};
use crate::values::route::{RecipientVerdict, Route};
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// A recipient being admitted.
#[derive(Debug)]
pub struct Rcpt<'a> {
    policy: &'a Policy,
    facts: &'a SessionFacts,
    trust: &'a Trust,
    sender: &'a ReversePath,
    /// Recipients that the message already has.
    taken: usize,
    named: Result<EmailAddress, Verdict>,
    /// The part of the answer that is still open.
    answer: Option<RecipientVerdict>,
    wait: Option<Answer<Option<Duration>>>,
    used_up: Option<Answer<Option<Rate>>>,
}

/// The questions about a recipient.
#[derive(Debug)]
pub enum Question<'a> {
    /// Whether this user exists.
    User(EmailAddress),
    /// The remaining greylisting delay of the client identified by this key.
    Greylisting(Greylisting, String),
    /// Counts one recipient under each of these rates unless one is used up. The answer is the used-up
    /// rate.
    Rates(Shares<'a>),
}

impl<'a> Admission<Rcpt<'a>> {
    /// Starts the stage for RCPT with this forward-path; the message already has `taken` recipients.
    pub fn rcpt(
        policy: &'a Policy,
        facts: &'a SessionFacts,
        trust: &'a Trust,
        sender: &'a ReversePath,
        taken: usize,
        path: &str,
    ) -> Self {
        let (named, answer) = match policy.accept_forward_path(facts, trust, sender, path) {
            Ok((address, answer)) => (Ok(address), Some(answer)),
            Err(verdict) => (Err(verdict), None),
        };
        Self::new(Rcpt {
            policy,
            facts,
            trust,
            sender,
            taken,
            named,
            answer,
            wait: None,
            used_up: None,
        })
    }

    /// Whether the user of the last question exists.
    pub fn user(&mut self, exists: bool) {
        let stage = &mut self.stage;
        stage.answer = match stage.answer.take() {
            Some(RecipientVerdict::AcceptIfUser {
                route, otherwise, ..
            }) => Some(if exists {
                RecipientVerdict::Accept { route }
            } else {
                *otherwise
            }),
            settled => settled,
        };
    }

    /// The remaining greylisting delay, if any.
    pub fn wait(&mut self, wait: Answer<Option<Duration>>) {
        self.stage.wait = Some(wait);
    }

    /// The used-up rate; none if the recipient has been counted.
    pub fn used_up(&mut self, rate: Answer<Option<Rate>>) {
        self.stage.used_up = Some(rate);
    }

    /// The address in the forward-path.
    pub fn into_address(self) -> Option<EmailAddress> {
        self.stage.named.ok()
    }
}

type Row<'a> = Check<Rcpt<'a>, Question<'a>>;

impl<'a> Stage<'a> for Rcpt<'a> {
    type Question = Question<'a>;
    const CHECKS: &'a [Check<Self, Question<'a>>] = &[
        Row::new(Rule::Setting("max-recipients"), |rcpt| {
            rcpt.policy.judge_recipients(rcpt.trust, rcpt.taken)
        }),
        Row::new(Rule::Recipient, Self::reaches).asks(Self::user),
        Row::new(Rule::Setting("greylisting"), Self::has_waited)
            .asks(|rcpt| {
                if rcpt.wait.is_some() {
                    return None;
                }
                let (terms, visit) = rcpt.visit()?;
                Some(Question::Greylisting(terms, visit))
            })
            .idle(|rcpt| unknown_history(rcpt.wait.as_ref())),
        Row::new(Rule::Rates(Counted::Recipients), |rcpt| {
            within(rcpt.used_up.as_ref(), rcpt.trust)
        })
        .asks(Self::rates)
        .idle(|rcpt| unknown_history(rcpt.used_up.as_ref())),
    ];

    fn policy(&self) -> &'a Policy {
        self.policy
    }

    fn trust(&self) -> &'a Trust {
        self.trust
    }
}

impl<'a> Rcpt<'a> {
    /// The address, or the verdict if it is not valid.
    pub(crate) fn named(&self) -> &Result<EmailAddress, Verdict> {
        &self.named
    }

    /// The route, once it is decided.
    pub(crate) fn route(&self) -> Option<&Route> {
        match &self.answer {
            Some(RecipientVerdict::Accept { route }) => Some(route),
            _ => None,
        }
    }

    fn user(&self) -> Option<Question<'a>> {
        match &self.answer {
            Some(RecipientVerdict::AcceptIfUser { user, .. }) => Some(Question::User(user.clone())),
            _ => None,
        }
    }

    fn reaches(&self) -> Result<(), Verdict> {
        match (&self.named, &self.answer) {
            (Err(verdict), _) | (_, Some(RecipientVerdict::Refuse(verdict))) => {
                Err(verdict.clone())
            }
            _ => Ok(()),
        }
    }

    fn visit(&self) -> Option<(Greylisting, String)> {
        let address = self.named.as_ref().ok()?;
        self.policy
            .greylisting(self.facts, self.trust, self.sender, address)
    }

    fn has_waited(&self) -> Result<(), Verdict> {
        let wait = self.wait.as_ref().and_then(Answer::known);
        match (self.rules().greylisting, wait) {
            (Some(terms), Some(Some(wait))) => Err(terms.refusal(*wait)),
            _ => Ok(()),
        }
    }

    fn rates(&self) -> Option<Question<'a>> {
        let shares = || {
            let (count, sender) = (Counted::Recipients, Some(self.sender));
            self.policy.shares(self.facts, self.trust, count, sender)
        };
        some_shares(self.used_up.as_ref(), shares).map(Question::Rates)
    }
}
