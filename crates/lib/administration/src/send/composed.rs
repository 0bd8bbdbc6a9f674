//! A message built from a subject and a text.

use mail_builder::MessageBuilder;
use rules::{EmailAddress, ReversePath};

use super::source::Trace;
use crate::Error;

/// The content of a composed message.
pub(super) struct Composed<'a> {
    pub(super) sender: &'a ReversePath,
    pub(super) recipients: &'a [EmailAddress],
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
}

impl Composed<'_> {
    /// The message's octets.
    pub(super) fn write(&self, trace: &Trace) -> Result<Vec<u8>, Error> {
        let to: Vec<String> = self.recipients.iter().map(ToString::to_string).collect();
        let mut body = self.body.to_owned();
        if !body.ends_with('\n') {
            body.push('\n');
        }
        MessageBuilder::new()
            .from(trace.author(self.sender))
            .to(to)
            .subject(self.subject)
            .message_id(trace.message_id())
            .date(trace.at)
            .text_body(body)
            .write_to_vec()
            .map_err(|error| Error::Failed(format!("the message cannot be built: {error}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn a_built_message_is_plain_text_in_utf8() {
        let trace = Trace {
            hostname: "mail.example.test".to_owned(),
            full_name: None,
            id: "0123456789abcdef".to_owned(),
            at: 1_795_377_600,
        };
        let built = Composed {
            sender: &ReversePath::parse("eve@example.test").unwrap(),
            recipients: &["bob@example.test".parse().unwrap()],
            subject: "Grüße",
            body: "Es läuft.",
        };
        let built = String::from_utf8(built.write(&trace).unwrap()).unwrap();
        for line in [
            "From: <eve@example.test>\r\n",
            "To: <bob@example.test>\r\n",
            "Subject: =?utf-8?",
            "Message-ID: <0123456789abcdef@mail.example.test>\r\n",
            "Date: Sun, 22 Nov 2026 20:00:00 +0000\r\n",
            "Content-Type: text/plain; charset=\"utf-8\"\r\n",
        ] {
            assert!(built.contains(line), "{line} in\n{built}");
        }
        assert!(built.is_ascii(), "a 7-bit path must carry it");
    }
}
