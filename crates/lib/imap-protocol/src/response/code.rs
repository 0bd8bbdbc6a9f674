//! Response codes (RFC 9051 §7.1, RFC 5530).

use std::fmt;

use crate::{Flags, RangeSet};

/// A response code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// Such a mailbox exists.
    AlreadyExists,
    /// Wrong login or password.
    AuthenticationFailed,
    /// Charsets that SEARCH takes.
    BadCharset,
    /// Not by this server, ever.
    Cannot,
    /// What the server can do.
    Capability(String),
    /// What the client sent makes no sense.
    ClientBug,
    /// Where COPY put what: UIDVALIDITY, UIDs there, UIDs here.
    CopyUid(u32, RangeSet, RangeSet),
    /// Where APPEND put the message: UIDVALIDITY, UID.
    AppendUid(u32, u32),
    /// Messages are gone that the client does not know to be gone.
    ExpungeIssued,
    /// A limit is reached.
    Limit,
    /// No such mailbox.
    NonExistent,
    /// Flags that can be changed; any keyword as well.
    PermanentFlags(Flags),
    /// No login without TLS.
    PrivacyRequired,
    /// No flag can be changed.
    NoPermanentFlags,
    /// Opened by EXAMINE.
    ReadOnly,
    /// Opened by SELECT.
    ReadWrite,
    /// Our fault.
    ServerBug,
    /// Larger than messages may be.
    TooBig,
    /// CREATE would help.
    TryCreate,
    /// The UID that comes next.
    UidNext(u32),
    /// The mailbox's UIDVALIDITY.
    UidValidity(u32),
    /// Something behind us does not answer; try later.
    Unavailable,
    /// Sequence number of the first message that is not seen.
    Unseen(u32),
    /// A special use that CREATE cannot give.
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
