//! Simulated faults, and recorded calls.

use api::mailbox::v1::Delivery;

/// The simulated faults.
#[derive(Debug, Default)]
pub struct Faults {
    /// Every call fails.
    pub down: bool,
    /// Only FETCH fails.
    pub fetch_fails: bool,
    /// Watchers receive no changes.
    pub hushed: bool,
    /// Only the first piece of a streamed answer is sent, without an end.
    pub stalled: bool,
    /// Reading a message fails after this number of octets.
    pub reads_break_after: Option<usize>,
    /// The stream breaks instead of answering this number of batches of deliveries.
    pub break_streams: usize,
    /// This number of batches is delivered and answered with an unknown outcome.
    pub lose_answers: usize,
    /// Batches with a delivery to this user are refused as invalid.
    pub poison: Option<String>,
    /// The mailboxes of this user are full.
    pub full: Option<String>,
}

/// The recorded calls.
#[derive(Debug, Default)]
pub struct Seen {
    /// Number of calls, without streams of notifications and of deliveries.
    pub calls: usize,
    /// The longest piece of an upload.
    pub longest_piece: usize,
    /// Offset and length of each read.
    pub reads: Vec<(u64, u64)>,
    /// Sizes of the batches of deliveries.
    pub batches: Vec<usize>,
    /// The deliveries.
    pub delivered: Vec<Delivery>,
}
