//! The time, in the schema's form.

/// Milliseconds since 1970 in UTC.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// When bodies that lose a reference now may be removed, so that current readers can finish.
pub(crate) fn bodies_due() -> i64 {
    now() + 60 * 60 * 1000
}
