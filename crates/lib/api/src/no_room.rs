//! The answer of a service that stores no more data because the volume has too little free space. It is
//! neither a limit of the caller nor a failure: reading, delivery and deletion continue.

use tonic::Status;
use tonic::metadata::MetadataValue;

/// Key in the answer's header.
const KEY: &str = "postern-no-room";

/// The answer for an operation without space.
#[must_use]
pub fn no_room(what: &str) -> Status {
    let mut status = Status::resource_exhausted(what);
    let metadata = status.metadata_mut();
    metadata.insert(KEY, MetadataValue::from_static("1"));
    status
}

/// Whether a call failed for lack of space.
#[must_use]
pub fn is_no_room(status: &Status) -> bool {
    status.metadata().contains_key(KEY)
}
