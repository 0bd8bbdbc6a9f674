//! Response codes (RFC 9051 §7.1, RFC 5530).

use std::fmt;

use crate::{Flags, RangeSet};

/// A response code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// The mailbox exists.
    AlreadyExists,
    /// Wrong login or password.
    AuthenticationFailed,
    /// The charsets that SEARCH supports.
    BadCharset,
    /// The server never supports this.
    Cannot,
    /// The server's capabilities.
    Capability(String),
    /// The client's command is invalid.
    ClientBug,
    /// The result of COPY: UIDVALIDITY, target UIDs, source UIDs.
    CopyUid(u32, RangeSet, RangeSet),
    /// The result of APPEND: UIDVALIDITY, UID.
    AppendUid(u32, u32),
    /// Messages have been expunged without the client's knowledge.
    ExpungeIssued,
    /// A limit is reached.
    Limit,
    /// The mailbox does not exist.
    NonExistent,
    /// The changeable flags; any keyword too.
    PermanentFlags(Flags),
    /// Login requires TLS.
    PrivacyRequired,
    /// No flag can be changed.
    NoPermanentFlags,
    /// Opened by EXAMINE.
    ReadOnly,
    /// Opened by SELECT.
    ReadWrite,
    /// An internal error.
    ServerBug,
    /// The message exceeds the size limit.
    TooBig,
    /// The client should use CREATE.
    TryCreate,
    /// The next UID.
    UidNext(u32),
    /// The mailbox's UIDVALIDITY.
    UidValidity(u32),
    /// A service does not answer; try later.
    Unavailable,
    /// Sequence number of the first unseen message.
    Unseen(u32),
    /// A special use that CREATE does not support.
    UseAttr,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Capability(list) => return write!(f, "CAPABILITY {list}"),
            Self::CopyUid(validity, from, to) => {
                return write!(f, "COPYUID {validity} {from} {to}");
            }
            Self::AppendUid(validity, uid) => return write!(f, "APPENDUID {validity} {uid}"),
            Self::PermanentFlags(flags) => return write_permanent_flags(f, flags),
            Self::UidNext(uid) => return write!(f, "UIDNEXT {uid}"),
            Self::UidValidity(validity) => return write!(f, "UIDVALIDITY {validity}"),
            Self::Unseen(number) => return write!(f, "UNSEEN {number}"),
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::BadCharset => "BADCHARSET (US-ASCII UTF-8)",
            Self::Cannot => "CANNOT",
            Self::ClientBug => "CLIENTBUG",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::Limit => "LIMIT",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPermanentFlags => "PERMANENTFLAGS ()",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::ServerBug => "SERVERBUG",
            Self::TooBig => "TOOBIG",
            Self::TryCreate => "TRYCREATE",
            Self::Unavailable => "UNAVAILABLE",
            Self::UseAttr => "USEATTR",
        };
        f.write_str(word)
    }
}

fn write_permanent_flags(f: &mut fmt::Formatter<'_>, flags: &Flags) -> fmt::Result {
    f.write_str("PERMANENTFLAGS (")?;
    for name in flags.names() {
        write!(f, "{name} ")?;
    }
    f.write_str("\\*)")
}
