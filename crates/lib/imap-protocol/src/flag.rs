//! Message flags and keywords.

use std::ops::{BitOr, BitOrAssign};

/// The stored system flags, as bits. `\Recent` is not included: it belongs to a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// `\Seen`
    pub const SEEN: Self = Self(1);
    /// `\Answered`
    pub const ANSWERED: Self = Self(2);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(4);
    /// `\Deleted`
    pub const DELETED: Self = Self(8);
    /// `\Draft`
    pub const DRAFT: Self = Self(16);
    /// All system flags.
    pub const ALL: Self = Self(31);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];

    /// The flag of this name, without its backslash.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::NAMES.into_iter().find_map(|(flag, known)| {
            let known = known.as_bytes().get(1..)?;
            known.eq_ignore_ascii_case(name).then_some(flag)
        })
    }

    /// From bits; unknown bits are dropped.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self((bits & u32::from(Self::ALL.0)) as u8)
    }

    /// As bits: 1 `\Seen`, 2 `\Answered`, 4 `\Flagged`, 8 `\Deleted`, 16 `\Draft`.
    #[must_use]
    pub fn bits(self) -> u32 {
        u32::from(self.0)
    }

    /// Whether all of these are set.
    #[must_use]
    pub fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// The names of the set flags, with backslash.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }
}

impl BitOr for SystemFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for SystemFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A keyword: an atom of at most 100 octets, compared ignoring case.
#[derive(Debug, Clone)]
pub struct Keyword(Box<str>);

impl Keyword {
    const LONGEST: usize = 100;

    /// A keyword of these octets, if valid.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        let sound = !octets.is_empty()
            && octets.len() <= Self::LONGEST
            && octets
                .iter()
                .all(|&octet| crate::cursor::is_atom_char(octet));
        let text = std::str::from_utf8(octets).ok()?;
        sound.then(|| Self(text.into()))
    }

    /// The keyword as first written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

/// A message's flags.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The system flags.
    pub system: SystemFlags,
    keywords: Vec<Keyword>,
}

impl Flags {
    const MOST_KEYWORDS: usize = 100;

    /// Flags without keywords.
    #[must_use]
    pub fn of(system: SystemFlags) -> Self {
        Self {
            system,
            keywords: Vec::new(),
        }
    }

    /// Adds a keyword, once. False if there are too many.
    #[must_use]
    pub fn insert(&mut self, keyword: Keyword) -> bool {
        if self.keywords.contains(&keyword) {
            return true;
        }
        if self.keywords.len() >= Self::MOST_KEYWORDS {
            return false;
        }
        self.keywords.push(keyword);
        true
    }

    /// The keywords.
    #[must_use]
    pub fn keywords(&self) -> &[Keyword] {
        &self.keywords
    }

    /// All flags by name.
    pub fn names<'a>(&'a self) -> impl Iterator<Item = &'a str> {
        let system = self.system.names().map(|name| -> &'a str { name });
        system.chain(self.keywords.iter().map(Keyword::as_str))
    }
}

impl PartialEq for Flags {
    /// The order of the keywords is irrelevant.
    fn eq(&self, other: &Self) -> bool {
        self.system == other.system
            && self.keywords.len() == other.keywords.len()
            && self.keywords.iter().all(|k| other.keywords.contains(k))
    }
}

impl Eq for Flags {}
