//! Sets of known numbers: UIDs or sequence numbers.

use std::fmt;
use std::ops::RangeInclusive;

/// A set of numbers as ascending ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangeSet(Vec<RangeInclusive<u32>>);

impl RangeSet {
    /// The union of these ranges, in any order.
    #[must_use]
    pub fn from_ranges(mut ranges: Vec<RangeInclusive<u32>>) -> Self {
        ranges.retain(|range| !range.is_empty());
        ranges.sort_unstable_by_key(|range| *range.start());
        let mut set = Self::default();
        for range in ranges {
            set.push_range(range);
        }
        set
    }

    /// Adds a number that is not below the existing ones.
    pub fn push(&mut self, number: u32) {
        self.push_range(number..=number);
    }

    fn push_range(&mut self, range: RangeInclusive<u32>) {
        if let Some(last) = self.0.last_mut()
            && *range.start() <= last.end().saturating_add(1)
        {
            if range.end() > last.end() {
                *last = *last.start()..=*range.end();
            }
            return;
        }
        self.0.push(range);
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u32>> + '_ {
        self.0.iter().cloned()
    }

    /// Every number, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges().flatten()
    }

    /// Whether the number is in the set.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        let behind = self.0.partition_point(|range| *range.start() <= number);
        behind
            .checked_sub(1)
            .and_then(|at| self.0.get(at))
            .is_some_and(|range| range.contains(&number))
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lowest number.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.0.first().map(|range| *range.start())
    }

    /// The highest number.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|range| *range.end())
    }

    /// The number of elements.
    #[must_use]
    pub fn count(&self) -> u64 {
        let size = |range: &RangeInclusive<u32>| u64::from(range.end() - range.start()) + 1;
        self.0.iter().map(size).sum()
    }
}

impl FromIterator<u32> for RangeSet {
    /// From ascending numbers.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::default();
        for number in numbers {
            set.push(number);
        }
        set
    }
}

impl fmt::Display for RangeSet {
    /// `sequence-set`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            if range.start() == range.end() {
                write!(f, "{}", range.start())?;
            } else {
                write!(f, "{}:{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::RangeSet;

    #[test]
    fn neighbours_become_one_range() {
        let set: RangeSet = [1, 2, 3, 5, 7, 8].into_iter().collect();
        assert_eq!(set.to_string(), "1:3,5,7:8");
        assert_eq!(set.count(), 6);
        assert!(set.contains(2) && !set.contains(4) && !set.contains(9));
    }

    #[test]
    fn ranges_in_any_order_are_put_in_order() {
        let set = RangeSet::from_ranges(vec![7..=9, 1..=2, 2..=4, 8..=8]);
        assert_eq!(set.to_string(), "1:4,7:9");
        assert_eq!((set.first(), set.last()), (Some(1), Some(9)));
    }

    #[test]
    fn the_last_number_has_no_neighbour() {
        let set = RangeSet::from_ranges(vec![u32::MAX..=u32::MAX, 1..=u32::MAX]);
        assert_eq!(set.count(), u64::from(u32::MAX));
    }
}
