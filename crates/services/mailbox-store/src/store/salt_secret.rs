//! The secret that the salts of SCRAM are made of. It never changes, so that it is read once.

use sqlx::PgPool;
use tokio::sync::OnceCell;

use crate::Result;

/// The secret, once it has been read.
#[derive(Default)]
pub(super) struct SaltSecret(OnceCell<Vec<u8>>);

impl std::fmt::Debug for SaltSecret {
    /// Not the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SaltSecret(…)")
    }
}

impl SaltSecret {
    pub(super) async fn read(&self, pool: &PgPool) -> Result<&[u8]> {
        let read = || async {
            sqlx::query_scalar!("SELECT secret FROM mailbox.scram_salt")
                .fetch_one(pool)
                .await
        };
        Ok(self.0.get_or_try_init(read).await?)
    }
}
