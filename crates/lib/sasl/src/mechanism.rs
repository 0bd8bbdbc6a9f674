//! The mechanisms by name.

/// The hash function of SCRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SCRAM-SHA-1 (RFC 5802).
    Sha1,
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
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
}

const fn scram(hash: Hash, plus: bool) -> Mechanism {
    Mechanism::Scram { hash, plus }
}

/// The best first.
const ALL: [(&str, Mechanism); 6] = [
    ("SCRAM-SHA-256-PLUS", scram(Hash::Sha256, true)),
    ("SCRAM-SHA-1-PLUS", scram(Hash::Sha1, true)),
    ("SCRAM-SHA-256", scram(Hash::Sha256, false)),
    ("SCRAM-SHA-1", scram(Hash::Sha1, false)),
    ("PLAIN", Mechanism::Plain),
    ("LOGIN", Mechanism::Login),
];

impl Mechanism {
    /// Their names, the best first; those with channel binding where there is something to bind
    /// to.
    pub fn names(bindings: bool) -> impl Iterator<Item = &'static str> {
        ALL.into_iter()
            .filter(move |(_, mechanism)| bindings || !mechanism.is_plus())
            .map(|(name, _)| name)
    }

    /// The mechanism of this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let found = ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, mechanism)| *mechanism)
    }

    /// Whether the proof is bound to the TLS session.
    pub fn is_plus(self) -> bool {
        matches!(self, Self::Scram { plus: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_known_by_its_name() {
        for name in Mechanism::names(true) {
            assert!(Mechanism::named(&name.to_lowercase()).is_some(), "{name}");
        }
        let without: Vec<_> = Mechanism::names(false).collect();
        assert_eq!(without, ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]);
        for name in ["", "CRAM-MD5", "SCRAM-SHA-512", "PLAIN "] {
            assert_eq!(Mechanism::named(name), None, "{name:?}");
        }
    }
}
