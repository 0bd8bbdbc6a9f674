//! Early talkers: whether a client waits for the answer before it speaks.

use std::time::Duration;

use crate::admission::Admission;
use crate::admission::check::{Answer, Check, Rule, Stage, unless};
use crate::values::facts::Early;
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

/// A client that waits for an answer.
#[derive(Debug)]
pub struct Talk<'a> {
    policy: &'a Policy,
    trust: &'a Trust,
    before: Early,
    spoke: Option<Answer<bool>>,
}

/// The question about an early talker.
#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether the client speaks before the answer. The greeting is delayed for this time.
    Speaks {
        /// The delay.
        held_back: Duration,
    },
}

impl<'a> Admission<Talk<'a>> {
    /// Starts the stage before an answer to the client.
    pub fn talk(policy: &'a Policy, trust: &'a Trust, before: Early) -> Self {
        Self::new(Talk {
            policy,
            trust,
            before,
            spoke: None,
        })
    }

    /// Whether the client spoke early.
    pub fn spoke(&mut self, early: Answer<bool>) {
        self.stage.spoke = Some(early);
    }
}

type Row<'a> = Check<Talk<'a>, Question>;

impl<'a> Stage<'a> for Talk<'a> {
    type Question = Question;
    const CHECKS: &'a [Check<Self, Question>] =
        &[
            Row::new(Rule::Setting("refuse-early-talkers"), Self::in_turn)
                .asks(Self::speaks)
                .idle(|talk| {
                    let unknown = matches!(talk.spoke, Some(Answer::Unknown));
                    unless(!unknown, "it depends on when the client speaks")
                })
                .hinging_on_trust(),
        ];

    fn policy(&self) -> &'a Policy {
        self.policy
    }

    fn trust(&self) -> &'a Trust {
        self.trust
    }
}

impl Talk<'_> {
    fn speaks(&self) -> Option<Question> {
        let rules = self.rules();
        let held_back = match self.before {
            Early::Greeting => rules.greeting_delay,
            Early::Hello => Duration::ZERO,
        };
        let wanted = rules.refuse_early_talkers || !held_back.is_zero();
        (wanted && self.spoke.is_none()).then_some(Question::Speaks { held_back })
    }

    fn in_turn(&self) -> Result<(), Verdict> {
        let early = self.spoke.as_ref().and_then(Answer::known) == Some(&true);
        if !early || !self.rules().refuse_early_talkers {
            return Ok(());
        }
        let when = match self.before {
            Early::Greeting => "it spoke before the greeting",
            Early::Hello => "it continued before EHLO was answered",
        };
        Err(refusals::EARLY_TALKER
            .because(when)
            .because(format!("`refuse-early-talkers` for {}", self.trust.class())))
    }
}
