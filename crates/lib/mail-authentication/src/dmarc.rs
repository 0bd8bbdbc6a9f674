//! DMARC (RFC 7489; the tree walk of RFC 9989 in place of a public suffix list).

use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::{AuthenticatedMessage, DkimOutput, DmarcResult};
use message::header::{AuthorError, author_domains};
use rules::{AuthenticationResult, DmarcRequest, Domain};

use crate::findings::{Method, Reported};
use crate::sender::SenderFindings;
use crate::shared::Shared;

/// The request applied to a message that shows an author but has no domain to ask for its policy.
pub(crate) const OF_NO_AUTHOR: DmarcRequest = DmarcRequest::Quarantine;

const NO_FROM: &str = "there is no From field";

pub(crate) async fn verify(
    by: &Shared,
    message: &AuthenticatedMessage<'_>,
    header: &[u8],
    signatures: &[DkimOutput<'_>],
    sender: &SenderFindings,
) -> (Reported, DmarcRequest) {
    let author = match author(header) {
        Ok(author) => author,
        Err(reason) => return (of_no_author(reason), OF_NO_AUTHOR),
    };
    let parameters = DmarcParameters::new(message, signatures, &sender.domain, &sender.spf);
    let check = by.memory.with(&by.memory.dmarc, parameters);
    let output = by.inner.verify_dmarc(check).await;
    let (result, reason) = match output.result() {
        DmarcResult::Pass => (AuthenticationResult::Pass, None),
        DmarcResult::None => (AuthenticationResult::None, None),
        DmarcResult::Fail(_) => (AuthenticationResult::Fail, None),
        DmarcResult::TempError(_) => {
            let reason = "the DNS does not answer";
            (AuthenticationResult::TempError, Some(reason))
        }
        DmarcResult::PermError(_) => {
            let reason = "the record cannot be read";
            (AuthenticationResult::PermError, Some(reason))
        }
    };
    let (request, asked) = match output.policy() {
        Policy::Reject => (DmarcRequest::Reject, "reject"),
        Policy::Quarantine => (DmarcRequest::Quarantine, "quarantine"),
        Policy::None | Policy::Unspecified => (DmarcRequest::None, "none"),
    };
    let mut reported = of_author(result, &author).because(reason);
    if output.dmarc_record().is_some() {
        reported = reported.with("policy.dmarc", asked);
    }
    (reported, request)
}

/// The result after the time limit.
pub(crate) fn out_of_time(message: &AuthenticatedMessage<'_>) -> (Reported, DmarcRequest) {
    let author = message.from().rsplit_once('@').map_or("", |(_, at)| at);
    let reported =
        of_author(AuthenticationResult::TempError, author).because(Some("the DNS does not answer"));
    (reported, DmarcRequest::None)
}

/// A message without a header section.
pub(crate) fn no_author() -> Reported {
    of_no_author(NO_FROM)
}

fn of_no_author(reason: &'static str) -> Reported {
    Reported::new(Method::Dmarc, AuthenticationResult::PermError, "").because(Some(reason))
}

fn of_author(result: AuthenticationResult, author: &str) -> Reported {
    Reported::new(Method::Dmarc, result, author).with("header.from", author)
}

/// The single domain of the authors. A message with no domain, or several, could show one to a reader and
/// another to DMARC: its result is never "none".
fn author(header: &[u8]) -> Result<String, &'static str> {
    let domains = author_domains(header).map_err(|error| match error {
        AuthorError::Missing => NO_FROM,
        AuthorError::Repeated => "there is more than one From field",
        AuthorError::NoDomain => "the author has no domain",
        AuthorError::Unclear => "the author can be read in several ways",
    })?;
    let mut domains = domains.iter().map(|domain| {
        let domain = std::str::from_utf8(domain).ok()?;
        Domain::parse(domain.strip_suffix('.').unwrap_or(domain)).ok()
    });
    let Some(Some(first)) = domains.next() else {
        return Err("what the author has is no domain");
    };
    if domains.any(|other| other.as_ref() != Some(&first)) {
        return Err("the authors are of several domains");
    }
    Ok(first.to_string())
}

/// Sets the author of a message for the checks: all of them use this crate's parser of the header section.
pub(crate) fn set_author(message: &mut AuthenticatedMessage<'_>, header: &[u8]) {
    message.from = author(header)
        .map(|domain| format!("@{domain}"))
        .into_iter()
        .collect();
}
