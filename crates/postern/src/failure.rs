//! The result of a command, for scripts.

use std::process::ExitCode;

use administration::Error;

/// The result of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or the answer is yes.
    Done,
    /// The answer is no: refused, different, with problems.
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

/// The reason why a command could not do its work. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The request cannot be fulfilled: not found, exists already, not valid.
    #[error("{0}")]
    Refused(String),
    /// The command line is invalid.
    #[error("{0}")]
    Usage(String),
    /// The system cannot be reached, or failed. A retry may help.
    #[error("{0}")]
    System(String),
}

impl Failure {
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
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

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound(_)
            | Error::AlreadyExists(_)
            | Error::Refused(_)
            | Error::Unreadable(_)
            | Error::Undeliverable(_)
            | Error::Overtaken(_) => Self::Refused(text),
            Error::EmptyPolicy { .. } => Self::Refused(to_be_confirmed(text)),
            Error::Unconfirmed(_) => Self::Usage(to_be_confirmed(text)),
            Error::InvalidPolicy { .. } | Error::Invalid(_) | Error::Configuration(_) => {
                Self::Usage(text)
            }
            Error::Unavailable(_) | Error::Failed(_) => Self::System(text),
        }
    }
}

fn to_be_confirmed(text: String) -> String {
    text + "; add --yes if that is wanted"
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::System(format!("{error:#}"))
    }
}

#[cfg(test)]
mod tests {
    use administration::Removal;

    use super::*;

    #[test]
    fn what_has_to_be_confirmed_says_how() {
        let removal = Removal {
            what: "removes the secret isp".to_owned(),
            dependents: vec!["gateway isp".to_owned()],
            way_back: "The way back: postern policy rollback 3.".to_owned(),
        };
        let failure = Failure::from(Error::Unconfirmed(removal));
        assert_eq!(failure.code(), 2);
        assert_eq!(
            failure.to_string(),
            "this removes the secret isp, and something depends on that:\n  - gateway isp\nThe way \
             back: postern policy rollback 3. Nothing was changed; add --yes if that is wanted"
        );
        let document = "policy.toml".to_owned();
        let failure = Failure::from(Error::EmptyPolicy { document });
        assert_eq!(failure.code(), 1);
        assert!(
            failure
                .to_string()
                .ends_with("; add --yes if that is wanted")
        );
    }

    #[test]
    fn a_no_is_told_from_a_system_that_cannot_be_asked() {
        let code = |error: fn(String) -> Error| Failure::from(error(String::new())).code();
        assert_eq!(code(Error::NotFound), 1);
        assert_eq!(code(Error::Overtaken), 1);
        assert_eq!(code(Error::Invalid), 2);
        assert_eq!(code(Error::Configuration), 2);
        assert_eq!(code(Error::Unavailable), 3);
        assert_eq!(code(Error::Failed), 3);
    }
}
