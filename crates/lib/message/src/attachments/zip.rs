//! File names within a ZIP archive, while it passes.
//!
//! Programs read archives by the directory at their end or by the header before each file, or repair broken
//! ones. Both are found by their signatures anywhere, and no length field is trusted. So data descriptors,
//! zip64 and junk before or between files do not matter; files of a stored inner archive and the names of
//! encrypted files are found too. A compressed ZIP within the ZIP is unpacked, one level deep; a deeper
//! one, or one with another compression method, exceeds the limits.

use memchr::memchr_iter;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};

/// Longer names are skipped: no file system accepts them.
const MAX_NAME: usize = 4_096;
/// Inspected octets of an entry's extra field.
const MAX_EXTRA: usize = 4_096;
/// Archives unpacked at the same time; false signatures may add some.
const MAX_UNPACKED: usize = 4;
/// Octets processed at once.
const PIECE: usize = 32 * 1024;

/// The names in an archive.
#[derive(Debug, Default)]
pub(super) struct ZipNames {
    /// Octets that begin, or may begin, with the signature of an entry.
    held: Vec<u8>,
    unpacked: Vec<Archive>,
}

/// A compressed archive within the archive.
struct Archive {
    inflate: Box<InflateState>,
    names: Box<ZipNames>,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").finish_non_exhaustive()
    }
}

/// The remaining limits for this message.
#[derive(Debug)]
pub(super) struct Budget {
    /// Octets of names.
    pub(super) names: usize,
    /// Octets of unpacked data.
    pub(super) unpacked: usize,
    /// Started unpackings: each takes some 80 KiB that are zeroed first.
    pub(super) archives: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            names: 16 * 1024 * 1024,
            unpacked: 64 * 1024 * 1024,
            archives: 10_000,
        }
    }
}

/// The limits are exceeded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl ZipNames {
    /// Takes the next octets of a content, ZIP or not; returns the names completed by them.
    pub(super) fn push(
        &mut self,
        octets: &[u8],
        budget: &mut Budget,
        found: &mut Vec<String>,
    ) -> Result<(), TooMuch> {
        self.scan(octets, budget, found, true)
    }

    fn scan(
        &mut self,
        octets: &[u8],
        budget: &mut Budget,
        found: &mut Vec<String>,
        outermost: bool,
    ) -> Result<(), TooMuch> {
        self.unpack(octets, budget, found)?;
        if self.held.is_empty() {
            let rest = self.look(octets, budget, found, outermost)?;
            self.held.extend_from_slice(rest);
            return Ok(());
        }
        // An entry, or a possible one, began in the previous piece: it is completed with as much of this
        // piece as it can need.
        let held = self.held.len();
        let more = octets.len().min(Entry::MAX);
        self.held.extend_from_slice(&octets[..more]);
        let whole = std::mem::take(&mut self.held);
        let older = self.unpacked.len();
        let rest = self.look(&whole, budget, found, outermost)?;
        let left = rest.len();
        if more == octets.len() {
            self.held = rest.to_vec();
            return Ok(());
        }
        let begun = self.unpacked.split_off(older);
        self.unpack_these(begun, &octets[more..], budget, found)?;
        // The octets after the held ones are scanned again in place.
        let seen = (whole.len() - left).saturating_sub(held);
        let rest = self.look(&octets[seen..], budget, found, outermost)?;
        self.held = rest.to_vec();
        Ok(())
    }

    /// Inspects all complete entries; returns the start of an incomplete one.
    fn look<'a>(
        &mut self,
        octets: &'a [u8],
        budget: &mut Budget,
        found: &mut Vec<String>,
        outermost: bool,
    ) -> Result<&'a [u8], TooMuch> {
        let mut rest = octets;
        loop {
            let Some(at) = signature(rest) else {
                return Ok(&[]);
            };
            rest = &rest[at..];
            match Entry::read(rest) {
                Read::Incomplete => return Ok(rest),
                Read::None => rest = &rest[2..],
                Read::Entry(entry) => {
                    entry.names(budget, found)?;
                    if entry.is_packed_archive() {
                        if !outermost || !entry.can_be_unpacked() {
                            return Err(TooMuch);
                        }
                        self.begin_unpacking(&rest[entry.end..], budget, found)?;
                    }
                    rest = &rest[4..];
                }
            }
        }
    }

    fn begin_unpacking(
        &mut self,
        octets: &[u8],
        budget: &mut Budget,
        found: &mut Vec<String>,
    ) -> Result<(), TooMuch> {
        if self.unpacked.len() >= MAX_UNPACKED {
            return Err(TooMuch);
        }
        budget.archives = budget.archives.checked_sub(1).ok_or(TooMuch)?;
        let mut archive = Archive {
            inflate: InflateState::new_boxed(DataFormat::Raw),
            names: Box::default(),
        };
        if archive.push(octets, budget, found)? {
            self.unpacked.push(archive);
        }
        Ok(())
    }

    fn unpack(
        &mut self,
        octets: &[u8],
        budget: &mut Budget,
        found: &mut Vec<String>,
    ) -> Result<(), TooMuch> {
        let archives = std::mem::take(&mut self.unpacked);
        self.unpack_these(archives, octets, budget, found)
    }

    fn unpack_these(
        &mut self,
        archives: Vec<Archive>,
        octets: &[u8],
        budget: &mut Budget,
        found: &mut Vec<String>,
    ) -> Result<(), TooMuch> {
        for mut archive in archives {
            if archive.push(octets, budget, found)? {
                self.unpacked.push(archive);
            }
        }
        Ok(())
    }
}

