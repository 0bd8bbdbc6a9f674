//! Values that requests are parsed into, once: mailbox name, set of UIDs, keywords, user address. A parsed
//! value is always valid.

mod keywords;
mod mailbox_name;
mod uid_set;
mod user_address;

#[cfg(test)]
mod tests;

pub use keywords::{Keywords, MAX_KEYWORDS};
pub use mailbox_name::MailboxName;
pub use uid_set::{UidSet, ranges_of};
pub use user_address::UserAddress;

/// Bits of `mailbox.v1.Flags.system`.
pub mod flag {
    /// `\Seen`
    pub const SEEN: i32 = 1;
    /// `\Answered`
    pub const ANSWERED: i32 = 2;
    /// `\Flagged`
    pub const FLAGGED: i32 = 4;
    /// `\Deleted`
    pub const DELETED: i32 = 8;
    /// `\Draft`
    pub const DRAFT: i32 = 16;
    /// All system flags.
    pub const ALL: i32 = SEEN | ANSWERED | FLAGGED | DELETED | DRAFT;
}

/// System flags from a request; unknown bits are refused.
pub fn system_flags(bits: u32) -> crate::Result<i32> {
    i32::try_from(bits)
        .ok()
        .filter(|bits| bits & !flag::ALL == 0)
        .ok_or_else(|| crate::Error::Invalid(format!("unknown system flags: {bits:#x}")))
}

/// A number of the contract in Postgres' form.
pub fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number of Postgres in the contract's form; it is never negative.
pub fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A UID, UIDVALIDITY or count from Postgres' 64 bits.
pub fn narrow(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(if value < 0 { 0 } else { u32::MAX })
}
