//! What a test wants to go wrong, and what it looks at.

use api::mailbox::v1::Delivery;

/// What goes wrong.
#[derive(Debug, Default)]
pub struct Faults {
    /// Every call fails.
    pub down: bool,
    /// FETCH fails, and nothing else.
    pub fetch_fails: bool,
    /// No change is told to those who watch.
    pub hushed: bool,
    /// Of a streamed answer only the first piece comes, and no end.
    pub stalled: bool,
    /// A message that is read breaks off after so many octets.
    pub reads_break_after: Option<usize>,
    /// So many batches of deliveries more are answered by the stream breaking.
    pub break_streams: usize,
    /// So many batches more are delivered, and answered as if that were not known.
    pub lose_answers: usize,
    /// Batches with a delivery to this user are refused as invalid.
    pub poison: Option<String>,
    /// The mailboxes of this user are full.
    pub full: Option<String>,
}

/// What has been asked for.
#[derive(Debug, Default)]
pub struct Seen {
    /// Calls, streams of notices and of deliveries not counted.
    pub calls: usize,
    /// The longest piece of an upload.
    pub longest_piece: usize,
    /// Offset and length of each read.
    pub reads: Vec<(u64, u64)>,
    /// Sizes of the batches of deliveries.
    pub batches: Vec<usize>,
    /// What has been delivered.
    pub delivered: Vec<Delivery>,
}
