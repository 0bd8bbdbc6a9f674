//! Why an operation was not done.

use std::error::Error as _;

use api::grpc::{Code, Status};
use rules::PolicyErrors;

use crate::removal::Removal;
use crate::send::Undeliverable;

/// Why an operation was not done: what happened, to what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the operation is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// What was to be added exists.
    #[error("{0}")]
    AlreadyExists(String),
    /// The system's state or its rules do not allow it.
    #[error("{0}")]
    Refused(String),
    /// A message, or an address in it, cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// Recipients of whom it is known that they cannot be reached. Nothing was sent.
    #[error("nothing was sent{}", lines(.0))]
    Undeliverable(Vec<Undeliverable>),
    /// Somebody else has made a change meanwhile.
    #[error("{0}")]
    Overtaken(String),
    /// A policy's document is not valid.
    #[error("the policy is not valid{}", by_line(document, errors))]
    InvalidPolicy {
        /// How the document is called.
        document: String,
        /// What is wrong with it, by line.
        errors: PolicyErrors,
    },
    /// A policy's document has nothing but comments. It has to be confirmed.
    #[error(
        "{document} says nothing: in force it would take away every domain, gateway and account \
         that there is. Nothing was changed"
    )]
    EmptyPolicy {
        /// How the document is called.
        document: String,
    },
    /// Something is taken away from others, or for good. It has to be confirmed.
    #[error("{0}")]
    Unconfirmed(Removal),
    /// The input makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The configuration that says where the system is cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// A service cannot be reached, or cannot do it for now. Trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// A service failed, or is of another version.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// The error of a call to the service of this name.
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
            // The service's own answer: a failed connection has its cause as source.
            Code::Unavailable if status.source().is_none() => Self::Unavailable(format!(
                "{service} cannot do it now: {message}; try again, and see its log if that lasts"
            )),
            Code::Unavailable => Self::Unavailable(format!(
                "{service} cannot be reached ({}); is the system running? \
                 Start it by `postern up`, or say where it is by --data or --config",
                cause(status)
            )),
            Code::Unimplemented => Self::Failed(format!(
                "{service} does not know this call: it is of another version than this command"
            )),
            code => Self::Failed(format!("{service} failed ({code}): {message}")),
        }
    }

    /// The error of a service that gives no answer in time.
    pub fn silent(service: &str) -> Self {
        Self::Unavailable(format!(
            "{service} does not answer in time: it hangs, or has too much to do; its log may say \
             why, and `postern up` starts it again when it is ended"
        ))
    }
}

/// Each error with the place in the document, the way compilers write it.
fn by_line(document: &str, errors: &PolicyErrors) -> String {
    let errors = errors.iter();
    errors
        .map(|error| format!("\n{document}:{}: {}", error.line, error.reason))
        .collect()
}

/// Each on a line of its own.
fn lines(undeliverable: &[Undeliverable]) -> String {
    let lines = undeliverable.iter();
    lines.map(|one| format!("\n{one}")).collect()
}

/// The last cause of a failed connection: "transport error" alone helps nobody.
fn cause(status: &Status) -> String {
    let causes = std::iter::successors(status.source(), |&cause| cause.source());
    let last = causes.last().map(ToString::to_string);
    last.unwrap_or_else(|| status.message().to_owned())
}

/// Whether nothing came in time: neither an answer nor, while one was awaited, a sign of life.
fn is_silent(status: &Status) -> bool {
    // tonic's own words: it does not export the error.
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
