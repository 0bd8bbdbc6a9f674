//! The connection stage: whether the client is greeted.

use crate::admission::Admission;
use crate::admission::check::{Answer, Check, Rule, Stage, unless};
use crate::values::facts::SessionFacts;
use crate::values::policy::Policy;
use crate::values::rate::{Counted, Rate};
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// Why a rate or greylisting is not evaluated.
pub(super) const HISTORY: &str = "it depends on earlier traffic";

/// Rates that apply to a session, each with its subject.
pub type Shares<'a> = Vec<(&'a Rate, String)>;

/// A client that has connected.
#[derive(Debug)]
pub struct Connect<'a> {
    policy: &'a Policy,
    facts: &'a SessionFacts,
    trust: &'a Trust,
    used_up: Option<Answer<Option<Rate>>>,
}

/// The questions about a new connection.
#[derive(Debug)]
pub enum Question<'a> {
    /// Counts one connection under each of these rates unless one is used up. The answer is the used-up
    /// rate.
    Rates(Shares<'a>),
}

impl<'a> Admission<Connect<'a>> {
    /// Starts the stage for a new connection.
    pub fn connect(policy: &'a Policy, facts: &'a SessionFacts, trust: &'a Trust) -> Self {
        Self::new(Connect {
            policy,
            facts,
            trust,
            used_up: None,
        })
    }

    /// The used-up rate; none if the connection has been counted.
    pub fn used_up(&mut self, rate: Answer<Option<Rate>>) {
        self.stage.used_up = Some(rate);
    }
}

type Row<'a> = Check<Connect<'a>, Question<'a>>;

impl<'a> Stage<'a> for Connect<'a> {
    type Question = Question<'a>;
    const CHECKS: &'a [Check<Self, Question<'a>>] =
        &[Row::new(Rule::Rates(Counted::Connections), |connect| {
            within(connect.used_up.as_ref(), connect.trust)
        })
        .asks(Self::rates)
        .idle(|connect| unknown_history(connect.used_up.as_ref()))];

    fn policy(&self) -> &'a Policy {
        self.policy
    }

    fn trust(&self) -> &'a Trust {
        self.trust
    }
}

impl<'a> Connect<'a> {
    fn rates(&self) -> Option<Question<'a>> {
        let shares = || {
            self.policy
                .shares(self.facts, self.trust, Counted::Connections, None)
        };
        some_shares(self.used_up.as_ref(), shares).map(Question::Rates)
    }
}

/// The rates to ask about, if any.
pub(super) fn some_shares<'a>(
    used_up: Option<&Answer<Option<Rate>>>,
    shares: impl FnOnce() -> Shares<'a>,
) -> Option<Shares<'a>> {
    if used_up.is_some() {
        return None;
    }
    Some(shares()).filter(|shares| !shares.is_empty())
}

/// Passes unless a rate is used up.
pub(super) fn within(used_up: Option<&Answer<Option<Rate>>>, trust: &Trust) -> Result<(), Verdict> {
    match used_up.and_then(Answer::known) {
        Some(Some(rate)) => Err(rate.refusal(trust)),
        Some(None) | None => Ok(()),
    }
}

pub(super) fn unknown_history<T>(answer: Option<&Answer<T>>) -> Option<&'static str> {
    unless(!matches!(answer, Some(Answer::Unknown)), HISTORY)
}
