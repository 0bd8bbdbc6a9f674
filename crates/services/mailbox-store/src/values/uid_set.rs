//! Sets of UIDs.

use api::mailbox::v1::UidRange;

use crate::{Error, Result};

/// UIDs as ranges: ascending, disjoint, not adjacent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidSet(Vec<(u32, u32)>);

impl UidSet {
    /// Every UID.
    pub fn all() -> Self {
        Self(vec![(1, u32::MAX)])
    }

    /// From a request: in any order, overlapping or not.
    pub fn parse(ranges: &[UidRange]) -> Result<Self> {
        if ranges.iter().any(|range| range.first > range.last) {
            return Err(Error::Invalid(
                "a range of UIDs ends before it starts".into(),
            ));
        }
        Ok(Self::normalize(
            ranges
                .iter()
                .map(|range| (range.first, range.last))
                .collect(),
        ))
    }

    /// As [`UidSet::parse`]; an empty list means all.
    pub fn parse_or_all(ranges: &[UidRange]) -> Result<Self> {
        if ranges.is_empty() {
            return Ok(Self::all());
        }
        Self::parse(ranges)
    }

    fn normalize(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the UID is in it.
    pub fn contains(&self, uid: u32) -> bool {
        let behind = self.0.partition_point(|range| range.0 <= uid);
        behind > 0 && self.0[behind - 1].1 >= uid
    }

    /// The UIDs above this one.
    pub fn behind(&self, uid: u32) -> Self {
        Self(
            self.0
                .iter()
                .filter(|range| range.1 > uid)
                .map(|range| (range.0.max(uid.saturating_add(1)), range.1))
                .collect(),
        )
    }

    /// First UIDs of the ranges, as a parameter for `UNNEST`.
    pub fn firsts(&self) -> Vec<i64> {
        self.0.iter().map(|range| i64::from(range.0)).collect()
    }

    /// Last UIDs of the ranges, as a parameter for `UNNEST`.
    pub fn lasts(&self) -> Vec<i64> {
        self.0.iter().map(|range| i64::from(range.1)).collect()
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> Self {
        Self::normalize(uids.into_iter().map(|uid| (uid, uid)).collect())
    }
}

/// The same UIDs as ranges of the contract.
pub fn ranges_of(uids: &UidSet) -> Vec<UidRange> {
    uids.0
        .iter()
        .map(|&(first, last)| UidRange { first, last })
        .collect()
}
