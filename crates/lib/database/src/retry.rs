//! Retries of transient failures.

use std::time::Duration;

use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_ATTEMPT: Duration = Duration::from_secs(20);

/// Decides whether a failed statement is retried.
///
/// ```text
/// let mut retry = Retry::within(Duration::from_secs(5));
/// loop {
///     match statement().await {
///         Ok(rows) => return Ok(rows),
///         Err(error) => retry.again(error).await?,
///     }
/// }
/// ```
/// The statement must be safe to repeat although its first run was committed: a connection may break after
/// the commit.
#[derive(Debug)]
pub struct Retry {
    deadline: Instant,
    pause: Duration,
}

impl Retry {
    /// Retries for at most this time.
    pub fn within(limit: Duration) -> Self {
        Self {
            deadline: Instant::now() + limit,
            pause: FIRST_PAUSE,
        }
    }

    /// Pauses, a little longer each time, if the error is transient ([`crate::is_transient`]) and there is
    /// time left; otherwise returns the error.
    pub async fn again(&mut self, error: sqlx::Error) -> Result<(), sqlx::Error> {
        if !crate::is_transient(&error) || !self.wait().await {
            return Err(error);
        }
        tracing::debug!(%error, "the database failed; trying again");
        Ok(())
    }

    /// Pauses like [`again`](Self::again), whatever the error. Returns false if there is no time left.
    pub async fn wait(&mut self) -> bool {
        if Instant::now() + self.pause > self.deadline {
            return false;
        }
        tokio::time::sleep(self.pause.mul_f64(rand::random_range(0.5..1.0))).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// Limits one attempt to 20 s: a Postgres that vanished never answers. The error is transient; the
/// connection must be discarded.
pub async fn bounded<T>(
    attempt: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(LONGEST_ATTEMPT, attempt).await {
        Ok(result) => result,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_is_never_answered_ends_as_transient() {
        let error = bounded(std::future::pending::<Result<(), _>>()).await;
        assert!(error.is_err_and(|error| crate::is_transient(&error)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_error_is_repeated_until_the_time_is_up() {
        let began = Instant::now();
        let mut retry = Retry::within(Duration::from_secs(5));
        let mut times = 0;
        while retry.again(sqlx::Error::PoolTimedOut).await.is_ok() {
            times += 1;
        }
        assert!(times > 10, "{times}");
        assert!(began.elapsed() <= Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_for_good_is_not_repeated() {
        let mut retry = Retry::within(Duration::from_secs(5));
        let given_back = retry.again(sqlx::Error::RowNotFound).await;
        assert!(matches!(given_back, Err(sqlx::Error::RowNotFound)));
    }
}
