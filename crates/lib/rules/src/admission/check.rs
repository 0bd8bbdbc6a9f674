//! A check, and a stage that has some.

use crate::values::policy::Policy;
use crate::values::rate::Counted;
use crate::values::receiving::ReceivingRules;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// A stage of a session: its checks, and what they look at.
pub trait Stage<'a>: Sized + 'a {
    /// What its checks may have to know.
    type Question: 'a;
    /// Its checks, in order.
    const CHECKS: &'a [Check<Self, Self::Question>];

    /// The policy that it is held to.
    fn policy(&self) -> &'a Policy;

    /// How the session is trusted.
    fn trust(&self) -> &'a Trust;

    /// The rules that it is held to.
    fn rules(&self) -> &'a ReceivingRules {
        self.policy().receiving(self.trust().trusted)
    }
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// This.
    Is(T),
    /// Nobody knows: the check that asked is passed.
    Unknown,
}

impl<T> Answer<T> {
    /// What it is, if that is known.
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

/// One rule that sessions are held to.
pub struct Check<S, Q> {
    pub(crate) rule: Rule,
    /// Why there is nothing for it to look at.
    pub(crate) idle: fn(&S) -> Option<&'static str>,
    /// What it must know and does not.
    pub(super) question: fn(&S) -> Option<Q>,
    pub(super) judge: fn(&S) -> Result<(), Verdict>,
    /// Its refusals are for now while the session's trust is not known.
    pub(super) hinges_on_trust: bool,
}

/// What a check goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A setting of `[receiving.…]`.
    Setting(&'static str),
    /// Such a setting, for what is told beside its key.
    Part(&'static str, &'static str),
    /// Those of `rates` that count this.
    Rates(Counted),
    /// What holds for everybody: no policy changes it.
    Everybody(&'static str),
    /// What the rest of the policy says of a recipient.
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

/// Why a check has nothing to look at, unless it has.
pub(super) fn unless(known: bool, why: &'static str) -> Option<&'static str> {
    (!known).then_some(why)
}
