//! Password hashes: argon2id with OWASP's parameters, few at a time.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::password::Password;
use super::scram;
use crate::{Error, Result};

/// Iterations of SCRAM's password hash. RFC 7677 requires at least 4,096. Keys stolen from the database must
/// be expensive to attack, and clients refuse 65,536.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(50_000).unwrap();

/// Computes and verifies hashes. Each takes 19 MiB while it runs, so at most one per processor runs at a
/// time. Others wait, and get an error after a while.
#[derive(Debug, Clone)]
pub struct Passwords {
    params: Params,
    iterations: NonZeroU32,
    running: Arc<Semaphore>,
    /// Number of argon2 runs so far.
    runs: Arc<AtomicU64>,
    /// Verified for a login that does not exist, so that the answer takes as long.
    nobody: Arc<str>,
}

/// How long a login waits for its turn when there are many.
const TURN_TIMEOUT: Duration = Duration::from_secs(15);

impl Passwords {
    /// With OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
    pub fn new() -> Result<Self> {
        Self::with_cost(19_456, 2, ITERATIONS)
    }

    /// With the given parameters; tests use weak ones.
    pub fn with_cost(memory_kib: u32, passes: u32, iterations: NonZeroU32) -> Result<Self> {
        let params = Params::new(memory_kib, passes, 1, None).map_err(|error| broken(&error))?;
        let slots = std::thread::available_parallelism().map_or(2, usize::from);
        let nobody = hash_now(&params, &rand::random::<[u8; 16]>())?;
        Ok(Self {
            params,
            iterations,
            running: Arc::new(Semaphore::new(slots)),
            runs: Arc::default(),
            nobody: nobody.into(),
        })
    }

    /// The hash to store, a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String> {
        let (params, password) = (self.params.clone(), password.clone());
        self.count();
        self.run(move || hash_now(&params, password.as_bytes()))
            .await
    }

    /// Whether the hash matches the password. Without a hash the call takes as long and returns false.
    pub async fn verify(&self, password: &Password, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let password = password.clone();
        self.count();
        self.run(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| broken(&error))?;
            // The parameters are those stored in the hash.
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
                && known)
        })
        .await
    }

    /// Number of argon2 runs of this process: one for every password set, and one for every password given
    /// that is not cached.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("postern_mailbox_password_hashes_total").increment(1);
    }

    /// SCRAM's iterations of the password hash.
    pub(super) fn iterations(&self) -> NonZeroU32 {
        self.iterations
    }

    /// The SCRAM keys of the password, if it can have any.
    pub(super) async fn scram_keys(
        &self,
        password: &Password,
        salt: scram::Salt,
    ) -> Result<Option<scram::Keys>> {
        let (password, iterations) = (password.clone(), self.iterations);
        self.run(move || Ok(scram::Keys::derive(&password, &salt, iterations)))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let slot = tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.running).acquire_owned())
            .await
            .map_err(|_| Error::Unavailable("too many logins at once".into()))?
            .map_err(|error| broken(&error))?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            // Held until here, even if nobody waits for the result any more.
            drop(slot);
            result
        })
        .await
        .map_err(|error| broken(&error))?
    }
}

fn hash_now(params: &Params, password: &[u8]) -> Result<String> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let hash: PasswordHash = argon2
        .hash_password(password)
        .map_err(|error| broken(&error))?;
    Ok(hash.to_string())
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::Internal(format!("password hashing: {error}"))
}
