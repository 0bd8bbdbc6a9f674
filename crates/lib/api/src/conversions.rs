//! Conversions between the generated types and those of the libraries.

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
            scanner_version: summary.scanner_version,
            in_reply_to: summary.in_reply_to,
            references: summary.references,
            sort: Some(summary.sort.into()),
        }
    }
}

impl From<message_crate::sort::SortKeys> for v1::SortKeys {
    fn from(keys: message_crate::sort::SortKeys) -> Self {
        Self {
            base_subject: keys.base_subject,
            is_reply: keys.is_reply,
            from: keys.from.map(v1::SortAddress::from),
            to: keys.to.map(v1::SortAddress::from),
            cc: keys.cc.map(v1::SortAddress::from),
        }
    }
}

impl From<message_crate::sort::SortAddress> for v1::SortAddress {
    fn from(address: message_crate::sort::SortAddress) -> Self {
        Self {
            name: address.name,
            mailbox: address.mailbox,
            host: address.host,
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
            filename: part.filename,
            disposition: part.disposition,
            languages: part.languages,
            location: part.location,
        }
    }
}

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
