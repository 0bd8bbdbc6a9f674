//! Reasons why a process is not ready or does not answer, as text.

use tonic::Status;
use tonic::metadata::{MetadataMap, MetadataValue};

/// Header of an answer with the reason why the process is not ready, in UTF-8.
const REASON: &str = "postern-reason-bin";

/// Octets of a reason, since headers are limited.
const LONGEST_REASON: usize = 1024;

/// The reason in an answer's header.
pub(crate) fn reason_in(metadata: &MetadataMap) -> Option<String> {
    let octets = metadata.get_bin(REASON)?.to_bytes().ok()?;
    Some(String::from_utf8_lossy(&octets).into_owned())
}

pub(super) fn set_reason(metadata: &mut MetadataMap, reason: &str) {
    let end = reason.floor_char_boundary(LONGEST_REASON);
    let octets = &reason.as_bytes()[..end];
    metadata.insert_bin(REASON, MetadataValue::from_bytes(octets));
}

/// A failed call as text. The transport's error is in the sources of the status.
pub(crate) fn describe(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}
