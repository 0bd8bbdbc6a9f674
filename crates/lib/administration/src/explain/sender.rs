//! The reverse-path of MAIL, as the client writes it.

use rules::{Policy, SessionFacts, Verdict, WrittenSender};

use crate::Error;

/// Its meaning in this session. If the server cannot parse it, no rule is evaluated.
pub(super) fn read(
    text: &str,
    policy: &Policy,
    facts: &SessionFacts,
) -> Result<WrittenSender, Error> {
    let read = policy.written_sender(facts, text);
    read.map_err(|verdict| Error::Refused(format!("MAIL FROM:<{text}>\n{}", refused(&verdict))))
}

/// A refusal as the client receives it, with its reasons.
pub fn refused(verdict: &Verdict) -> String {
    let reply = format!(
        "Refused: {}. The client reads \"{} {} {}\".",
        verdict.name, verdict.code, verdict.enhanced, verdict.text
    );
    with_reasons(reply, verdict)
}

/// A sentence with the reasons of a verdict, each on a line of its own.
pub fn with_reasons(sentence: String, verdict: &Verdict) -> String {
    let reasons = verdict.reasons.iter();
    let reasons = reasons.map(|reason| format!("  because {reason}"));
    std::iter::once(sentence)
        .chain(reasons)
        .collect::<Vec<_>>()
        .join("\n")
}
