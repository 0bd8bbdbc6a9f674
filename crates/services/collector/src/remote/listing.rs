//! Listings: UIDL and LIST.

use std::collections::BTreeMap;

use bytes::BytesMut;
use pop3_protocol::client::{ListedSize, ListedUidl, Listing, ReplyError};

use super::{Remote, RemoteError};

/// Maximum number of messages in a listing (I7); no POP3 account has more.
const MOST_MESSAGES: usize = 500_000;

/// A message in the server's listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) number: u32,
    /// `None` if the server has no UIDL, or an invalid one.
    pub(crate) uidl: Option<String>,
    /// Octets; `None` if the server gives no valid size.
    pub(crate) size: Option<u64>,
}

/// One listing: a value for each message number in it.
#[derive(Debug)]
struct Column<T> {
    of: BTreeMap<u32, Option<T>>,
    /// A line of it has no number.
    lacks_numbers: bool,
}

impl Remote {
    /// All messages, by number.
    pub(crate) async fn list(&mut self) -> Result<Vec<Entry>, RemoteError> {
        let uidl = |line: ListedUidl| (line.number, line.uidl);
        let size = |line: ListedSize| (line.number, line.size);
        let uidls = self.column("UIDL", Listing::take_uidl, uidl).await?;
        let sizes = self.column("LIST", Listing::take_size, size).await?;
        match (uidls, sizes) {
            (Err(_), Err(reason)) => Err(RemoteError::Refused {
                command: "LIST",
                reason,
            }),
            (uidls, sizes) => Ok(combined(uidls.ok(), sizes.ok())),
        }
    }

    /// Reads a listing. Returns the server's reason if it refuses the command.
    async fn column<L, T>(
        &mut self,
        command: &'static str,
        mut take: impl FnMut(&mut BytesMut) -> Result<Option<Listing<L>>, ReplyError>,
        read: impl Fn(L) -> (u32, T),
    ) -> Result<Result<Column<T>, String>, RemoteError> {
        if let Err(reason) = self.ask(command).await? {
            return Ok(Err(reason));
        }
        let mut column = Column {
            of: BTreeMap::new(),
            lacks_numbers: false,
        };
        let mut lines = 0;
        loop {
            match self.take(&mut take).await? {
                Listing::End => return Ok(Ok(column)),
                Listing::Line(line) => {
                    let (number, value) = read(line);
                    column.of.entry(number).or_insert(Some(value));
                }
                Listing::Odd(Some(number)) => {
                    column.of.entry(number).or_insert(None);
                }
                Listing::Odd(None) => column.lacks_numbers = true,
            }
            lines += 1;
            if lines > MOST_MESSAGES {
                return Err(RemoteError::TooMany(MOST_MESSAGES));
            }
        }
    }
}

/// One message for each number in LIST. A number that occurs only in UIDL belongs to a message that has
/// arrived since, unless LIST is unreliable.
fn combined(uidls: Option<Column<String>>, sizes: Option<Column<u64>>) -> Vec<Entry> {
    let mut uidls = uidls.map(|uidls| uidls.of).unwrap_or_default();
    let all = sizes.as_ref().is_none_or(|sizes| sizes.lacks_numbers);
    let mut sizes = sizes.map(|sizes| sizes.of).unwrap_or_default();
    if all {
        for number in uidls.keys() {
            sizes.entry(*number).or_insert(None);
        }
    }
    let entries = sizes.into_iter().map(|(number, size)| Entry {
        number,
        uidl: uidls.remove(&number).flatten(),
        size,
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column<T: Clone>(lines: &[(u32, Option<T>)], lacks_numbers: bool) -> Option<Column<T>> {
        Some(Column {
            of: lines.iter().cloned().collect(),
            lacks_numbers,
        })
    }

    fn entry(number: u32, uidl: Option<&str>, size: Option<u64>) -> Entry {
        let uidl = uidl.map(str::to_owned);
        Entry { number, uidl, size }
    }

    #[test]
    fn a_message_whose_line_is_odd_is_listed_all_the_same() {
        let uidls = || column(&[(1, Some("a".to_owned())), (2, None)], false);
        let sizes = || column(&[(1, None), (2, Some(5))], false);
        let (a, b) = (Some("a"), None);
        assert_eq!(
            combined(uidls(), sizes()),
            [entry(1, a, None), entry(2, b, Some(5))]
        );
        assert_eq!(
            combined(None, sizes()),
            [entry(1, None, None), entry(2, None, Some(5))]
        );
        assert_eq!(
            combined(uidls(), None),
            [entry(1, a, None), entry(2, b, None)]
        );
    }

    #[test]
    fn what_only_uidl_has_is_for_the_next_poll_unless_list_is_odd() {
        let uidls = || {
            column(
                &[(1, Some("a".to_owned())), (2, Some("b".to_owned()))],
                false,
            )
        };
        let sizes = |lacks_numbers| column(&[(1, Some(5))], lacks_numbers);
        assert_eq!(
            combined(uidls(), sizes(false)),
            [entry(1, Some("a"), Some(5))]
        );
        assert_eq!(
            combined(uidls(), sizes(true)),
            [entry(1, Some("a"), Some(5)), entry(2, Some("b"), None)]
        );
    }
}
