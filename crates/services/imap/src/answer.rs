//! The end of a command: its tagged response, and the mapping of mailbox-store's failures to it.

use std::borrow::Cow;

use api::grpc::{Code as GrpcCode, Status};
use imap_protocol::response::{Code, Condition};
use session_io::SessionError;

/// The tagged response of a command.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) condition: Condition,
    pub(crate) code: Option<Code>,
    pub(crate) text: Cow<'static, str>,
}

impl Answer {
    pub(crate) fn ok(text: &'static str) -> Self {
        Self::new(Condition::Ok, None, text)
    }

    pub(crate) fn ok_with(code: Code, text: &'static str) -> Self {
        Self::new(Condition::Ok, Some(code), text)
    }

    pub(crate) fn no(text: &'static str) -> Self {
        Self::new(Condition::No, None, text)
    }

    pub(crate) fn no_with(code: Code, text: &'static str) -> Self {
        Self::new(Condition::No, Some(code), text)
    }

    pub(crate) fn bad(text: &'static str) -> Self {
        Self::new(Condition::Bad, None, text)
    }

    /// The response to a command that is invalid in this state (RFC 9051 §3).
    pub(crate) fn not_in_this_state() -> Self {
        Self::bad("Command not valid in this state.")
    }

    fn new(condition: Condition, code: Option<Code>, text: &'static str) -> Self {
        Self {
            condition,
            code,
            text: text.into(),
        }
    }
}

/// Why a command stops early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client gets this response, and the session continues.
    Answer(Answer),
    /// Everything has been sent.
    Said,
    /// The connection is unusable: it broke, or a response ended in the middle.
    Lost,
}

impl From<Answer> for Stop {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl From<SessionError> for Stop {
    fn from(error: SessionError) -> Self {
        tracing::debug!(%error, "the connection was lost");
        Self::Lost
    }
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Answer(refusal(&status))
    }
}

/// The response to a failure of mailbox-store (RFC 5530).
pub(crate) fn refusal(status: &Status) -> Answer {
    match status.code() {
        GrpcCode::NotFound => Answer::no_with(Code::NonExistent, "No such mailbox."),
        GrpcCode::AlreadyExists => {
            Answer::no_with(Code::AlreadyExists, "The mailbox exists already.")
        }
        GrpcCode::InvalidArgument | GrpcCode::FailedPrecondition => {
            Answer::no_with(Code::Cannot, "The request is not possible.")
        }
        GrpcCode::ResourceExhausted if api::is_no_room(status) => Answer::no_with(
            Code::Unavailable,
            "Too little free space on the server, try again later.",
        ),
        GrpcCode::ResourceExhausted => Answer::no_with(Code::Limit, "A limit is reached."),
        GrpcCode::Unavailable
        | GrpcCode::DeadlineExceeded
        | GrpcCode::Cancelled
        | GrpcCode::Aborted => {
            tracing::warn!(code = ?status.code(), "mailbox-store does not answer");
            Answer::no_with(
                Code::Unavailable,
                "Temporarily unavailable, try again later.",
            )
        }
        code => {
            tracing::error!(?code, message = status.message(), "mailbox-store failed");
            Answer::no_with(Code::ServerBug, "Internal error.")
        }
    }
}

/// The same, if CREATE would make the missing mailbox (RFC 9051 §6.3.12).
pub(crate) fn try_create(status: Status) -> Stop {
    if status.code() == GrpcCode::NotFound {
        return Answer::no_with(Code::TryCreate, "No such mailbox.").into();
    }
    status.into()
}
