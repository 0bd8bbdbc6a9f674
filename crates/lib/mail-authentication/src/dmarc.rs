//! DMARC (RFC 7489; the tree walk of RFC 9989 in place of a public suffix list).

use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::{AuthenticatedMessage, DkimOutput, DmarcResult};
use rules::{AuthenticationResult, DmarcRequest};

use crate::authors::{Authors, NO_FROM, Unknown};
use crate::findings::{Method, Reported};
use crate::sender::SenderFindings;
use crate::shared::Shared;

/// The request applied to a message that shows an author but has no domain to ask for its policy.
pub(crate) const OF_NO_AUTHOR: DmarcRequest = DmarcRequest::Quarantine;

const NO_ANSWER: &str = "the DNS does not answer";

/// The check of one domain.
type Checked = (Reported, DmarcRequest);

/// A message with no author, or with authors of several organizations, could show one to a reader and another
/// to DMARC: its result is never "none". Of several domains of one organization each has to be vouched for; those
/// that only text beside an address shows, unless the address is.
pub(crate) async fn verify(
    by: &Shared,
    message: &AuthenticatedMessage<'_>,
    header: &[u8],
    signatures: &[DkimOutput<'_>],
    sender: &SenderFindings,
) -> Checked {
    let authors = match Authors::read(header) {
        Ok(authors) => authors,
        Err(reason) => return (of_no_author(reason), OF_NO_AUTHOR),
    };
    match authors.are_one(by).await {
        Ok(()) => {}
        Err(Unknown::Never(reason)) => return (of_no_author(reason), OF_NO_AUTHOR),
        Err(Unknown::Now) => return of_silence(authors.first.as_str()),
    }
    let mut checked = of_domain(by, message, authors.first.as_str(), signatures, sender).await;
    let shown = authors.shown.iter().map(|domain| (domain, true));
    let others = authors.others.iter().map(|domain| (domain, false));
    for (domain, is_shown) in others.chain(shown) {
        if is_shown && checked.0.result == AuthenticationResult::Pass {
            break;
        }
        let other = AuthenticatedMessage {
            from: vec![format!("@{domain}")],
            ..AuthenticatedMessage::default()
        };
        let other = of_domain(by, &other, domain.as_str(), signatures, sender).await;
        if rank(&other) > rank(&checked) {
            checked = other;
        }
    }
    checked
}

/// The check of the author of `message`.
async fn of_domain(
    by: &Shared,
    message: &AuthenticatedMessage<'_>,
    author: &str,
    signatures: &[DkimOutput<'_>],
    sender: &SenderFindings,
) -> Checked {
    let parameters = DmarcParameters::new(message, signatures, &sender.domain, &sender.spf);
    let check = by.memory.with(&by.memory.dmarc, parameters);
    let output = by.inner.verify_dmarc(check).await;
    let (result, reason) = match output.result() {
        DmarcResult::Pass => (AuthenticationResult::Pass, None),
        DmarcResult::None => (AuthenticationResult::None, None),
        DmarcResult::Fail(_) => (AuthenticationResult::Fail, None),
        DmarcResult::TempError(_) => (AuthenticationResult::TempError, Some(NO_ANSWER)),
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
    let mut reported = of_author(result, author).because(reason);
    if output.dmarc_record().is_some() {
        reported = reported.with("policy.dmarc", asked);
    }
    (reported, request)
}

/// The worse of two domains counts.
fn rank((reported, request): &Checked) -> (u8, u8) {
    let result = match reported.result {
        AuthenticationResult::Pass => 0,
        AuthenticationResult::None => 1,
        AuthenticationResult::TempError => 2,
        AuthenticationResult::Fail => 4,
        _ => 3,
    };
    let request = match request {
        DmarcRequest::None => 0,
        DmarcRequest::Quarantine => 1,
        DmarcRequest::Reject => 2,
    };
    (result, request)
}

/// The result after the time limit.
pub(crate) fn out_of_time(message: &AuthenticatedMessage<'_>) -> Checked {
    of_silence(message.from().rsplit_once('@').map_or("", |(_, at)| at))
}

fn of_silence(author: &str) -> Checked {
    let reported = of_author(AuthenticationResult::TempError, author).because(Some(NO_ANSWER));
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

/// Sets the author of a message for the checks: all of them use this crate's parser of the header section.
pub(crate) fn set_author(message: &mut AuthenticatedMessage<'_>, header: &[u8]) {
    message.from = Authors::read(header)
        .map(|authors| format!("@{}", authors.first))
        .into_iter()
        .collect();
}
