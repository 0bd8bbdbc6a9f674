//! Commands. Start at `TABLE`: each verb, the states that allow it, and its parser. One command is one
//! file.

mod append;
mod authenticate;
mod copy;
mod create;
mod enable;
mod fetch;
mod id;
mod list;
mod login;
mod rename;
mod search;
mod select;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod uid;

use bytes::{Bytes, BytesMut};

pub use append::AppendHead;
pub use authenticate::Authenticate;
pub use copy::Copy;
pub use create::{Create, SpecialUse};
pub use enable::Enable;
pub use fetch::{Fetch, FetchItem};
pub use id::Id;
pub use list::{List, ListReturn, ListSelection, Lsub};
pub use login::Login;
pub use rename::Rename;
pub use search::{Search, SearchKey, SearchReturn};
pub use select::Select;
pub use status::{Status, StatusItem};
pub use store::{Store, StoreMode};

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::wire::{Side, put_astring};
use crate::{MailboxName, MessageSet, Phase, Tag};

/// A parsed command. APPEND is not included: its message is passed on as events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// CAPABILITY
    Capability,
    /// NOOP
    Noop,
    /// LOGOUT
    Logout,
    /// ID (RFC 2971)
    Id(Id),
    /// STARTTLS
    StartTls,
    /// AUTHENTICATE
    Authenticate(Authenticate),
    /// LOGIN
    Login(Login),
    /// ENABLE (RFC 5161)
    Enable(Enable),
    /// SELECT
    Select(Select),
    /// EXAMINE
    Examine(Select),
    /// CREATE
    Create(Create),
    /// DELETE
    Delete(MailboxName),
    /// RENAME
    Rename(Rename),
    /// SUBSCRIBE
    Subscribe(MailboxName),
    /// UNSUBSCRIBE
    Unsubscribe(MailboxName),
    /// LIST
    List(List),
    /// LSUB
    Lsub(Lsub),
    /// NAMESPACE (RFC 2342)
    Namespace,
    /// STATUS
    Status(Status),
    /// IDLE (RFC 2177)
    Idle,
    /// CHECK
    Check,
    /// CLOSE
    Close,
    /// UNSELECT (RFC 3691)
    Unselect,
    /// EXPUNGE
    Expunge,
    /// UID EXPUNGE (RFC 4315)
    UidExpunge(MessageSet),
    /// SEARCH and UID SEARCH
    Search(Search),
    /// FETCH and UID FETCH
    Fetch(Fetch),
    /// STORE and UID STORE
    Store(Store),
    /// COPY and UID COPY
    Copy(Copy),
    /// MOVE and UID MOVE (RFC 6851)
    Move(Copy),
}

/// A verb: the states that allow it, and the parser of its arguments.
pub(crate) struct Entry {
    verb: &'static str,
    phase: Phase,
    parse: fn(&mut Cursor) -> Result<Command>,
}

const fn entry(
    verb: &'static str,
    phase: Phase,
    parse: fn(&mut Cursor) -> Result<Command>,
) -> Entry {
    Entry { verb, phase, parse }
}

/// The commands of the protocol.
const TABLE: &[Entry] = &[
    entry("CAPABILITY", Phase::Any, |_| Ok(Command::Capability)),
    entry("NOOP", Phase::Any, |_| Ok(Command::Noop)),
    entry("LOGOUT", Phase::Any, |_| Ok(Command::Logout)),
    entry("ID", Phase::Any, |c| Id::parse(c).map(Command::Id)),
    entry("STARTTLS", Phase::NotAuthenticated, |_| {
        Ok(Command::StartTls)
    }),
    entry("AUTHENTICATE", Phase::NotAuthenticated, |c| {
        Authenticate::parse(c).map(Command::Authenticate)
    }),
    entry("LOGIN", Phase::NotAuthenticated, |c| {
        Login::parse(c).map(Command::Login)
    }),
    entry("ENABLE", Phase::Authenticated, |c| {
        Enable::parse(c).map(Command::Enable)
    }),
    entry("SELECT", Phase::Authenticated, |c| {
        Select::parse(c).map(Command::Select)
    }),
    entry("EXAMINE", Phase::Authenticated, |c| {
        Select::parse(c).map(Command::Examine)
    }),
    entry("CREATE", Phase::Authenticated, |c| {
        Create::parse(c).map(Command::Create)
    }),
    entry("DELETE", Phase::Authenticated, |c| {
        mailbox_behind_space(c).map(Command::Delete)
    }),
    entry("RENAME", Phase::Authenticated, |c| {
        Rename::parse(c).map(Command::Rename)
    }),
    entry("SUBSCRIBE", Phase::Authenticated, |c| {
        mailbox_behind_space(c).map(Command::Subscribe)
    }),
    entry("UNSUBSCRIBE", Phase::Authenticated, |c| {
        mailbox_behind_space(c).map(Command::Unsubscribe)
    }),
    entry("LIST", Phase::Authenticated, |c| {
        List::parse(c).map(Command::List)
    }),
    entry("LSUB", Phase::Authenticated, |c| {
        Lsub::parse(c).map(Command::Lsub)
    }),
    entry("NAMESPACE", Phase::Authenticated, |_| {
        Ok(Command::Namespace)
    }),
    entry("STATUS", Phase::Authenticated, |c| {
        Status::parse(c).map(Command::Status)
    }),
    // The reader handles a well-formed APPEND before this point.
    entry("APPEND", Phase::Authenticated, |_| {
        Err(CommandError::Expected("a mailbox and a message literal"))
    }),
    entry("IDLE", Phase::Authenticated, |_| Ok(Command::Idle)),
    entry("CHECK", Phase::Selected, |_| Ok(Command::Check)),
    entry("CLOSE", Phase::Selected, |_| Ok(Command::Close)),
    entry("UNSELECT", Phase::Selected, |_| Ok(Command::Unselect)),
    entry("EXPUNGE", Phase::Selected, |_| Ok(Command::Expunge)),
    entry("SEARCH", Phase::Selected, |c| {
        Search::parse(c, false).map(Command::Search)
    }),
    entry("FETCH", Phase::Selected, |c| {
        Fetch::parse(c, false).map(Command::Fetch)
    }),
    entry("STORE", Phase::Selected, |c| {
        Store::parse(c, false).map(Command::Store)
    }),
    entry("COPY", Phase::Selected, |c| {
        Copy::parse(c, false).map(Command::Copy)
    }),
    entry("MOVE", Phase::Selected, |c| {
        Copy::parse(c, false).map(Command::Move)
    }),
    entry("UID", Phase::Selected, uid::parse),
];

