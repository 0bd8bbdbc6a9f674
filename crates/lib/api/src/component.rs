//! Names of the processes that submit messages.

use crate::queue::v1::Component;

impl Component {
    /// The name in the log, on the command line and in the history of a message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Collector => "collector",
            Self::Send => "postern send",
            Self::Sendmail => "sendmail",
            Self::Delivery => "delivery",
        }
    }
}
