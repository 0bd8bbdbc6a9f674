//! Delivery status notifications (RFC 3464 within RFC 6522).
//!
//! A report is bytes made of values: the same values give the same bytes.

mod status;
mod text;

#[cfg(test)]
mod tests;

use memchr::memmem;

use crate::header::fields;
use crate::shown::is_command;
use crate::trace;

/// The action of a report (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Failed permanently.
    Failed,
    /// Delayed; delivery is still attempted.
    Delayed,
    /// Delivered to the mailbox.
    Delivered,
    /// Relayed to a server that does not report (RFC 3461 §5.2.2), or whose sender requests a report from
    /// each server (RFC 2852 §4.1.4).
    Relayed,
}

/// A report about one message.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The action, for all of `recipients`.
    pub action: Action,
    /// Its own Message-ID, without angle brackets.
    pub message_id: &'a str,
    /// The time of writing, in seconds since 1970.
    pub at: i64,
    /// This host.
    pub reporting_mta: &'a str,
    /// The address in From.
    pub from: &'a str,
    /// The message's reverse-path.
    pub to: &'a str,
    /// ENVID as received (RFC 3461 §4.4); empty if there was none.
    pub envelope_id: &'a str,
    /// The arrival time of the message.
    pub arrived_at: Option<i64>,
    /// The requested delivery time, if any (RFC 2852 §5), in seconds since 1970.
    pub deliver_by: Option<i64>,
    /// The requested holding time (RFC 4865 §5.1.2); empty if there was none.
    pub future_release: &'a str,
    /// At least one.
    pub recipients: &'a [RecipientStatus<'a>],
    /// The returned part of the message.
    pub returned: Returned<'a>,
}

/// The status of one recipient.
#[derive(Debug, Clone, Default)]
pub struct RecipientStatus<'a> {
    /// The address of the attempt.
    pub address: &'a str,
    /// ORCPT as received; empty if there was none.
    pub original: &'a str,
    /// Enhanced status code, `5.1.1`.
    pub status: &'a str,
    /// The explanation for people.
    pub explanation: &'a str,
    /// The server that replied; empty if none did.
    pub remote_mta: &'a str,
    /// Its reply, code and text.
    pub reply: &'a str,
    /// Seconds since 1970.
    pub last_attempt: Option<i64>,
    /// For a delay: the time at which delivery fails.
    pub retry_until: Option<i64>,
}

/// The part of the message that a report returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy)]
pub enum Returned<'a> {
    /// The whole message.
    Full {
        /// Header section, empty line included.
        header: &'a [u8],
        /// The text after it.
        text: &'a [u8],
    },
    /// Its header section.
    Headers(&'a [u8]),
}

/// Writes a report as a message, to be sent with the null reverse-path (RFC 5321 §6.1).
#[must_use]
pub fn report(report: &Report<'_>) -> Vec<u8> {
    let readable = text::readable(report);
    let status = status::delivery_status(report);
    let eight_bit = !readable.is_ascii() || !status.is_ascii() || !report.returned.is_ascii();
    let boundary = boundary(report, &readable, &status);
    let mut into = Vec::with_capacity(2048 + report.returned.size());
    write_header(report, &boundary, eight_bit, &mut into);

    let text_type = "text/plain; charset=utf-8";
    begin_part(
        &boundary,
        text_type,
        "Notification",
        !readable.is_ascii(),
        &mut into,
    );
    into.extend_from_slice(readable.as_bytes());

    // RFC 6533: an address with non-ASCII characters requires the other type.
    let status_type = if status.is_ascii() {
        "message/delivery-status"
    } else {
        "message/global-delivery-status"
    };
    begin_part(
        &boundary,
        status_type,
        "Delivery report",
        !status.is_ascii(),
        &mut into,
    );
    into.extend_from_slice(status.as_bytes());

    let eight_bit_return = !report.returned.is_ascii();
    match report.returned {
        Returned::Full { header, text } => {
            let description = "Undelivered message";
            begin_part(
                &boundary,
                "message/rfc822",
                description,
                eight_bit_return,
                &mut into,
            );
            into.extend_from_slice(header);
            into.extend_from_slice(text);
        }
        Returned::Headers(header) => {
            let description = "Header of the message";
            begin_part(
                &boundary,
                "text/rfc822-headers",
                description,
                eight_bit_return,
                &mut into,
            );
            into.extend_from_slice(header.trim_ascii_end());
        }
    }
    into.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    into
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Failed => "Undelivered mail returned to sender",
            Self::Delayed => "Delayed mail (still being tried)",
            Self::Delivered => "Successful mail delivery report",
            Self::Relayed => "Mail was passed on",
        }
    }
}

impl Returned<'_> {
    fn pieces(&self) -> [&[u8]; 2] {
        match *self {
            Self::Full { header, text } => [header, text],
            Self::Headers(header) => [header, b""],
        }
    }

    fn is_ascii(&self) -> bool {
        self.pieces().iter().all(|piece| piece.is_ascii())
    }

    fn size(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }

    fn message_id(&self) -> Option<&[u8]> {
        let [header, _] = self.pieces();
        let field = fields(header).find(|field| field.is("Message-ID"))?;
        let value = field.value.trim_ascii();
        let plain = value.iter().all(u8::is_ascii_graphic);
        (plain && value.len() < 500).then_some(value)
    }
}

fn write_header(report: &Report<'_>, boundary: &str, eight_bit: bool, into: &mut Vec<u8>) {
    let from = line(report.from);
    let to = line(report.to);
    let mut header = format!(
        "Date: {}\r\nFrom: Mail Delivery System <{from}>\r\nTo: <{to}>\r\nSubject: {}\r\n\
         Message-ID: <{}>\r\n",
        trace::date(report.at),
        report.action.subject(),
        line(report.message_id),
    );
    if let Some(original) = report.returned.message_id() {
        let original = String::from_utf8_lossy(original);
        header.push_str(&format!(
            "In-Reply-To: {original}\r\nReferences: {original}\r\n"
        ));
    }
    header.push_str(&format!(
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"{boundary}\"\r\n"
    ));
    if eight_bit {
        header.push_str("Content-Transfer-Encoding: 8bit\r\n");
    }
    header.push_str("\r\nThis is a delivery status notification in MIME format.\r\n");
    into.extend_from_slice(header.as_bytes());
}

fn begin_part(
    boundary: &str,
    media_type: &str,
    description: &str,
    eight_bit: bool,
    into: &mut Vec<u8>,
) {
    let encoding = if eight_bit { "8bit" } else { "7bit" };
    into.extend_from_slice(
        format!(
            "\r\n--{boundary}\r\nContent-Type: {media_type}\r\n\
             Content-Description: {description}\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\r\n"
        )
        .as_bytes(),
    );
}

/// A boundary that does not occur in the report; derived from the Message-ID, so that it is reproducible.
fn boundary(report: &Report<'_>, readable: &str, status: &str) -> String {
    let base: String = report
        .message_id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(40)
        .collect();
    let [header, text] = report.returned.pieces();
    let contents = [readable.as_bytes(), status.as_bytes(), header, text];
    let mut number = 0_u32;
    loop {
        let boundary = format!("={number}_{base}");
        let finder = memmem::Finder::new(&boundary);
        if contents
            .iter()
            .all(|content| finder.find(content).is_none())
        {
            return boundary;
        }
        number += 1;
    }
}

/// Text from outside as one line.
fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text
        .split(|character: char| is_command(character) || character == ' ')
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
