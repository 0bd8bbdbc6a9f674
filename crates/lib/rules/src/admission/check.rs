//! A check, and a stage of checks.

use crate::values::policy::Policy;
use crate::values::rate::Counted;
use crate::values::receiving::ReceivingRules;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// A stage of a session: its checks, and the facts that they use.
pub trait Stage<'a>: Sized + 'a {
    /// The questions of its checks.
    type Question: 'a;
    /// Its checks, in order.
    const CHECKS: &'a [Check<Self, Self::Question>];

    /// The policy that applies.
    fn policy(&self) -> &'a Policy;

    /// The trust of the session.
    fn trust(&self) -> &'a Trust;

    /// The receiving rules that apply.
    fn rules(&self) -> &'a ReceivingRules {
        self.policy().receiving(self.trust().trusted)
    }
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// The answer is known.
    Is(T),
    /// The answer is not known: the check that asked passes.
    Unknown,
}

impl<T> Answer<T> {
    /// The answer, if it is known.
    pub(crate) fn known(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unknown => None,
        }
    }
}

impl<T> From<T> for Answer<T> {
    fn from(value: T) -> Self {
        Self::Is(value)
    }
}

/// One receiving rule as a check.
pub struct Check<S, Q> {
    pub(crate) rule: Rule,
    /// The reason why the check does not apply, if so.
    pub(crate) idle: fn(&S) -> Option<&'static str>,
    /// The missing fact, if any.
    pub(super) question: fn(&S) -> Option<Q>,
    pub(super) judge: fn(&S) -> Result<(), Verdict>,
    /// Its refusals are temporary while the session's trust is not known.
    pub(super) hinges_on_trust: bool,
}

/// The source of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A setting of `[receiving.…]`.
    Setting(&'static str),
    /// A part of such a setting, with the text shown beside its key.
    Part(&'static str, &'static str),
    /// The `rates` that count this.
    Rates(Counted),
    /// A rule that no policy changes.
    Everybody(&'static str),
    /// The rest of the policy for a recipient.
    Recipient,
}

impl<S, Q> Check<S, Q> {
    pub(super) const fn new(rule: Rule, judge: fn(&S) -> Result<(), Verdict>) -> Self {
        Self {
            rule,
            idle: |_| None,
            question: |_| None,
            judge,
            hinges_on_trust: false,
        }
    }

    pub(super) const fn idle(mut self, idle: fn(&S) -> Option<&'static str>) -> Self {
        self.idle = idle;
        self
    }

    pub(super) const fn asks(mut self, question: fn(&S) -> Option<Q>) -> Self {
        self.question = question;
        self
    }

    pub(super) const fn hinging_on_trust(mut self) -> Self {
        self.hinges_on_trust = true;
        self
    }
}

/// The reason for an inapplicable check, if `known` is false.
pub(super) fn unless(known: bool, why: &'static str) -> Option<&'static str> {
    (!known).then_some(why)
}
