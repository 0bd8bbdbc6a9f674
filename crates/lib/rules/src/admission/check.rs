//! A check, and a stage that has some.

use crate::values::policy::Policy;
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
    /// As the policy writes it; of rates, which.
    pub(crate) key: &'static str,
    /// Whose it is.
    pub(crate) of: Of,
    /// How it is set; `None` when it is off.
    pub(crate) set: fn(&ReceivingRules) -> Option<String>,
    /// Why there is nothing for it to look at.
    pub(crate) idle: fn(&S) -> Option<&'static str>,
    /// What it must know and does not.
    pub(super) question: fn(&S) -> Option<Q>,
    pub(super) judge: fn(&S) -> Result<(), Verdict>,
    /// Its refusals are for now while the session's trust is not known.
    pub(super) hinges_on_trust: bool,
}

/// Whose a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Each class has its own.
    Class,
    /// It stands in `[receiving.trusted]` alone, for whoever has logged in or is trusted.
    Trusted,
    /// Everybody's: no policy changes it.
    Everybody,
    /// It is no receiving rule: what the rest of the policy says of a recipient.
    Recipient,
}

impl<S, Q> Check<S, Q> {
    /// A rule that each class has.
    pub(super) const fn new(
        key: &'static str,
        set: fn(&ReceivingRules) -> Option<String>,
        judge: fn(&S) -> Result<(), Verdict>,
    ) -> Self {
        Self {
            key,
            of: Of::Class,
            set,
            idle: |_| None,
            question: |_| None,
            judge,
            hinges_on_trust: false,
        }
    }

    pub(super) const fn of(mut self, of: Of) -> Self {
        self.of = of;
        self
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
