//! Waiting that ends.

use std::time::Duration;

/// Far longer than anything takes that a test waits for, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);

/// What `waited` gives. `what` is a sentence of what must come, such as "a client is greeted".
///
/// Not under a paused clock, which skips the whole time while a socket is waited for.
///
/// # Panics
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
