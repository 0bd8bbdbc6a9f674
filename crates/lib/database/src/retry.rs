//! Repeating what fails only for the moment.

use std::time::Duration;

use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Runs `operation` until it succeeds, fails for good, or `limit` has passed.
///
/// Only errors that [`crate::is_transient`] names are repeated. `operation` must bear that its
/// earlier run was committed although it failed: a connection may break behind the commit.
pub async fn retry<T, F>(limit: Duration, mut operation: F) -> Result<T, sqlx::Error>
where
    F: AsyncFnMut() -> Result<T, sqlx::Error>,
{
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    loop {
        match operation().await {
            Err(error) if crate::is_transient(&error) && Instant::now() + pause < deadline => {
                tracing::debug!(%error, "the database failed; trying again");
                tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_transient_error_is_repeated_until_it_passes() {
        let mut left = 3;
        let result = retry(Duration::from_secs(5), async || {
            left -= 1;
            if left > 0 {
                Err(sqlx::Error::PoolTimedOut)
            } else {
                Ok(left)
            }
        })
        .await;
        assert_eq!(result.ok(), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_stays_is_given_back_in_time() {
        let result: Result<(), _> = retry(Duration::from_secs(5), async || {
            Err(sqlx::Error::PoolTimedOut)
        })
        .await;
        assert!(matches!(result, Err(sqlx::Error::PoolTimedOut)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_for_good_is_not_repeated() {
        let mut runs = 0;
        let result: Result<(), _> = retry(Duration::from_secs(5), async || {
            runs += 1;
            Err(sqlx::Error::RowNotFound)
        })
        .await;
        assert!(result.is_err());
        assert_eq!(runs, 1);
    }
}
