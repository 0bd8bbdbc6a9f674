//! Refusals waiting to be reported: bounded, with repetitions counted together.

use std::collections::HashMap;

use crate::queue::v1::Refusal;

/// Maximum number of rows: the size of one report, and the memory needed while the queue is unavailable.
const MOST_ROWS: usize = 1000;

/// Distinct recipients, logins or texts of one peer for one verdict between two reports: a dictionary
/// attack does not crowd out other refusals.
const MOST_OF_A_PEER: u32 = 10;

/// Replaces the names beyond that.
const OTHERS: &str = "(others)";

/// Maximum length of a text in octets. The queue keeps at most 1,000.
const LONGEST_TEXT: usize = 1000;

const MINUTE_MS: i64 = 60_000;

/// Peer, verdict, and subject: the recipient or, without one, the login and the reasons, which include the
/// client's words. (The reasons for a recipient may contain counters, so the first refusal's are kept.)
type Key = (String, String, String);

/// The refusals since the last report.
#[derive(Debug)]
pub(super) struct Buffer {
    rows: HashMap<Key, Refusal>,
    /// Rows of each peer for each verdict.
    of_a_peer: HashMap<(String, String), u32>,
    /// Rows that may still be started in this minute.
    left: u32,
    minute: i64,
    rows_a_minute: u32,
    /// Refusals dropped since the last report, and the time of the last one.
    lost: u64,
    lost_at: i64,
}

impl Buffer {
    pub(super) fn new(rows_a_minute: u32) -> Self {
        Self {
            rows: HashMap::new(),
            of_a_peer: HashMap::new(),
            left: rows_a_minute,
            minute: 0,
            rows_a_minute,
            lost: 0,
            lost_at: 0,
        }
    }

    /// Adds a refusal of `at_ms`; false if there is no room.
    pub(super) fn note(&mut self, refusal: Refusal) -> bool {
        let now = refusal.at_ms;
        let minute = now.div_euclid(MINUTE_MS);
        if minute != self.minute {
            (self.minute, self.left) = (minute, self.rows_a_minute);
        }
        let refusal = self.fitted(refusal);
        if let Some(row) = self.rows.get_mut(&key(&refusal)) {
            row.count += refusal.count;
            row.last_at_ms = row.last_at_ms.max(refusal.last_at_ms);
            return true;
        }
        if self.left == 0 || self.rows.len() >= MOST_ROWS {
            self.lost += refusal.count;
            self.lost_at = now;
            return false;
        }
        self.left -= 1;
        self.insert(refusal);
        true
    }

    /// The rows to report, and one row with the number of dropped refusals.
    pub(super) fn take(&mut self) -> Vec<Refusal> {
        self.of_a_peer.clear();
        let mut refusals: Vec<Refusal> = self.rows.drain().map(|(_, refusal)| refusal).collect();
        refusals.sort_unstable_by_key(|refusal| refusal.at_ms);
        if self.lost > 0 {
            refusals.push(Refusal {
                at_ms: self.lost_at,
                last_at_ms: self.lost_at,
                count: std::mem::take(&mut self.lost),
                verdict: "not-kept".to_owned(),
                reasons: vec!["more was refused than is kept a minute".to_owned()],
                ..Refusal::default()
            });
        }
        refusals
    }

    /// Puts unreported rows back as far as there is room; returns how many are lost.
    pub(super) fn put_back(&mut self, refusals: Vec<Refusal>) -> u64 {
        let mut lost = 0;
        for refusal in refusals {
            let no_peer = refusal.peer_address.is_empty();
            if let Some(row) = self.rows.get_mut(&key(&refusal)) {
                row.count += refusal.count;
                row.at_ms = row.at_ms.min(refusal.at_ms);
            } else if no_peer || self.rows.len() >= MOST_ROWS {
                self.lost += refusal.count;
                self.lost_at = self.lost_at.max(refusal.last_at_ms);
                // Earlier losses have already been counted.
                lost += if no_peer { 0 } else { refusal.count };
            } else {
                self.insert(refusal);
            }
        }
        lost
    }

