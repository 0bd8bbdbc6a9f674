//! How a command ends, as scripts see it.

use std::error::Error as _;
use std::process::ExitCode;

use api::grpc::{Code, Status};

/// A command that did what it was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, or the answer is yes.
    Done,
    /// The answer is no: refused, different, not well.
    No,
}

impl Outcome {
    pub(crate) fn of(yes: bool) -> Self {
        if yes { Self::Done } else { Self::No }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::No => ExitCode::from(1),
        }
    }
}

/// A command that could not do what it was asked to do. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was asked for cannot be: not found, exists already, not valid.
    #[error("{0}")]
    Refused(String),
    /// The command line asks for something that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The system cannot be reached, or failed. Trying again may help.
    #[error("{0}")]
    System(String),
}

impl Failure {
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    /// The failure of a call to the service of this name.
    pub(crate) fn call(service: &str, status: &Status) -> Self {
        let message = status.message();
        if is_silent(status) {
            return Self::silent(service);
        }
        match status.code() {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange => Self::Refused(message.to_owned()),
            Code::Aborted => Self::Refused(format!("{message}; nothing was changed, try again")),
            // An answer: what comes of a connection that is none has its error beside it.
            Code::Unavailable if status.source().is_none() => Self::System(format!(
                "{service} cannot do it now: {message}; try again, and see its log if that lasts"
            )),
            Code::Unavailable => Self::System(format!(
                "{service} cannot be reached ({}); is the system running? \
                 Start it by `postern up`, or say where it is by --data or --config",
                cause(status)
            )),
            Code::Unimplemented => Self::System(format!(
                "{service} does not know this call: it is of another version than this command"
            )),
            code => Self::System(format!("{service} failed ({code}): {message}")),
        }
    }

    /// The failure of a service that gives no answer in time.
    pub(crate) fn silent(service: &str) -> Self {
        Self::System(format!(
            "{service} does not answer in time: it hangs, or has too much to do; its log may say \
             why, and `postern up` starts it again when it is ended"
        ))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::System(_) => 3,
        }
    }
}

/// What a connection failed of in the end: "transport error" tells nobody.
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

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::System(format!("{error:#}"))
    }
}
