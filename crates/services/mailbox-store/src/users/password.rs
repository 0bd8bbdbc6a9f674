//! Password hashes: argon2id with OWASP's parameters, few at a time.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::scram;
use crate::{Error, Result};

/// How often a client hashes its password for SCRAM. RFC 7677 asks for 4,096 at least; what is
/// stolen from the database is to be expensive to guess at, and clients give up at 65,536.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(50_000).unwrap();

/// A password of a request. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// UTF-8, 1 to 1,000 octets.
    pub fn parse(text: String) -> Result<Self> {
        if text.is_empty() || text.len() > 1000 {
            return Err(Error::Invalid("a password has 1 to 1,000 octets".into()));
        }
        Ok(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Makes and checks hashes. Each takes 19 MiB while it runs, so only as many run at once as there
/// are processors; the others wait, and after a while are told to come back.
#[derive(Debug, Clone)]
pub struct Passwords {
    params: Params,
    iterations: NonZeroU32,
    running: Arc<Semaphore>,
    /// Checked for a login that does not exist, so that the answer takes as long.
    nobody: Arc<str>,
}

/// How long a login waits for its turn in a storm of logins.
const PATIENCE: Duration = Duration::from_secs(15);

impl Passwords {
    /// With OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
    pub fn new() -> Result<Self> {
        Self::with_cost(19_456, 2, ITERATIONS)
    }

    /// With parameters of the caller's; tests take weak ones.
    pub fn with_cost(memory_kib: u32, passes: u32, iterations: NonZeroU32) -> Result<Self> {
        let params = Params::new(memory_kib, passes, 1, None).map_err(|error| broken(&error))?;
        let slots = std::thread::available_parallelism().map_or(2, usize::from);
        let nobody = hash_now(&params, &rand::random::<[u8; 16]>())?;
        Ok(Self {
            params,
            iterations,
            running: Arc::new(Semaphore::new(slots)),
            nobody: nobody.into(),
        })
    }

    /// The hash to store, a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String> {
        let (params, password) = (self.params.clone(), password.clone());
        self.run(move || hash_now(&params, password.as_bytes()))
            .await
    }

    /// Whether the hash is that of the password. Without a hash it takes as long and is false.
    pub async fn verify(&self, password: &Password, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let password = password.clone();
        self.run(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| broken(&error))?;
            // The parameters are those of the hash.
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
                && known)
        })
        .await
    }

    /// How often a password is hashed for SCRAM.
    pub(super) fn iterations(&self) -> NonZeroU32 {
        self.iterations
    }

    /// The keys of the password for SCRAM, if it can have any.
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
        let slot = tokio::time::timeout(PATIENCE, Arc::clone(&self.running).acquire_owned())
            .await
            .map_err(|_| Error::Unavailable("too many logins at once".into()))?
            .map_err(|error| broken(&error))?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            // Held until here even when nobody waits for the result any more.
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
