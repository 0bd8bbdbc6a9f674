//! The message stage: attachments are checked while the message arrives, authentication and authors at its
//! end.

use crate::admission::Admission;
use crate::admission::check::{Answer, Check, Rule, Stage, unless};
use crate::admission::mail::{DNS, NO_LOGIN};
use crate::decide::authentication::{Judgement, Method};
use crate::values::address::EmailAddress;
use crate::values::attachments::{AttachmentAction, Unwanted};
use crate::values::authentication::AuthenticationFacts;
use crate::values::content::Taken;
use crate::values::facts::SessionFacts;
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// Why a rule about the message is not evaluated.
const MESSAGE: &str = "it needs the message";

/// A message being admitted.
#[derive(Debug)]
pub struct Content<'a> {
    policy: &'a Policy,
    facts: &'a SessionFacts,
    trust: &'a Trust,
    unwanted: Option<Answer<Option<Unwanted>>>,
    authentication: Option<(AuthenticationFacts, Judgement)>,
    authors: Option<Answer<Vec<Option<EmailAddress>>>>,
}

/// The questions about a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether it has blocked attachments.
    Attachments,
    /// The results of sender authentication.
    Authentication,
    /// The addresses in the From field.
    Authors,
}

impl<'a> Admission<Content<'a>> {
    /// Starts the stage for a message. `trust` is the trust of the session with this sender.
    pub fn content(policy: &'a Policy, facts: &'a SessionFacts, trust: &'a Trust) -> Self {
        Self::new(Content {
            policy,
            facts,
            trust,
            unwanted: None,
            authentication: None,
            authors: None,
        })
    }

    /// The reason why the attachments are not accepted; none if they are.
    pub fn attachments(&mut self, unwanted: Answer<Option<Unwanted>>) {
        self.stage.unwanted = Some(unwanted);
    }

    /// The results of sender authentication; empty for checks that were not made.
    pub fn authentication(&mut self, found: AuthenticationFacts) {
        let judgement = self.stage.rules().authentication.judge(&found);
        self.stage.authentication = Some((found, judgement));
    }

    /// The addresses of the From field; an inner `None` is an entry that is no address.
    pub fn authors(&mut self, authors: Answer<Vec<Option<EmailAddress>>>) {
        self.stage.authors = Some(authors);
    }

    /// What happens to an accepted message.
    pub fn taken(&self) -> Taken {
        let stage = &self.stage;
        let mut taken = match &stage.authentication {
            Some((_, judgement)) => judgement.taken.clone(),
            None => Taken::default(),
        };
        taken.quarantine.extend(
            stage
                .unwanted()
                .map(|unwanted| unwanted.verdict(stage.trust)),
        );
        taken
    }
}

type Row<'a> = Check<Content<'a>, Question>;

impl<'a> Stage<'a> for Content<'a> {
    type Question = Question;
    const CHECKS: &'a [Check<Self, Question>] = &[
        Row::new(Rule::Setting("block-attachments"), Self::attachments_fit)
            .asks(|content| {
                let blocks = !content.rules().attachments.is_empty();
                (blocks && content.unwanted.is_none()).then_some(Question::Attachments)
            })
            .idle(|content| {
                let unknown = matches!(content.unwanted, Some(Answer::Unknown));
                unless(!unknown, MESSAGE)
            })
            .hinging_on_trust(),
        Row::new(Rule::Setting("spf"), |content| content.vouched(Method::Spf))
            .asks(Self::authentication)
            .idle(|content| {
                let known = content.found(|found| found.spf.is_some() || found.spf_helo.is_some());
                unless(known, DNS)
            }),
        Row::new(Rule::Setting("dkim"), |content| {
            content.vouched(Method::Dkim)
        })
        .asks(Self::authentication)
        .idle(|content| unless(content.found(|found| found.dkim.is_some()), MESSAGE)),
        Row::new(Rule::Setting("dmarc"), |content| {
            content.vouched(Method::Dmarc)
        })
        .asks(Self::authentication)
        .idle(|content| unless(content.found(|found| found.dmarc.is_some()), MESSAGE)),
        // ARC refuses nothing: it excuses a DMARC failure.
        Row::new(Rule::Setting("arc"), |_| Ok(()))
            .asks(Self::authentication)
            .idle(|content| unless(content.found(|found| found.arc.is_some()), MESSAGE)),
        Row::new(Rule::Setting("iprev"), |content| {
            content.vouched(Method::Iprev)
        })
        .asks(Self::authentication)
        .idle(|content| unless(content.found(|found| found.iprev.is_some()), DNS)),
        Row::new(
            Rule::Part("senders-must-belong-to-login", "From"),
            Self::authors_belong,
        )
        .asks(|content| {
            let held = content.policy.receiving(true).senders_must_belong_to_login
                && content.facts.login.is_some();
            (held && content.authors.is_none()).then_some(Question::Authors)
        })
        .idle(|content| {
            let unknown = matches!(content.authors, Some(Answer::Unknown));
            unless(content.facts.login.is_some(), NO_LOGIN).or(unless(!unknown, MESSAGE))
        }),
    ];

    fn policy(&self) -> &'a Policy {
        self.policy
    }

    fn trust(&self) -> &'a Trust {
        self.trust
    }
}

impl Content<'_> {
    /// The reason why the attachments are not accepted.
    pub(crate) fn unwanted(&self) -> Option<&Unwanted> {
        self.unwanted.as_ref()?.known()?.as_ref()
    }

    /// A message for quarantine is accepted, except while the sender's trust is unknown: then it is refused
    /// temporarily, like other messages.
    fn attachments_fit(&self) -> Result<(), Verdict> {
        let kept = self.rules().attachments.action == AttachmentAction::Quarantine;
        match self.unwanted() {
            Some(unwanted) if !kept || self.trust.provisional => Err(unwanted.verdict(self.trust)),
            _ => Ok(()),
        }
    }

    /// All methods are checked together.
    fn authentication(&self) -> Option<Question> {
        let wanted = self.rules().authentication.needs_anything();
        (wanted && self.authentication.is_none()).then_some(Question::Authentication)
    }

    /// The results of sender authentication.
    pub(crate) fn facts(&self) -> Option<&AuthenticationFacts> {
        self.authentication.as_ref().map(|(found, _)| found)
    }

    fn found(&self, what: impl FnOnce(&AuthenticationFacts) -> bool) -> bool {
        self.facts().is_some_and(what)
    }

    fn vouched(&self, method: Method) -> Result<(), Verdict> {
        let judgement = self.authentication.as_ref().map(|(_, judgement)| judgement);
        match judgement.and_then(|judgement| judgement.refusal.as_ref()) {
            Some((by, verdict)) if *by == method => Err(verdict.clone()),
            _ => Ok(()),
        }
    }

    fn authors_belong(&self) -> Result<(), Verdict> {
        let authors = self.authors.as_ref().and_then(Answer::known);
        authors
            .into_iter()
            .flatten()
            .try_for_each(|author| self.policy.judge_author(self.facts, author.as_ref()))
    }
}
