//! What vouches for the sender of a message: reverse DNS, SPF, DKIM, DMARC, ARC. The results of the
//! checks, and what becomes of a message by them.

use std::fmt;

use serde::Serialize;

/// What a check ended in, in the words of RFC 8601 §2.7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthenticationResult {
    /// It holds.
    Pass,
    /// Nobody vouches: there is no record, or no signature.
    None,
    /// The domain says that it does not know (SPF), or a signature cannot be read (DKIM).
    Neutral,
    /// The domain says that it is probably not its mail (SPF).
    SoftFail,
    /// It does not hold.
    Fail,
    /// A signature of a kind that proves nothing (DKIM).
    Policy,
    /// The DNS did not answer: it may end otherwise later.
    TempError,
    /// A record is wrong.
    PermError,
}

impl AuthenticationResult {
    pub(crate) const ALL: [Self; 8] = [
        Self::Pass,
        Self::None,
        Self::Neutral,
        Self::SoftFail,
        Self::Fail,
        Self::Policy,
        Self::TempError,
        Self::PermError,
    ];

    /// As `Authentication-Results` and the policy spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::SoftFail => "softfail",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for AuthenticationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the domain of the author asks for where DMARC fails (RFC 7489 §6.3). That it wants to be
/// obeyed for a part of its mail only (`pct`) is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcRequest {
    /// Nothing.
    #[default]
    None,
    /// To be looked at with suspicion; so is an author who cannot be told, of whatever domain.
    Quarantine,
    /// To be refused.
    Reject,
}

impl DmarcRequest {
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Quarantine, Self::Reject];

    /// As the domain's record spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// A check that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it ended in.
    pub result: AuthenticationResult,
    /// Whose record or signature was looked at: a domain or an address.
    pub subject: String,
}

impl Finding {
    /// `fail (bad.test)`
    pub(crate) fn told(&self) -> String {
        match self.subject.as_str() {
            "" => self.result.to_string(),
            subject => format!("{} ({subject})", self.result),
        }
    }
}

/// The checks of a message; `None` where one was not made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuthenticationFacts {
    /// Whether the peer's address has a name that has that address.
    pub iprev: Option<Finding>,
    /// SPF of the name in HELO.
    pub spf_helo: Option<Finding>,
    /// SPF of the reverse-path; that of HELO where the reverse-path is null (RFC 7208 §2.4).
    pub spf: Option<Finding>,
    /// The best of the DKIM signatures.
    pub dkim: Option<Finding>,
    /// DMARC of the author's domain.
    pub dmarc: Option<Finding>,
    /// What that domain asks for.
    pub dmarc_request: DmarcRequest,
    /// The chain of ARC sets; the subject is who sealed last.
    pub arc: Option<Finding>,
}

/// What a rule does about a result, from the mildest to the strictest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing.
    #[default]
    Accept,
    /// The message is taken and marked in its header.
    Mark,
    /// It is marked, and goes to the Junk mailboxes of those who have mailboxes here.
    Junk,
    /// It is marked, taken, and kept: delivered only when an administrator releases it.
    Quarantine,
    /// The message is refused; for now, where the result may be another later.
    Refuse,
}

impl Action {
    /// As the policy spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Mark => "mark",
            Self::Junk => "junk",
            Self::Quarantine => "quarantine",
            Self::Refuse => "refuse",
        }
    }
}
