//! Announced capabilities. Each is implemented completely.
//!
//! | capability | RFC | |
//! |---|---|---|
//! | IMAP4rev1 | 3501 | `\Recent`: messages that arrived while this session had the mailbox open |
//! | LITERAL+ | 7888 | |
//! | SASL-IR, AUTH= | 4959, 4616, 5802, 7677, 7628, 4422 | by the state of the connection |
//! | ID, ENABLE | 2971, 5161 | no capability needs ENABLE yet |
//! | IDLE | 2177 | |
//! | NAMESPACE, CHILDREN | 2342, 3348 | |
//! | UNSELECT, UIDPLUS, MOVE | 3691, 4315, 6851 | |
//! | ESEARCH, SEARCHRES, WITHIN | 4731, 5182, 5032 | |
//! | LIST-EXTENDED, LIST-STATUS | 5258, 5819 | |
//! | SPECIAL-USE, CREATE-SPECIAL-USE | 6154 | |
//! | STATUS=SIZE, APPENDLIMIT | 8438, 7889 | |
//!
//! Response codes of RFC 5530 are used throughout. Not yet: IMAP4rev2 (RFC 9051), for which BINARY is
//! missing, CONDSTORE and QRESYNC (RFC 7162).

use sasl::Mechanisms;

/// The capabilities that depend on the session's state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announce {
    pub(crate) authenticated: bool,
    pub(crate) starttls: bool,
    /// Empty if logins need TLS first.
    pub(crate) mechanisms: Mechanisms,
    pub(crate) max_message_size: u64,
}

const ALWAYS: &str = "IMAP4rev1 LITERAL+ ID ENABLE";

const AUTHENTICATED: &str = "IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE ESEARCH SEARCHRES \
     WITHIN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE";

impl Announce {
    /// The list for CAPABILITY.
    pub(crate) fn list(self) -> String {
        if self.authenticated {
            let limit = self.max_message_size;
            return format!("{ALWAYS} {AUTHENTICATED} APPENDLIMIT={limit}");
        }
        let mut list = format!("{ALWAYS} SASL-IR");
        if self.starttls {
            list += " STARTTLS";
        }
        for name in self.mechanisms.names() {
            list += " AUTH=";
            list += name;
        }
        if self.mechanisms.is_empty() {
            list += " LOGINDISABLED";
        }
        list
    }
}
