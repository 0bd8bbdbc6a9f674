//! What is announced. Only what is complete stands here.

/// What a session may use at this moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announce {
    pub(crate) authenticated: bool,
    pub(crate) starttls: bool,
    pub(crate) login: bool,
    pub(crate) max_message_size: u64,
}

const ALWAYS: &str = "IMAP4rev1 LITERAL+ ID ENABLE";

const AUTHENTICATED: &str = "IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE ESEARCH SEARCHRES \
     WITHIN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE";

impl Announce {
    /// The list, as CAPABILITY tells it.
    pub(crate) fn list(self) -> String {
        if self.authenticated {
            let limit = self.max_message_size;
            return format!("{ALWAYS} {AUTHENTICATED} APPENDLIMIT={limit}");
        }
        let mut list = format!("{ALWAYS} SASL-IR");
        if self.starttls {
            list += " STARTTLS";
        }
        list += if self.login {
            " AUTH=PLAIN AUTH=LOGIN"
        } else {
            " LOGINDISABLED"
        };
        list
    }
}
