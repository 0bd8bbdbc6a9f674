//! Encrypted storage of secrets, with a key outside the database: AES-256-GCM with a random nonce. The
//! secret's name is authenticated too, so that no secret can replace another.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// A stored secret.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The nonce.
    pub nonce: Vec<u8>,
    /// The encrypted secret with its tag.
    pub sealed: Vec<u8>,
}

const KEY_SIZE: usize = 32;

/// The reason why a secret cannot be encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or created.
    #[error("{path}: {source}")]
    File {
        /// The key file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// The file contains no key.
    #[error("{0} does not hold a key: 32 octets in base64 are expected")]
    NotAKey(String),
    /// Encrypted with another key or for another name, or damaged.
    #[error("the secret was encrypted with another key, or is damaged")]
    WrongKey,
    /// The encryption failed.
    #[error("the secret cannot be encrypted")]
    Sealing,
}

/// The key.
pub struct Vault {
    key: RandomizedNonceKey,
}

impl Vault {
    /// Reads the key. Creates one, readable only by its owner, if the file does not exist.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File {
            path: path.display().to_string(),
            source,
        };
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path).map_err(failed)?,
            result => result.map_err(failed)?,
        };
        let not_a_key = || VaultError::NotAKey(path.display().to_string());
        let key = BASE64_STANDARD
            .decode(text.trim())
            .map_err(|_| not_a_key())?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| not_a_key())?;
        Ok(Self { key })
    }

    /// Encrypts the secret with this name.
    pub fn seal(&self, name: &str, value: &[u8]) -> Result<Sealed, VaultError> {
        let mut sealed = value.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| VaultError::Sealing)?;
        Ok(Sealed {
            nonce: nonce.as_ref().to_vec(),
            sealed,
        })
    }

    /// Decrypts the secret with this name.
    pub fn unseal(&self, name: &str, secret: Sealed) -> Result<Vec<u8>, VaultError> {
        let nonce =
            Nonce::try_assume_unique_for_key(&secret.nonce).map_err(|_| VaultError::WrongKey)?;
        let mut value = secret.sealed;
        let size = self
            .key
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut value)
            .map_err(|_| VaultError::WrongKey)?
            .len();
        value.truncate(size);
        Ok(value)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// Creates a key file and returns its content; if another process was faster, that one's.
fn make(path: &Path) -> io::Result<String> {
    let mut key = [0u8; KEY_SIZE];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("no random bytes"))?;
    let text = BASE64_STANDARD.encode(key) + "\n";
    // Written beside, then linked: no reader sees half a key, and no key is overwritten.
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    // A process with the same id (in a container always 1) may have been killed here.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    let made = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&beside, path));
    std::fs::remove_file(&beside)?;
    // Secrets encrypted with the key may reach the database before the folder reaches the disk.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => std::fs::read_to_string(path),
        result => result.map(|()| text),
    }
}

#[cfg(test)]
mod tests;
