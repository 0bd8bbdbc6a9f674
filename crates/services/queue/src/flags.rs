//! Declared properties of a message, as the bits of queue.message.flags.

use api::queue::v1::{LeasedMessage, Submission};

const EIGHT_BIT: i16 = 1;
const SMTPUTF8: i16 = 2;
const BINARY: i16 = 4;
const REQUIRE_TLS: i16 = 8;
const JUNK: i16 = 16;
const COLLECTED: i16 = 32;

/// A set of these bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageFlags(i16);

impl MessageFlags {
    pub(crate) fn of(submission: &Submission) -> Self {
        let bits = [
            (submission.eight_bit, EIGHT_BIT),
            (submission.smtputf8, SMTPUTF8),
            (submission.binary, BINARY),
            (submission.require_tls, REQUIRE_TLS),
            (submission.junk, JUNK),
            (submission.collected.is_some(), COLLECTED),
        ];
        let set = bits.into_iter().filter(|(is_set, _)| *is_set);
        Self(set.fold(0, |all, (_, bit)| all | bit))
    }

    pub(crate) fn from_bits(bits: i16) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> i16 {
        self.0
    }

    /// Sets the declared properties on the message.
    pub(crate) fn on(self, message: LeasedMessage) -> LeasedMessage {
        let has = |bit| self.0 & bit != 0;
        LeasedMessage {
            eight_bit: has(EIGHT_BIT),
            smtputf8: has(SMTPUTF8),
            binary: has(BINARY),
            require_tls: has(REQUIRE_TLS),
            junk: has(JUNK),
            collected: has(COLLECTED),
            ..message
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_submission_declares_comes_with_its_leases() {
        let submission = Submission {
            smtputf8: true,
            require_tls: true,
            collected: Some(api::queue::v1::Collected::default()),
            ..Submission::default()
        };
        let flags = MessageFlags::of(&submission);
        let leased = MessageFlags::from_bits(flags.bits()).on(LeasedMessage::default());
        let expected = LeasedMessage {
            smtputf8: true,
            require_tls: true,
            collected: true,
            ..LeasedMessage::default()
        };
        assert_eq!(leased, expected);
    }
}
