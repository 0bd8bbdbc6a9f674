//! The mechanisms by name.

/// The hash function of SCRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SCRAM-SHA-1 (RFC 5802).
    Sha1,
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
}

/// What a server has for logins on a connection, beyond users with passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Something that a proof can be bound to.
    pub bindings: bool,
    /// The client has shown a certificate that names somebody.
    pub certificate: bool,
    /// Access tokens can be checked.
    pub tokens: bool,
}

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardized and widely used.
    Login,
    /// RFC 5802; `plus` is with channel binding.
    Scram {
        /// By which hash.
        hash: Hash,
        /// The proof is bound to the TLS session.
        plus: bool,
    },
    /// RFC 4422 appendix A.
    External,
    /// OAUTHBEARER (RFC 7628), or XOAUTH2, which came before it and says the same.
    Bearer(Dialect),
}

/// How an access token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 7628.
    OAuthBearer,
    /// Never standardized and widely used.
    XOAuth2,
}

const fn scram(hash: Hash, plus: bool) -> Mechanism {
    Mechanism::Scram { hash, plus }
}

/// The best first.
const ALL: [(&str, Mechanism); 9] = [
    ("EXTERNAL", Mechanism::External),
    ("SCRAM-SHA-256-PLUS", scram(Hash::Sha256, true)),
    ("SCRAM-SHA-1-PLUS", scram(Hash::Sha1, true)),
    ("SCRAM-SHA-256", scram(Hash::Sha256, false)),
    ("SCRAM-SHA-1", scram(Hash::Sha1, false)),
    ("OAUTHBEARER", Mechanism::Bearer(Dialect::OAuthBearer)),
    ("XOAUTH2", Mechanism::Bearer(Dialect::XOAuth2)),
    ("PLAIN", Mechanism::Plain),
    ("LOGIN", Mechanism::Login),
];

impl Mechanism {
    /// The names of those that are offered, the best first.
    pub fn names(offer: Offer) -> impl Iterator<Item = &'static str> {
        ALL.into_iter()
            .filter(move |(_, mechanism)| mechanism.is_offered(offer))
            .map(|(name, _)| name)
    }

    /// The mechanism of this name, in any case, if it is offered.
    pub fn named(name: &str, offer: Offer) -> Option<Self> {
        let found = ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .map(|(_, mechanism)| *mechanism)
            .filter(|mechanism| mechanism.is_offered(offer))
    }

    fn is_offered(self, offer: Offer) -> bool {
        match self {
            Self::Plain | Self::Login => true,
            Self::Scram { plus, .. } => offer.bindings || !plus,
            Self::External => offer.certificate,
            Self::Bearer(_) => offer.tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: Offer = Offer {
        bindings: true,
        certificate: true,
        tokens: true,
    };

    #[test]
    fn what_is_named_is_known_by_its_name() {
        assert_eq!(Mechanism::names(EVERYTHING).count(), ALL.len());
        for name in Mechanism::names(EVERYTHING) {
            assert!(
                Mechanism::named(&name.to_lowercase(), EVERYTHING).is_some(),
                "{name}"
            );
        }
        for name in ["", "CRAM-MD5", "SCRAM-SHA-512", "PLAIN "] {
            assert_eq!(Mechanism::named(name, EVERYTHING), None, "{name:?}");
        }
    }

    #[test]
    fn what_is_not_offered_is_neither_named_nor_taken() {
        let nothing = Offer::default();
        let without: Vec<_> = Mechanism::names(nothing).collect();
        assert_eq!(without, ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]);
        for name in Mechanism::names(EVERYTHING).filter(|name| !without.contains(name)) {
            assert_eq!(Mechanism::named(name, nothing), None, "{name}");
        }
    }
}
