//! The mechanisms by name, and their requirements.

/// The hash function of SCRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SCRAM-SHA-1 (RFC 5802).
    Sha1,
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
}

/// A login mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardized and widely used.
    Login,
    /// RFC 5802; `plus` is with channel binding.
    Scram {
        /// The hash function.
        hash: Hash,
        /// The proof is bound to the TLS session.
        plus: bool,
    },
    /// RFC 4422 appendix A.
    External,
    /// OAUTHBEARER (RFC 7628), or its equivalent predecessor XOAUTH2.
    Bearer(Dialect),
}

/// The message format of an access token.
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

/// In order of preference.
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
    /// The registered name.
    pub fn name(self) -> &'static str {
        let found = ALL.iter().find(|(_, mechanism)| *mechanism == self);
        found.map_or("", |(name, _)| name)
    }

    const fn is_possible(self, state: ConnectionState) -> bool {
        match self {
            Self::Plain | Self::Login => true,
            Self::Scram { plus, .. } => state.bindings || !plus,
            Self::External => state.certificate,
            // Anyone who reads a token can use it (RFC 6750 §5.3).
            Self::Bearer(_) => state.tls,
        }
    }
}

/// The facts about a connection that decide which mechanisms it has. The listener decides whether passwords
/// are accepted without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionState {
    /// It is protected by TLS.
    pub tls: bool,
    /// It has channel bindings.
    pub bindings: bool,
    /// The client has a certificate that names a user.
    pub certificate: bool,
}

/// A set of mechanisms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mechanisms(u16);

impl Mechanisms {
    /// No mechanism.
    pub const NONE: Self = Self(0);

    /// All mechanisms of this crate.
    pub const ALL: Self = Self((1 << ALL.len()) - 1);

    /// The mechanisms with these names; unknown names are ignored.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let known = names
            .into_iter()
            .filter_map(|name| Self::ALL.named(name))
            .map(bit);
        Self(known.fold(0, |set, bit| set | bit))
    }

    /// The set without access tokens, which need an issuer.
    pub fn without_tokens(self) -> Self {
        let tokens = ALL
            .iter()
            .filter(|(_, mechanism)| matches!(mechanism, Mechanism::Bearer(_)));
        Self(tokens.fold(self.0, |set, (_, mechanism)| set & !bit(*mechanism)))
    }

    /// The mechanisms available on a connection in this state.
    pub const fn on(self, state: ConnectionState) -> Self {
        let mut possible = 0;
        let mut place = 0;
        while place < ALL.len() {
            if ALL[place].1.is_possible(state) {
                possible |= 1 << place;
            }
            place += 1;
        }
        Self(self.0 & possible)
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names, in order of preference.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ALL.into_iter()
            .filter(move |(_, mechanism)| self.contains(*mechanism))
            .map(|(name, _)| name)
    }

    /// The mechanism with this name, in any case, if it is in the set.
    pub fn named(self, name: &str) -> Option<Mechanism> {
        ALL.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, mechanism)| *mechanism)
            .filter(|mechanism| self.contains(*mechanism))
    }

    fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & bit(mechanism) != 0
    }
}

fn bit(mechanism: Mechanism) -> u16 {
    let place = ALL.iter().position(|(_, known)| *known == mechanism);
    place.map_or(0, |place| 1 << place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_known_by_its_name() {
        assert_eq!(Mechanisms::ALL.names().count(), ALL.len());
        for name in Mechanisms::ALL.names() {
            let found = Mechanisms::ALL.named(&name.to_lowercase());
            assert_eq!(found.map(Mechanism::name), Some(name));
        }
        for name in ["", "CRAM-MD5", "SCRAM-SHA-512", "PLAIN "] {
            assert_eq!(Mechanisms::ALL.named(name), None, "{name:?}");
        }
        let some = Mechanisms::of_names(["plain", "SCRAM-SHA-1-PLUS", "X-NEW"]);
        let names: Vec<_> = some.names().collect();
        assert_eq!(names, ["SCRAM-SHA-1-PLUS", "PLAIN"]);
        assert!(Mechanisms::of_names([]).is_empty());
    }

    #[test]
    fn what_a_connection_lacks_is_neither_named_nor_taken() {
        let state = |tls, bindings, certificate| ConnectionState {
            tls,
            bindings,
            certificate,
        };
        let bare = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"];
        let tokens = ["OAUTHBEARER", "XOAUTH2"];
        let bound = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"];
        let rows: [(_, &[&str]); 4] = [
            (state(false, false, false), &[]),
            (state(true, false, false), &tokens),
            (state(false, true, false), &bound),
            (state(false, false, true), &["EXTERNAL"]),
        ];
        for (state, more) in rows {
            let offered = Mechanisms::ALL.on(state);
            for name in Mechanisms::ALL.names() {
                let expected = bare.contains(&name) || more.contains(&name);
                assert_eq!(offered.named(name).is_some(), expected, "{name} {state:?}");
            }
        }
        let without = Mechanisms::ALL.without_tokens().on(state(true, true, true));
        assert!(without.names().all(|name| !tokens.contains(&name)));
        assert_eq!(without.names().count(), ALL.len() - 2);
    }
}
