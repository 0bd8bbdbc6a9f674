//! The source of a message, as the log and the history name it.

use api::queue::v1::{Component, Origin};

/// Longest id that is stored. Front ends make ids of 13 to 16 characters.
const LONGEST_SESSION: usize = 64;

/// The source of a message.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) component: Component,
    pub(crate) peer: String,
    pub(crate) login: String,
    session: String,
}

impl Source {
    pub(crate) fn of(origin: Origin) -> Self {
        let component = origin.component();
        let mut session = origin.session;
        // Ids are compared without regard to case, because people read them aloud.
        session.make_ascii_uppercase();
        Self {
            component,
            peer: origin.peer_address,
            login: origin.login,
            session,
        }
    }

    /// The id that the front end gave the message. A derived message has none.
    pub(crate) fn session(&self) -> Option<&str> {
        let is_id = (1..=LONGEST_SESSION).contains(&self.session.len())
            && self
                .session
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric());
        is_id.then_some(&*self.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(session: &str) -> Source {
        Source::of(Origin {
            session: session.to_owned(),
            ..Origin::default()
        })
    }

    #[test]
    fn a_message_has_the_id_of_its_front_end_in_upper_case() {
        let smtp = source("01M8pp6d2x9q7");
        assert_eq!(smtp.session(), Some("01M8PP6D2X9Q7"));
        let strange = ["", "a b", "é", &"A".repeat(65)];
        for session in strange {
            assert_eq!(source(session).session(), None, "{session}");
        }
    }
}
