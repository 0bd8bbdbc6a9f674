//! Errors of operations.

use std::error::Error as _;

use api::grpc::{Code, Status};
use rules::PolicyErrors;

use crate::removal::Removal;
use crate::send::Undeliverable;

/// The reason why an operation failed: what happened, to what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object of the operation does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The new object exists already.
    #[error("{0}")]
    AlreadyExists(String),
    /// The system's state or rules do not allow the operation.
    #[error("{0}")]
    Refused(String),
    /// A message, or an address in it, cannot be parsed.
    #[error("{0}")]
    Unreadable(String),
    /// Recipients known to be unreachable. Nothing was sent.
    #[error("nothing was sent{}", lines(.0))]
    Undeliverable(Vec<Undeliverable>),
    /// The object was changed by somebody else in the meantime.
    #[error("{0}")]
    Overtaken(String),
    /// A policy's document is not valid.
    #[error("the policy is not valid{}", by_line(document, errors))]
    InvalidPolicy {
        /// The name of the document.
        document: String,
        /// The errors by line.
        errors: PolicyErrors,
    },
    /// A policy document that contains only comments. It must be confirmed.
    #[error(
        "{document} contains only comments: in force it would remove every domain, gateway and account \
         that there is. Nothing was changed"
    )]
    EmptyPolicy {
        /// The name of the document.
        document: String,
    },
    /// A removal with dependents, or a permanent one. It must be confirmed.
    #[error("{0}")]
    Unconfirmed(Removal),
    /// The input is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The configuration with the addresses of the system cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// A service cannot be reached, or cannot answer now. A retry may help.
    #[error("{0}")]
    Unavailable(String),
    /// A service failed, or has another version.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// The error of a call to this service.
    pub fn call(service: &str, status: &Status) -> Self {
        let message = status.message();
        if is_silent(status) {
            return Self::silent(service);
        }
        match status.code() {
            Code::NotFound => Self::NotFound(message.to_owned()),
            Code::AlreadyExists => Self::AlreadyExists(message.to_owned()),
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
                Self::Refused(message.to_owned())
            }
            Code::Aborted => Self::Overtaken(format!("{message}; nothing was changed, try again")),
            // An answer of the service itself: a failed connection has its cause as source.
            Code::Unavailable if status.source().is_none() => Self::Unavailable(format!(
                "{service} is unavailable: {message}; try again, and see its log if this persists"
            )),
            Code::Unavailable => Self::Unavailable(format!(
                "{service} cannot be reached ({}); is the system running? \
                 Start it by `postern up`, or say where it is by --data or --config",
                cause(status)
            )),
            Code::Unimplemented => Self::Failed(format!(
                "{service} does not know this call: its version differs from this command's"
            )),
            code => Self::Failed(format!("{service} failed ({code}): {message}")),
        }
    }

    /// The error for a service that does not answer in time.
    pub fn silent(service: &str) -> Self {
        Self::Unavailable(format!(
            "{service} does not answer in time: it hangs or is overloaded; see its log for \
             why, and `postern up` starts it again when it is ended"
        ))
    }
}

/// The errors with their line numbers, in the style of compilers.
fn by_line(document: &str, errors: &PolicyErrors) -> String {
    let errors = errors.iter();
    errors
        .map(|error| format!("\n{document}:{}: {}", error.line, error.reason))
        .collect()
}

/// One a line.
fn lines(undeliverable: &[Undeliverable]) -> String {
    let lines = undeliverable.iter();
    lines.map(|one| format!("\n{one}")).collect()
}

/// The root cause of a failed connection: "transport error" alone does not help.
fn cause(status: &Status) -> String {
    let causes = std::iter::successors(status.source(), |&cause| cause.source());
    let last = causes.last().map(ToString::to_string);
    last.unwrap_or_else(|| status.message().to_owned())
}

/// Whether the time limit passed without an answer or a sign of life.
fn is_silent(status: &Status) -> bool {
    // tonic does not export the error, so its text is compared.
    let no_answer = status.code() == Code::Cancelled && status.message() == "Timeout expired";
    let causes = std::iter::successors(status.source(), |&cause| cause.source());
    let no_sign = causes
        .map(ToString::to_string)
        .any(|cause| cause == "keep-alive timed out");
    no_answer || no_sign || status.code() == Code::DeadlineExceeded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use rules::Policy;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_policy_is_told_by_document_and_line() {
        let document = "policy.toml".to_owned();
        let errors = Policy::parse("[[domain]]\nname = \"no domain\"\ndeliver = \"direct\"\n");
        let errors = errors.unwrap_err();
        let text = Error::InvalidPolicy { document, errors }.to_string();
        assert!(
            text.starts_with("the policy is not valid\npolicy.toml:"),
            "{text}"
        );
        assert!(text.contains("\npolicy.toml:2: `name` is"), "{text}");
    }
}
