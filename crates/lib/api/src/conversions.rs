//! Between the generated types and the libraries' own.

use crate::message::v1;
use crate::queue::v1::Component;

impl From<message_crate::Summary> for v1::Summary {
    fn from(summary: message_crate::Summary) -> Self {
        Self {
            envelope: summary.envelope,
            body_structure: summary.body_structure,
            body: summary.body,
            parts: summary.parts.into_iter().map(v1::Part::from).collect(),
            sent_at: summary.sent_at,
            message_id: summary.message_id,
            subject: summary.subject,
            from: summary.from,
            lines: summary.lines,
        }
    }
}

impl From<message_crate::Part> for v1::Part {
    fn from(part: message_crate::Part) -> Self {
        Self {
            path: part.path,
            header_start: part.header_start,
            body_start: part.body_start,
            end: part.end,
            nested_text_start: part.nested_text_start,
            media_type: part.media_type,
            charset: part.charset,
            encoding: part.encoding,
        }
    }
}

impl Component {
    /// As the log, the command line and the history of a message name it.
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
