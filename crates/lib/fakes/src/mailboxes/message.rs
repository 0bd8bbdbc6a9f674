//! A message in a mailbox.

use api::mailbox::v1::{FetchRequest, FetchedMessage, Flags, MessageState};
use api::message::v1::Summary;
use bytes::Bytes;

/// 22 Nov 2026 10:00:01 UTC: the default arrival time.
const RECEIVED_AT_MS: i64 = 1_795_341_601_000;

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) modseq: u64,
    pub(super) flags: Flags,
    pub(super) internal_date_ms: i64,
    prefix_size: usize,
    header_size: usize,
    /// Prefix, header section and text.
    pub(super) octets: Bytes,
    summary: Summary,
}

impl Message {
    pub(super) fn new(prefix: &[u8], message: &[u8]) -> Self {
        let mut scanner = message::Scanner::new();
        let text = scanner.push(message).unwrap();
        let scanned = scanner.finish().unwrap();
        Self {
            modseq: 0,
            flags: Flags::default(),
            internal_date_ms: RECEIVED_AT_MS,
            prefix_size: prefix.len(),
            header_size: prefix.len() + scanned.header.len(),
            octets: [prefix, &scanned.header, &text].concat().into(),
            summary: intake::summary(scanned.summary),
        }
    }

    pub(super) fn received(self, at_ms: i64) -> Self {
        Self {
            internal_date_ms: at_ms,
            ..self
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.octets.len() as u64
    }

    /// Prefix and header section.
    pub(super) fn header(&self) -> Bytes {
        self.octets.slice(..self.header_size)
    }

    pub(super) fn text(&self) -> Bytes {
        self.octets.slice(self.header_size..)
    }

    pub(super) fn state(&self, uid: u32) -> MessageState {
        MessageState {
            uid,
            modseq: self.modseq,
            flags: Some(self.flags.clone()),
        }
    }

    pub(super) fn fetched(&self, uid: u32, request: &FetchRequest) -> FetchedMessage {
        let summary = &self.summary;
        let whole = self.size() <= request.content_up_to;
        let mut fetched = FetchedMessage {
            uid,
            modseq: self.modseq,
            flags: request.flags.then(|| self.flags.clone()),
            content: whole.then(|| self.octets.clone()),
            ..FetchedMessage::default()
        };
        if request.internal_date {
            fetched.internal_date_ms = self.internal_date_ms;
        }
        if request.size {
            fetched.size = self.size();
        }
        if request.envelope {
            fetched.envelope = summary.envelope.clone();
        }
        if request.body_structure {
            fetched.body_structure = summary.body_structure.clone();
        }
        if request.body {
            fetched.body = summary.body.clone();
        }
        if request.parts {
            fetched.parts = summary.parts.clone();
            fetched.prefix_size = u32::try_from(self.prefix_size).unwrap();
        }
        if request.header {
            fetched.header = self.header();
        }
        fetched
    }
}
