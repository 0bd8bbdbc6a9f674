//! NOTIFY of a recipient (RFC 3461 §4.1): which notices its sender gets.

use api::queue::v1::Notify;

/// The default without NOTIFY: failure, and delay, which RFC 3461 §4.1 leaves open.
const NOT_GIVEN: Notify = Notify {
    success: false,
    failure: true,
    delay: true,
};

pub(crate) fn wants_success(notify: Option<Notify>) -> bool {
    notify.unwrap_or(NOT_GIVEN).success
}

pub(crate) fn wants_failure(notify: Option<Notify>) -> bool {
    notify.unwrap_or(NOT_GIVEN).failure
}

pub(crate) fn wants_delay(notify: Option<Notify>) -> bool {
    notify.unwrap_or(NOT_GIVEN).delay
}

/// Whether NOTIFY is NEVER.
pub(crate) fn wants_nothing(notify: Option<Notify>) -> bool {
    notify == Some(Notify::NEVER)
}

/// Adds delay.
pub(crate) fn and_delay(notify: Option<Notify>) -> Notify {
    Notify {
        delay: true,
        ..notify.unwrap_or(NOT_GIVEN)
    }
}
