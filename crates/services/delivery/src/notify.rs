//! NOTIFY of a recipient (RFC 3461 §4.1): what its sender is told.

use api::queue::v1::Notify;

/// What holds where it was not given: failure, and delay, which RFC 3461 §4.1 leaves to us.
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

/// NEVER.
pub(crate) fn wants_nothing(notify: Option<Notify>) -> bool {
    notify == Some(Notify::NEVER)
}

/// The same, and delay.
pub(crate) fn and_delay(notify: Option<Notify>) -> Notify {
    Notify {
        delay: true,
        ..notify.unwrap_or(NOT_GIVEN)
    }
}
