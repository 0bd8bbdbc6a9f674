//! Results, as types of this crate.

use rules::{AuthenticationFacts, AuthenticationResult, DmarcRequest, Finding};

/// A method of sender authentication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// The reverse DNS name of the peer.
    Iprev,
    /// SPF of the name in HELO.
    SpfHelo,
    /// SPF of the reverse-path.
    Spf,
    /// A DKIM signature.
    Dkim,
    /// DMARC of the author's domain.
    Dmarc,
    /// The chain of ARC sets.
    Arc,
}

impl Method {
    /// The name in RFC 8601 §2.7.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iprev => "iprev",
            Self::SpfHelo | Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
            Self::Arc => "arc",
        }
    }
}

/// One result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reported {
    /// The method.
    pub method: Method,
    /// The result.
    pub result: AuthenticationResult,
    /// The domain or address checked; empty if there is none.
    pub subject: String,
    /// The reason, if it needs saying.
    pub reason: Option<&'static str>,
    /// Further properties for `Authentication-Results`: `header.s` and so on.
    pub properties: Vec<(&'static str, String)>,
}

impl Reported {
    pub(crate) fn new(method: Method, result: AuthenticationResult, subject: &str) -> Self {
        Self {
            method,
            result,
            subject: subject.to_owned(),
            reason: None,
            properties: Vec::new(),
        }
    }

    pub(crate) fn because(mut self, reason: Option<&'static str>) -> Self {
        self.reason = reason;
        self
    }

    pub(crate) fn with(mut self, property: &'static str, value: impl Into<String>) -> Self {
        self.properties.push((property, value.into()));
        self
    }
}

/// All results of a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// In the order of reporting.
    pub results: Vec<Reported>,
    /// The request of the author's domain for failures of DMARC.
    pub dmarc_request: DmarcRequest,
}

impl Findings {
    /// The results of one method.
    pub fn of(&self, method: Method) -> impl Iterator<Item = &Reported> {
        self.results
            .iter()
            .filter(move |reported| reported.method == method)
    }

    /// The facts for `rules`.
    #[must_use]
    pub fn facts(&self) -> AuthenticationFacts {
        AuthenticationFacts {
            iprev: self.finding(Method::Iprev),
            spf_helo: self.finding(Method::SpfHelo),
            spf: self.finding(Method::Spf),
            dkim: self.finding(Method::Dkim),
            dmarc: self.finding(Method::Dmarc),
            dmarc_request: self.dmarc_request,
            arc: self.finding(Method::Arc),
        }
    }

    /// The best result of a method: one valid signature is enough, and a temporary error is better than a
    /// failure.
    fn finding(&self, method: Method) -> Option<Finding> {
        self.of(method)
            .min_by_key(|reported| rank(reported.result))
            .map(|reported| Finding {
                result: reported.result,
                subject: reported.subject.clone(),
            })
    }
}

fn rank(result: AuthenticationResult) -> u8 {
    match result {
        AuthenticationResult::Pass => 0,
        AuthenticationResult::TempError => 1,
        AuthenticationResult::Fail => 2,
        AuthenticationResult::SoftFail => 3,
        AuthenticationResult::Policy => 4,
        AuthenticationResult::PermError => 5,
        AuthenticationResult::Neutral => 6,
        AuthenticationResult::None => 7,
    }
}
