//! Admissions: what a client is held to when it connects, when it speaks, at MAIL, at RCPT and when the
//! message has come. The checks of each stage stand in one table, in their order; the order is written
//! nowhere else.
//!
//! An admission does no I/O. It says what it needs to know next, or how it ends; whoever asked for it
//! answers, from the world (smtp-server) or from what a play supposes (`explain`, scripts). What no
//! check needs is not asked for, and what can be looked up side by side is one question.
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

/// One stage of an admission under way.
#[derive(Debug)]
pub struct Admission<S> {
    stage: S,
    /// The check that is made now.
    at: usize,
    refused: bool,
}

/// What comes next.
#[derive(Debug)]
pub enum Next<Q> {
    /// This must be known first.
    Ask(Q),
    /// The end.
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

    /// What is judged, and what is known of it.
    pub(crate) fn stage(&self) -> &S {
        &self.stage
    }

    /// Makes the checks as far as what is known allows. What was asked for and is not answered is
    /// asked for again.
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

    /// The checks that were made, in order, each with whether it was refused by.
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
