//! The time, as the schema holds it.

/// Milliseconds since 1970 in UTC.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// When bodies that lost a reference now may be removed: who is just reading one reads it to its
/// end.
pub(crate) fn bodies_due() -> i64 {
    now() + 60 * 60 * 1000
}
