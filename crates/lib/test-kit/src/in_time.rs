//! Waiting with a time limit.

use std::time::Duration;

/// Far longer than any wait of a test, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for `waited`. `what` is a sentence about the expected event, such as "a client is greeted".
///
/// Not for a paused clock, which skips the whole time while a socket is waited for.
///
/// # Panics
/// If it does not happen within a minute: the test fails with `what` instead of hanging.
/// When it does not come within a minute: a test that would hang fails, and says what did not happen.
pub async fn in_time<T>(what: &str, waited: impl Future<Output = T>) -> T {
    within(LIMIT, what, waited).await
}

async fn within<T>(limit: Duration, what: &str, waited: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, waited).await {
        Ok(came) => came,
        Err(_) => panic!("not within {limit:?}: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_is_given() {
        assert_eq!(in_time("a number comes", async { 7 }).await, 7);
    }

    #[tokio::test]
    #[should_panic(expected = "not within 0ns: a client is greeted")]
    async fn what_does_not_come_fails_and_is_named() {
        within(
            Duration::ZERO,
            "a client is greeted",
            std::future::pending::<()>(),
        )
        .await;
    }
}