/// One parsed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The tag, if there is a valid one.
    pub tag: Option<Tag>,
    /// The command and the states that allow it, or the error.
    pub result: std::result::Result<(Phase, Command), CommandError>,
}

impl Parsed {
    /// Parses a complete command: its lines and literals, without the last line break.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Self {
        let tag = Tag::at_start_of(&bytes);
        let Some(length) = tag.as_ref().map(|tag| tag.as_bytes().len()) else {
            return Self {
                tag: None,
                result: Err(CommandError::NoTag),
            };
        };
        let mut cursor = Cursor::new(bytes);
        cursor.back_to(length + 1);
        Self {
            tag,
            result: parse_untagged(&mut cursor),
        }
    }
}

fn parse_untagged(cursor: &mut Cursor) -> Result<(Phase, Command)> {
    let verb = cursor.atom("a command")?;
    let entry = TABLE
        .iter()
        .find(|entry| verb.eq_ignore_ascii_case(entry.verb.as_bytes()))
        .ok_or(CommandError::Unknown)?;
    let command = (entry.parse)(cursor)?;
    cursor.end()?;
    Ok((entry.phase, command))
}

impl Command {
    /// Writes the command as a client would, with its line break. Names are in modified UTF-7.
    pub fn write(&self, tag: &str, out: &mut BytesMut) {
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(b" ");
        self.write_untagged(out);
        out.extend_from_slice(b"\r\n");
    }

    fn write_untagged(&self, out: &mut BytesMut) {
        let (word, mailbox) = match self {
            Self::Capability => ("CAPABILITY", None),
            Self::Noop => ("NOOP", None),
            Self::Logout => ("LOGOUT", None),
            Self::StartTls => ("STARTTLS", None),
            Self::Namespace => ("NAMESPACE", None),
            Self::Idle => ("IDLE", None),
            Self::Check => ("CHECK", None),
            Self::Close => ("CLOSE", None),
            Self::Unselect => ("UNSELECT", None),
            Self::Expunge => ("EXPUNGE", None),
            Self::Delete(name) => ("DELETE ", Some(name)),
            Self::Subscribe(name) => ("SUBSCRIBE ", Some(name)),
            Self::Unsubscribe(name) => ("UNSUBSCRIBE ", Some(name)),
            Self::UidExpunge(messages) => return messages.write("EXPUNGE", out),
            Self::Id(id) => return id.write(out),
            Self::Authenticate(authenticate) => return authenticate.write(out),
            Self::Login(login) => return login.write(out),
            Self::Enable(enable) => return enable.write(out),
            Self::Select(select) => return select.write("SELECT", out),
            Self::Examine(select) => return select.write("EXAMINE", out),
            Self::Create(create) => return create.write(out),
            Self::Rename(rename) => return rename.write(out),
            Self::List(list) => return list.write(out),
            Self::Lsub(lsub) => return lsub.write(out),
            Self::Status(status) => return status.write(out),
            Self::Search(search) => return search.write(out),
            Self::Fetch(fetch) => return fetch.write(out),
            Self::Store(store) => return store.write(out),
            Self::Copy(copy) => return copy.write("COPY", out),
            Self::Move(copy) => return copy.write("MOVE", out),
        };
        out.extend_from_slice(word.as_bytes());
        if let Some(name) = mailbox {
            put_mailbox(out, name);
        }
    }
}

fn mailbox_behind_space(cursor: &mut Cursor) -> Result<MailboxName> {
    cursor.space()?;
    cursor.mailbox()
}

pub(crate) fn put_mailbox(out: &mut BytesMut, name: &MailboxName) {
    put_astring(out, &name.to_wire(), Side::Client);
}
