//! The scanner's summary as the contracts carry it.

use api::message::v1;
use message::sort::{SortAddress, SortKeys};
use message::{Part, Summary};

/// The summary as a message of the contracts.
#[must_use]
pub fn summary(summary: Summary) -> v1::Summary {
    v1::Summary {
        envelope: summary.envelope,
        body_structure: summary.body_structure,
        body: summary.body,
        parts: summary.parts.into_iter().map(part).collect(),
        sent_at: summary.sent_at,
        message_id: summary.message_id,
        subject: summary.subject,
        from: summary.from,
        lines: summary.lines,
        scanner_version: summary.scanner_version,
        in_reply_to: summary.in_reply_to,
        references: summary.references,
        sort: Some(sort_keys(summary.sort)),
    }
}

fn sort_keys(keys: SortKeys) -> v1::SortKeys {
    v1::SortKeys {
        base_subject: keys.base_subject,
        is_reply: keys.is_reply,
        from: keys.from.map(sort_address),
        to: keys.to.map(sort_address),
        cc: keys.cc.map(sort_address),
    }
}

fn sort_address(address: SortAddress) -> v1::SortAddress {
    v1::SortAddress {
        name: address.name,
        mailbox: address.mailbox,
        host: address.host,
    }
}

fn part(part: Part) -> v1::Part {
    v1::Part {
        path: part.path,
        header_start: part.header_start,
        body_start: part.body_start,
        end: part.end,
        nested_text_start: part.nested_text_start,
        media_type: part.media_type,
        charset: part.charset,
        encoding: part.encoding,
        filename: part.filename,
        disposition: part.disposition,
        languages: part.languages,
        location: part.location,
    }
}
