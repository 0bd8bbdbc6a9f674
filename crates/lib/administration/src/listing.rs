//! Lists, which the services return in pages.

/// Entries requested in one call.
const PAGE: u32 = 1000;

/// The first entries of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The requested number of entries, or all.
    pub entries: Vec<T>,
    /// More entries exist.
    pub more: bool,
}

/// A list read page by page. `C` is the continuation returned with the page before.
pub(crate) struct Pages<T, C> {
    limit: usize,
    entries: Vec<T>,
    after: Option<C>,
    ended: bool,
}

impl<T, C> Pages<T, C> {
    /// For at most `limit` entries.
    pub(crate) fn of(limit: usize) -> Self {
        Self {
            limit,
            entries: Vec::new(),
            after: None,
            ended: false,
        }
    }

    /// The continuation of the next page and the number of entries to request; none if the list is
    /// complete.
    pub(crate) fn next_page(&mut self) -> Option<(Option<C>, u32)> {
        let left = self.limit.saturating_sub(self.entries.len());
        if self.ended || left == 0 {
            return None;
        }
        let left = u32::try_from(left).unwrap_or(PAGE);
        Some((self.after.take(), left.min(PAGE)))
    }

    /// Adds a page, and the continuation of the next, if any.
    pub(crate) fn add(&mut self, entries: impl IntoIterator<Item = T>, next: Option<C>) {
        self.entries.extend(entries);
        self.ended = next.is_none();
        self.after = next;
    }

    /// The list.
    pub(crate) fn listing(self) -> Listing<T> {
        Listing {
            entries: self.entries,
            more: !self.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages of a list of 2,500 numbers.
    fn listed(limit: usize) -> Listing<u32> {
        let mut pages = Pages::of(limit);
        while let Some((after, limit)) = pages.next_page() {
            let from = after.unwrap_or(0);
            let to = (from + limit).min(2500);
            pages.add(from..to, (to < 2500).then_some(to));
        }
        pages.listing()
    }

    #[test]
    fn pages_are_asked_for_until_there_are_enough_or_no_more() {
        for (limit, found, more) in [
            (0, 0, true),
            (1500, 1500, true),
            (2500, 2500, false),
            (usize::MAX, 2500, false),
        ] {
            let listing = listed(limit);
            assert_eq!((listing.entries.len(), listing.more), (found, more));
            assert!(listing.entries.into_iter().eq(0..found as u32));
        }
    }
}