impl Archive {
    /// Whether more data is expected.
    fn push(
        &mut self,
        mut octets: &[u8],
        budget: &mut Budget,
        found: &mut Vec<String>,
    ) -> Result<bool, TooMuch> {
        let mut piece = vec![0; PIECE];
        loop {
            let step = inflate(&mut self.inflate, octets, &mut piece, MZFlush::None);
            octets = octets.get(step.bytes_consumed..).unwrap_or_default();
            budget.unpacked = budget
                .unpacked
                .checked_sub(step.bytes_written)
                .ok_or(TooMuch)?;
            let written = piece.get(..step.bytes_written).unwrap_or_default();
            self.names.scan(written, budget, found, false)?;
            match step.status {
                Ok(MZStatus::Ok) if step.bytes_consumed + step.bytes_written > 0 => {}
                // More input is needed.
                Ok(MZStatus::Ok) | Err(miniz_oxide::MZError::Buf) => return Ok(true),
                // It has ended, or is invalid.
                _ => return Ok(false),
            }
            if octets.is_empty() && step.bytes_written < PIECE {
                return Ok(true);
            }
        }
    }
}

/// The position of a signature, or of its possible start at the end. (Crafted octets may contain millions
/// of near matches: each costs only this comparison.)
fn signature(octets: &[u8]) -> Option<usize> {
    memchr_iter(b'P', octets).find(|&at| {
        matches!(
            octets[at + 1..],
            [] | [b'K'] | [b'K', 1 | 3] | [b'K', 1, 2, ..] | [b'K', 3, 4, ..]
        )
    })
}

enum Read<'a> {
    Incomplete,
    None,
    Entry(Entry<'a>),
}

/// The header of a file, before it or in the directory (APPNOTE §4.3.7, §4.3.12).
struct Entry<'a> {
    name: &'a [u8],
    extra: &'a [u8],
    flags: u16,
    method: u16,
    is_local: bool,
    /// Its extra field exceeds the inspected length.
    is_long: bool,
    /// The start of the file's data.
    end: usize,
}

impl<'a> Entry<'a> {
    const MAX: usize = 46 + MAX_NAME + MAX_EXTRA;

    /// Parses an entry at a signature.
    fn read(octets: &'a [u8]) -> Read<'a> {
        let is_local = match octets {
            [_, _, 3, 4, ..] => true,
            [_, _, 1, 2, ..] => false,
            _ => return Read::Incomplete,
        };
        let (lengths, fixed) = if is_local { (26, 30) } else { (28, 46) };
        let (Some(name), Some(extra)) = (short(octets, lengths), short(octets, lengths + 2)) else {
            return Read::Incomplete;
        };
        let flags_at = if is_local { 6 } else { 8 };
        let (Some(flags), Some(method)) = (short(octets, flags_at), short(octets, flags_at + 2))
        else {
            return Read::Incomplete;
        };
        let (name, extra) = (usize::from(name), usize::from(extra));
        if name > MAX_NAME || name == 0 {
            return Read::None;
        }
        let shown = extra.min(MAX_EXTRA);
        let (Some(name), Some(shown)) = (
            octets.get(fixed..fixed + name),
            octets.get(fixed + name..fixed + name + shown),
        ) else {
            return Read::Incomplete;
        };
        // Does not wait for the end of a long extra field.
        let end = fixed + name.len() + extra;
        Read::Entry(Self {
            name,
            extra: shown,
            flags,
            method,
            is_local,
            is_long: extra > MAX_EXTRA,
            end: end.min(octets.len()),
        })
    }

    /// The name, and the Info-ZIP Unicode path (0x7075) that replaces it.
    fn names(&self, budget: &mut Budget, found: &mut Vec<String>) -> Result<(), TooMuch> {
        let mut take = |name: &[u8]| {
            budget.names = budget.names.checked_sub(name.len() + 16).ok_or(TooMuch)?;
            found.push(String::from_utf8_lossy(name).into_owned());
            Ok(())
        };
        take(self.name)?;
        let mut extra = self.extra;
        while let (Some(id), Some(size)) = (short(extra, 0), short(extra, 2)) {
            let end = 4 + usize::from(size);
            // A version and a checksum of the other name come first.
            if id == 0x7075
                && let Some(name) = extra.get(9..end.min(extra.len()))
                && !name.is_empty()
            {
                take(name)?;
            }
            extra = extra.get(end..).unwrap_or_default();
        }
        Ok(())
    }

    /// Compressed, not encrypted, and named like an archive.
    fn is_packed_archive(&self) -> bool {
        const ARCHIVES: [&[u8]; 4] = [b".zip", b".jar", b".apk", b".war"];
        self.is_local
            && self.method != 0
            && self.flags & 1 == 0
            && ARCHIVES.iter().any(|ending| {
                let name = self.name.trim_ascii_end();
                name.len() >= ending.len()
                    && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
            })
    }
}

impl Entry<'_> {
    /// Deflated, with a known start of its data.
    fn can_be_unpacked(&self) -> bool {
        self.method == 8 && !self.is_long
    }
}

/// A little-endian 16-bit number.
fn short(octets: &[u8], at: usize) -> Option<u16> {
    let pair = octets.get(at..at + 2)?;
    Some(u16::from_le_bytes([pair[0], pair[1]]))
}
