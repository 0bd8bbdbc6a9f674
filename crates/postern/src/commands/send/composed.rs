//! A message built from a subject and a text.

use mail_builder::MessageBuilder;
use rules::{EmailAddress, ReversePath};

use super::source::Trace;
use crate::failure::Failure;

/// What a built message says.
pub(super) struct Composed<'a> {
    pub(super) sender: &'a ReversePath,
    pub(super) recipients: &'a [EmailAddress],
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
}

impl Composed<'_> {
    /// The message's octets.
    pub(super) fn write(&self, trace: &Trace) -> Result<Vec<u8>, Failure> {
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
            .map_err(|error| Failure::System(format!("the message cannot be built: {error}")))
    }
}
