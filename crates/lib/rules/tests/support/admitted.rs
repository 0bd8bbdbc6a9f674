//! Sessions that are admitted with given answers.
#![allow(dead_code, reason = "not every test needs every stage")]

use rules::admission::{Admission, Answer, Next, content, mail, rcpt, talk};
use rules::{Early, Policy, ReversePath, SessionFacts, Timing, Trust, Unwanted, Verdict};

/// MAIL with this size, while so much is free.
pub(crate) fn mail(
    policy: &Policy,
    facts: &SessionFacts,
    trust: &Trust,
    sender: &ReversePath,
    size: Option<u64>,
    free: Option<u64>,
) -> Verdict {
    let parameters = mail::Parameters {
        size,
        timing: Timing::default(),
        read_by_session: true,
    };
    let mut admission = Admission::mail(policy, facts, trust, sender, parameters);
    loop {
        match admission.proceed() {
            Next::Ask(mail::Question::FreeSpace) => admission.free_space(free),
            Next::Ask(mail::Question::Rates(_)) => admission.used_up(None.into()),
            Next::Ask(mail::Question::Dns { .. }) => admission.dns(None, None),
            Next::End(verdict) => return verdict,
        }
    }
}

/// RCPT of a message that has `taken` recipients; all users exist.
pub(crate) fn rcpt(
    policy: &Policy,
    facts: &SessionFacts,
    trust: &Trust,
    sender: &ReversePath,
    taken: usize,
    path: &str,
) -> Verdict {
    let mut admission = Admission::rcpt(policy, facts, trust, sender, taken, path);
    loop {
        match admission.proceed() {
            Next::Ask(rcpt::Question::User(_)) => admission.user(true),
            Next::Ask(rcpt::Question::Greylisting(..)) => admission.wait(None.into()),
            Next::Ask(rcpt::Question::Rates(_)) => admission.used_up(None.into()),
            Next::End(verdict) => return verdict,
        }
    }
}

/// A client that speaks before its turn.
pub(crate) fn early(policy: &Policy, trust: &Trust, before: Early) -> Verdict {
    let mut admission = Admission::talk(policy, trust, before);
    loop {
        match admission.proceed() {
            Next::Ask(talk::Question::Speaks { .. }) => admission.spoke(true.into()),
            Next::End(verdict) => return verdict,
        }
    }
}

/// A message with this attachment.
pub(crate) fn attachment(
    policy: &Policy,
    facts: &SessionFacts,
    trust: &Trust,
    unwanted: Option<Unwanted>,
) -> Verdict {
    let mut admission = Admission::content(policy, facts, trust);
    loop {
        match admission.proceed() {
            Next::Ask(content::Question::Attachments) => {
                admission.attachments(unwanted.clone().into());
            }
            Next::Ask(content::Question::Authentication) => {
                admission.authentication(Default::default());
            }
            Next::Ask(content::Question::Authors) => admission.authors(Answer::Unknown),
            Next::End(verdict) => return verdict,
        }
    }
}
