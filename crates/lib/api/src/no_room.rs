//! The answer of a service that stores nothing more, since the volume has too little free space.
//! It is neither a limit of the caller's nor a failure: reading, delivery and deleting go on.

use tonic::Status;
use tonic::metadata::MetadataValue;

/// In the answer's header.
const KEY: &str = "postern-no-room";

/// There is no room for that.
#[must_use]
pub fn no_room(what: &str) -> Status {
    let mut status = Status::resource_exhausted(what);
    let metadata = status.metadata_mut();
    metadata.insert(KEY, MetadataValue::from_static("1"));
    status
}

/// Whether a call failed for want of room.
#[must_use]
pub fn is_no_room(status: &Status) -> bool {
    status.metadata().contains_key(KEY)
}
