//! Results of sender authentication (reverse DNS, SPF, DKIM, DMARC, ARC), and the actions for them.

use std::fmt;

use serde::Serialize;

/// The result of a check, in the words of RFC 8601 §2.7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthenticationResult {
    /// The check succeeded.
    Pass,
    /// No record or no signature exists.
    None,
    /// The domain makes no statement (SPF), or a signature cannot be parsed (DKIM).
    Neutral,
    /// The domain states that the mail is probably not its own (SPF).
    SoftFail,
    /// The check failed.
    Fail,
    /// A signature of a kind that is not accepted (DKIM).
    Policy,
    /// The DNS did not answer: a later result may differ.
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

/// The request of the author's domain for messages that fail DMARC (RFC 7489 §6.3). `pct` is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcRequest {
    /// No action.
    #[default]
    None,
    /// Treat as suspicious; also applies to an author who cannot be determined, of any domain.
    Quarantine,
    /// Refuse.
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

/// The result of a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Its result.
    pub result: AuthenticationResult,
    /// The checked domain or address.
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

/// The checks of a message; `None` for a check that was not made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuthenticationFacts {
    /// Whether the peer's reverse DNS name resolves to its address.
    pub iprev: Option<Finding>,
    /// SPF of the name in HELO.
    pub spf_helo: Option<Finding>,
    /// SPF of the reverse-path; that of HELO where the reverse-path is null (RFC 7208 §2.4).
    pub spf: Option<Finding>,
    /// The best of the DKIM signatures.
    pub dkim: Option<Finding>,
    /// DMARC of the author's domain.
    pub dmarc: Option<Finding>,
    /// The domain's request.
    pub dmarc_request: DmarcRequest,
    /// The chain of ARC sets; the subject is the last sealer.
    pub arc: Option<Finding>,
}

/// The action for a result, from the mildest to the strictest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// No action.
    #[default]
    Accept,
    /// The message is accepted and marked in its header.
    Mark,
    /// It is marked, and delivered to the Junk mailbox.
    Junk,
    /// It is marked, accepted and kept: it is delivered only if an administrator releases it.
    Quarantine,
    /// The message is refused; temporarily if a later result may differ.
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
