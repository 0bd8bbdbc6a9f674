//! The exit codes of `sysexits.h`, which callers of `sendmail` evaluate.

use std::process::ExitCode;

use administration::Error;

use crate::failure::Failure;

/// The reasons for a failure.
#[derive(Debug, thiserror::Error)]
pub(super) enum Exit {
    /// EX_USAGE
    #[error("{0}")]
    Usage(String),
    /// EX_DATAERR: the message or an address cannot be parsed.
    #[error("{0}")]
    Data(String),
    /// EX_NOUSER
    #[error("{0}")]
    NoUser(String),
    /// EX_UNAVAILABLE: refused permanently.
    #[error("{0}")]
    Refused(String),
    /// EX_TEMPFAIL: a retry may succeed.
    #[error("{0}")]
    Temporary(String),
    /// EX_CONFIG
    #[error("{0}")]
    Configuration(String),
}

impl Exit {
    fn number(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Data(_) => 65,
            Self::NoUser(_) => 67,
            Self::Refused(_) => 69,
            Self::Temporary(_) => 75,
            Self::Configuration(_) => 78,
        }
    }

    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(self.number())
    }
}

impl From<Error> for Exit {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Unreadable(_) => Self::Data(text),
            Error::Undeliverable(refused)
                if refused.iter().any(|one| one.verdict == "no-such-user") =>
            {
                Self::NoUser(text)
            }
            other => Self::from(Failure::from(other)),
        }
    }
}

impl From<Failure> for Exit {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        match failure {
            Failure::Refused(_) => Self::Refused(text),
            Failure::Usage(_) => Self::Configuration(text),
            Failure::System(_) => Self::Temporary(text),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use administration::send::Undeliverable;

    use super::*;

    #[test]
    fn what_may_go_better_later_is_told_apart_from_what_will_not() {
        let number = |failure: Failure| Exit::from(failure).number();
        assert_eq!(number(Failure::System(String::new())), 75);
        assert_eq!(number(Failure::refused("")), 69);
        assert_eq!(number(Failure::Usage(String::new())), 78);
    }

    #[test]
    fn what_is_wrong_with_a_message_or_a_recipient_has_a_code_of_its_own() {
        let number = |error: Error| Exit::from(error).number();
        let unreachable = |verdict| {
            Error::Undeliverable(vec![Undeliverable {
                recipient: "eve@example.test".parse().unwrap(),
                verdict,
                reason: "no rule".to_owned(),
            }])
        };
        assert_eq!(number(Error::Unreadable(String::new())), 65);
        assert_eq!(number(unreachable("no-such-user")), 67);
        assert_eq!(number(unreachable("refused-by-handler")), 69);
        assert_eq!(number(Error::Unavailable(String::new())), 75);
    }
}