    fn insert(&mut self, refusal: Refusal) {
        let shown = self.of_a_peer.entry(peer_and_verdict(&refusal));
        *shown.or_default() += 1;
        self.rows.insert(key(&refusal), refusal);
    }

    /// The refusal in storable form: texts shortened, rows of one peer limited.
    fn fitted(&self, mut refusal: Refusal) -> Refusal {
        for text in [
            &mut refusal.helo,
            &mut refusal.login,
            &mut refusal.reverse_path,
            &mut refusal.recipient,
        ] {
            text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        }
        let shown = self.of_a_peer.get(&peer_and_verdict(&refusal));
        if shown.is_some_and(|shown| *shown >= MOST_OF_A_PEER)
            && !self.rows.contains_key(&key(&refusal))
        {
            one_of_others(&mut refusal);
        }
        refusal
    }
}

/// Removes the details, to merge it with others of its peer and verdict.
fn one_of_others(refusal: &mut Refusal) {
    if !refusal.recipient.is_empty() {
        OTHERS.clone_into(&mut refusal.recipient);
    } else if refusal.reasons.is_empty() {
        OTHERS.clone_into(&mut refusal.login);
    } else {
        refusal.login.clear();
        refusal.reasons = vec![OTHERS.to_owned()];
    }
}

fn key(refusal: &Refusal) -> Key {
    let (peer, verdict) = peer_and_verdict(refusal);
    let about = match refusal.recipient.as_str() {
        "" => format!("{}\n{}", refusal.login, refusal.reasons.join("\n")),
        recipient => recipient.to_owned(),
    };
    (peer, verdict, about)
}

