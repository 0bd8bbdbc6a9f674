//! Admissions: the checks at connect, before the client speaks, at MAIL, at RCPT and at the end of the
//! message. Each stage has one table of checks in their order; the order is defined nowhere else.
//!
//! An admission does no I/O. It returns the next question, or its verdict; the caller answers, from the
//! world (smtp-server) or from assumptions (`explain`, scripts). Only what a check needs is asked for, and
//! look-ups that can run in parallel are one question.
//!
//! ```
//! # use rules::admission::{Admission, Next, mail};
//! # use rules::{Policy, ReversePath, SessionFacts};
//! # let policy = Policy::parse("[receiving.untrusted]\nmin-free-space = \"1 GiB\"").unwrap();
//! # let (peer, local) = ("203.0.113.9".parse().unwrap(), "198.51.100.1".parse().unwrap());
//! # let facts = SessionFacts::new("mx", peer, local);
//! # let (sender, trust) = (ReversePath::Null, policy.trust(&facts));
//! # let parameters = mail::Parameters::default();
//! let mut admission = Admission::mail(&policy, &facts, &trust, &sender, parameters);
//! let verdict = loop {
//!     match admission.proceed() {
//!         Next::Ask(mail::Question::FreeSpace) => admission.free_space(Some(500 << 20)),
//!         Next::Ask(mail::Question::Rates(_)) => admission.used_up(None.into()),
//!         Next::Ask(mail::Question::Dns { .. }) => admission.dns(None, None),
//!         Next::End(verdict) => break verdict,
//!     }
//! };
//! assert_eq!(verdict.name, "insufficient-storage");
//! ```

mod check;
pub mod connect;
pub mod content;
pub mod mail;
pub mod rcpt;
pub mod talk;

pub use check::{Answer, Stage};
pub(crate) use check::{Check, Rule};

use crate::decide::trust::until_trust_is_known;
use crate::values::verdict::Verdict;

/// One running stage of an admission.
#[derive(Debug)]
pub struct Admission<S> {
    stage: S,
    /// Index of the current check.
    at: usize,
    refused: bool,
}

/// The next step.
#[derive(Debug)]
pub enum Next<Q> {
    /// A question that must be answered first.
    Ask(Q),
    /// The verdict.
    End(Verdict),
}

impl<S> Admission<S> {
    fn new(stage: S) -> Self {
        Self {
            stage,
            at: 0,
            refused: false,
        }
    }

    /// The stage with its facts.
    pub(crate) fn stage(&self) -> &S {
        &self.stage
    }

    /// Runs the checks as far as the known facts allow. An unanswered question is returned again.
    pub fn proceed<'a>(&mut self) -> Next<S::Question>
    where
        S: Stage<'a>,
    {
        while let Some(check) = S::CHECKS.get(self.at) {
            if let Some(question) = (check.question)(&self.stage) {
                return Next::Ask(question);
            }
            if let Err(refusal) = (check.judge)(&self.stage) {
                self.refused = true;
                return Next::End(if check.hinges_on_trust {
                    until_trust_is_known(self.stage.trust(), refusal)
                } else {
                    refusal
                });
            }
            self.at += 1;
        }
        Next::End(Verdict::accepted())
    }

    /// The checks made so far, in order, each with whether it refused.
    pub(crate) fn made<'a>(&self) -> impl Iterator<Item = (&'a Check<S, S::Question>, bool)>
    where
        S: Stage<'a>,
    {
        let (at, refused) = (self.at, self.refused);
        S::CHECKS
            .iter()
            .enumerate()
            .take_while(move |(index, _)| *index <= at)
            .map(move |(index, check)| (check, refused && index == at))
    }
}
