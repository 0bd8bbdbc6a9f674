//! The time, in the schema's form.

pub(crate) use api::clock::now_ms as now;

/// When bodies that lose a reference now may be removed, so that current readers can finish.
pub(crate) fn bodies_due() -> i64 {
    now() + 60 * 60 * 1000
}