fn peer_and_verdict(refusal: &Refusal) -> (String, String) {
    (refusal.peer_address.clone(), refusal.verdict.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(at_ms: i64, peer: &str, recipient: &str) -> Refusal {
        Refusal {
            at_ms,
            last_at_ms: at_ms,
            count: 1,
            peer_address: peer.to_owned(),
            recipient: recipient.to_owned(),
            verdict: "no-such-user".to_owned(),
            ..Refusal::default()
        }
    }

    fn counts(refusals: &[Refusal]) -> Vec<(&str, &str, u64)> {
        let mut counts: Vec<_> = refusals
            .iter()
            .map(|r| (r.peer_address.as_str(), r.recipient.as_str(), r.count))
            .collect();
        counts.sort_unstable();
        counts
    }

    #[test]
    fn what_one_peer_repeats_is_counted_in_one_row() {
        let mut buffer = Buffer::new(100);
        for n in 0..5000 {
            assert!(buffer.note(refusal(n, "192.0.2.1", "bob@x.test")));
        }
        assert!(buffer.note(refusal(9, "192.0.2.2", "bob@x.test")));
        let taken = buffer.take();
        assert_eq!(
            counts(&taken),
            [
                ("192.0.2.1", "bob@x.test", 5000),
                ("192.0.2.2", "bob@x.test", 1)
            ]
        );
        assert_eq!((taken[0].at_ms, taken[0].last_at_ms), (0, 4999));
        assert!(buffer.take().is_empty());
    }

    #[test]
    fn who_tries_a_dictionary_gets_a_few_rows_and_a_count() {
        let mut buffer = Buffer::new(100);
        for n in 0..1000 {
            assert!(buffer.note(refusal(n, "192.0.2.1", &format!("u{n}@x.test"))));
        }
        assert!(
            buffer.note(refusal(1000, "192.0.2.1", "u3@x.test")),
            "shown already"
        );
        let taken = buffer.take();
        assert_eq!(taken.len(), 11);
        let counts = counts(&taken);
        assert!(counts.contains(&("192.0.2.1", "(others)", 990)));
        assert!(counts.contains(&("192.0.2.1", "u3@x.test", 2)));
        assert!(buffer.note(refusal(1001, "192.0.2.1", "u77@x.test")));
        assert_eq!(
            buffer.take()[0].recipient,
            "u77@x.test",
            "after a report anew"
        );
    }

    #[test]
    fn names_that_were_to_log_in_are_told_apart_and_are_few_as_well() {
        let mut buffer = Buffer::new(100);
        for n in 0..100 {
            let login = format!("u{n}@x.test");
            buffer.note(Refusal {
                login,
                ..refusal(n, "192.0.2.1", "")
            });
        }
        let taken = buffer.take();
        assert_eq!(taken.len(), 11);
        assert_eq!(taken[3].login, "u3@x.test");
        assert_eq!(
            (taken[10].login.as_str(), taken[10].count),
            ("(others)", 90)
        );
    }

    #[test]
    fn what_was_said_is_told_apart_and_is_little_as_well() {
        let mut buffer = Buffer::new(100);
        let said = |n: i64, words: &str| Refusal {
            reasons: vec![format!("said: {words}")],
            ..refusal(n, "192.0.2.1", "")
        };
        for n in 0..3 {
            buffer.note(said(n, "RCPT TO:<bob>"));
            buffer.note(said(n, "RCPT TO:<eve>"));
        }
        let taken = buffer.take();
        let rows: Vec<_> = taken
            .iter()
            .map(|row| (&*row.reasons[0], row.count))
            .collect();
        assert_eq!(taken.len(), 2);
        assert!(rows.contains(&("said: RCPT TO:<bob>", 3)), "{rows:?}");
        assert!(rows.contains(&("said: RCPT TO:<eve>", 3)), "{rows:?}");

        for n in 0..100 {
            buffer.note(said(n, &format!("WORD {n}")));
        }
        let taken = buffer.take();
        assert_eq!(taken.len(), 11);
        assert_eq!((&*taken[10].reasons[0], taken[10].count), ("(others)", 90));
        // Refusals of one recipient that differ only in their reasons are one row.
        for n in 0..100 {
            let reasons = vec![format!("{n} s are left")];
            buffer.note(Refusal {
                reasons,
                ..refusal(n, "192.0.2.1", "bob@x.test")
            });
        }
        assert_eq!(buffer.take().len(), 1);
    }

    #[test]
    fn a_minute_has_so_many_rows_and_what_is_beyond_is_told() {
        let mut buffer = Buffer::new(3);
        for n in 0..5 {
            let kept = buffer.note(refusal(n, &format!("192.0.2.{n}"), "bob@x.test"));
            assert_eq!(kept, n < 3);
        }
        assert!(
            buffer.note(refusal(6, "192.0.2.1", "bob@x.test")),
            "no new row"
        );
        let taken = buffer.take();
        assert_eq!(taken.len(), 4);
        let missing = &taken[3];
        assert_eq!((missing.verdict.as_str(), missing.count), ("not-kept", 2));
        // Not before the next minute, however often a report is made.
        assert!(!buffer.note(refusal(59_999, "192.0.2.9", "bob@x.test")));
        assert!(buffer.note(refusal(60_000, "192.0.2.9", "bob@x.test")));
    }

    #[test]
    fn what_could_not_be_reported_is_taken_back_as_far_as_there_is_room() {
        let mut buffer = Buffer::new(u32::MAX);
        for n in 0..1100 {
            buffer.note(refusal(
                n,
                &format!("10.0.{}.{}", n / 256, n % 256),
                "b@x.test",
            ));
        }
        let taken = buffer.take();
        assert_eq!(taken.len(), MOST_ROWS + 1);
        assert!(buffer.note(refusal(2000, "10.0.0.1", "b@x.test")));
        assert!(buffer.note(refusal(2000, "192.0.2.1", "b@x.test")));
        assert_eq!(buffer.put_back(taken), 1, "one had to give way");
        let again = buffer.take();
        assert_eq!(again.len(), MOST_ROWS + 1);
        assert_eq!(
            again.iter().map(|r| r.count).sum::<u64>(),
            1102,
            "all are told of"
        );
        let first = again.iter().find(|r| r.peer_address == "10.0.0.1");
        assert_eq!(
            first.map(|r| (r.at_ms, r.last_at_ms, r.count)),
            Some((1, 2000, 2))
        );
    }

    #[test]
    fn long_texts_are_cut() {
        let mut buffer = Buffer::new(1);
        buffer.note(refusal(0, "192.0.2.1", &"ü".repeat(3000)));
        assert_eq!(buffer.take()[0].recipient.len(), 1000);
    }
}
