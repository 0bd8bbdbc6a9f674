//! CRAM-MD5 (RFC 2195). Whoever checks its digests must keep something with which they can be made:
//! not the password, but the two states of MD5 behind the blocks that the password fills in the HMAC
//! (RFC 2104 §4). With those nobody can log in by another mechanism; but they are quickly guessed
//! from, so they are sealed under a key that is not in the database, made only while it is switched
//! on, and removed when it is switched off everywhere ([`switch`]). A secret belongs to the stored hash
//! of its password: where that is changed by a replica that does not know of CRAM-MD5, it is void.

mod switch;

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use md5::digest::common::hazmat::{SerializableState as _, SerializedState};
use md5::{Digest as _, Md5};
use serde::Deserialize;
use vault::{Sealed, Vault};

pub use self::switch::Switch;
use super::attempt::{Answer, Digest};
use super::login::{Account, Logins, Right, user_id};
use super::password::Password;
use crate::{Error, Result};

/// `[mailbox-store.cram-md5]`: it is switched on where this section is there.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CramMd5Config {
    /// The key under which secrets are sealed. Made, for its owner only, when there is none;
    /// replicas share it.
    #[schemars(extend("type-name" = "key file"))]
    pub key_file: PathBuf,
}

/// Switched on. Clones share the key.
#[derive(Clone, Debug)]
pub struct CramMd5(Arc<Vault>);

const BLOCK: usize = 64;
const STATE: usize = 16;
const NONCE: usize = 12;

impl CramMd5 {
    /// With the key of the configuration.
    pub fn new(config: &CramMd5Config) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Vault::open(&config.key_file)?)))
    }

    /// The secret of a user's password, sealed for that user and that password's hash.
    pub(super) fn seal(&self, owner: Owner<'_>, password: &Password) -> Result<Vec<u8>> {
        let secret = Secret::of(password.as_bytes());
        let sealed = self.0.seal(&owner.name(), &secret.0);
        let Sealed { nonce, sealed } =
            sealed.map_err(|error| Error::Internal(error.to_string()))?;
        Ok([nonce, sealed].concat())
    }

    /// None where it was sealed under another key, or for another password: as good as none.
    fn unseal(&self, owner: Owner<'_>, stored: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = stored.split_at_checked(NONCE)?;
        let sealed = Sealed {
            nonce: nonce.to_vec(),
            sealed: sealed.to_vec(),
        };
        let states = self.0.unseal(&owner.name(), sealed).ok()?;
        Some(Secret(states.try_into().ok()?))
    }
}

/// Whose a secret is.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) address: &'a str,
    /// Of the password, as it is stored.
    pub(super) hash: &'a str,
}

impl Owner<'_> {
    fn name(self) -> String {
        format!("{}\0{}", self.address, self.hash)
    }
}

/// MD5's state behind the inner block and behind the outer one.
pub(super) struct Secret([u8; 2 * STATE]);

impl Secret {
    pub(super) fn of(password: &[u8]) -> Self {
        let mut key = [0; BLOCK];
        if password.len() > BLOCK {
            key[..STATE].copy_from_slice(&Md5::digest(password));
        } else {
            key[..password.len()].copy_from_slice(password);
        }
        let state = |pad: u8| {
            let mut hash = Md5::new();
            hash.update(key.map(|octet| octet ^ pad));
            hash.serialize()
        };
        let mut states = [0; 2 * STATE];
        states[..STATE].copy_from_slice(&state(0x36)[..STATE]);
        states[STATE..].copy_from_slice(&state(0x5c)[..STATE]);
        Self(states)
    }

    pub(super) fn mac(&self, message: &[u8]) -> Option<[u8; STATE]> {
        let (inner, outer) = self.0.split_at(STATE);
        let inner = behind_a_block(inner)?.chain_update(message).finalize();
        let outer = behind_a_block(outer)?.chain_update(inner).finalize();
        Some(outer.into())
    }
}

/// MD5 as it is when the first block has been taken in: the state, the number of blocks, and
/// nothing that waits for the next.
fn behind_a_block(state: &[u8]) -> Option<Md5> {
    let mut serialized = SerializedState::<Md5>::default();
    serialized[..STATE].copy_from_slice(state);
    serialized[STATE] = 1;
    Md5::deserialize(&serialized).ok()
}

impl Logins {
    /// Whether CRAM-MD5 is switched on.
    pub fn takes_cram_md5(&self) -> bool {
        self.passwords.cram_md5().is_some()
    }

    /// Checks a digest, made with the user's own password or with one of a program's.
    pub async fn verify_cram_md5(&self, digest: &Digest) -> Result<Answer> {
        let Some(cram_md5) = self.passwords.cram_md5() else {
            return Err(Error::Precondition("CRAM-MD5 is switched off".into()));
        };
        let begun = match self.begin(&digest.login, &digest.peer).await? {
            Ok(begun) => begun,
            Err(wait) => return Ok(Answer::Later(wait)),
        };
        let account = begun.account.as_ref();
        let secrets = secrets(self, cram_md5, account).await?;
        let without = account.filter(|_| secrets.is_empty());
        let without = without.map(|account| account.user.address.clone());
        let holds = |secret: &Secret| {
            let mac = secret.mac(digest.challenge.as_bytes());
            mac.is_some_and(|mac| verify_slices_are_equal(&mac, &digest.digest).is_ok())
        };
        let found = secrets.into_iter().find(|(_, secret)| holds(secret));
        let right = found.map(|(app_password, _)| Right {
            app_password,
            ..Right::default()
        });
        match right {
            Some(right) => self.end(begun, Some(right)).await,
            None => {
                let reason = without.map(|address| no_secret(&address));
                self.end_without(begun, reason).await
            }
        }
    }
}

fn no_secret(address: &str) -> String {
    format!(
        "{address} has no secret for CRAM-MD5 yet: it is made when the password is set, or used \
         with PLAIN or LOGIN, while CRAM-MD5 is switched on"
    )
}

/// Those of an account that can be opened, with the name of the program where it is one's. The
/// database is asked for an account that does not exist, too.
async fn secrets(
    logins: &Logins,
    cram_md5: &CramMd5,
    account: Option<&Account>,
) -> Result<Vec<(Option<String>, Secret)>> {
    let programs = sqlx::query!(
        r#"SELECT name, password, cram_md5 AS "cram_md5!" FROM mailbox.app_password
           WHERE user_id = $1 AND cram_md5 IS NOT NULL"#,
        user_id(account)
    )
    .fetch_all(logins.store.pool())
    .await?;
    let Some(account) = account else {
        return Ok(Vec::new());
    };
    let address = &account.user.address;
    let open = |hash: &str, stored: &[u8]| cram_md5.unseal(Owner { address, hash }, stored);
    let own = account.cram_md5.as_deref();
    let own = own.and_then(|stored| Some((None, open(&account.hash, stored)?)));
    let programs = programs.into_iter().filter_map(|program| {
        let secret = open(&program.password, &program.cram_md5)?;
        Some((Some(program.name), secret))
    });
    Ok(own.into_iter().chain(programs).collect())
}

/// The secret of a password that has been seen, where it has none yet and it is switched on.
fn missing(
    logins: &Logins,
    owner: Owner<'_>,
    stored: Option<&[u8]>,
    password: &Password,
) -> Result<Option<Vec<u8>>> {
    match (logins.passwords.cram_md5(), stored) {
        (Some(cram_md5), Some(stored)) if cram_md5.unseal(owner, stored).is_some() => Ok(None),
        (Some(cram_md5), _) => cram_md5.seal(owner, password).map(Some),
        (None, _) => Ok(None),
    }
}

/// The user's own password has been seen: now it can have a secret.
pub(super) async fn make_own(
    logins: &Logins,
    account: &Account,
    password: &Password,
) -> Result<()> {
    let stored = account.cram_md5.as_deref();
    let owner = Owner {
        address: &account.user.address,
        hash: &account.hash,
    };
    let Some(secret) = missing(logins, owner, stored, password)? else {
        return Ok(());
    };
    // Not when the password has been changed meanwhile.
    sqlx::query!(
        "UPDATE mailbox.user SET cram_md5 = $3 WHERE user_id = $1 AND password = $2",
        account.user.user_id,
        account.hash,
        secret
    )
    .execute(logins.store.pool())
    .await?;
    Ok(())
}

/// A program's password, as it is kept.
pub(super) struct Program<'a> {
    pub(super) name: &'a str,
    pub(super) hash: &'a str,
    pub(super) secret: Option<&'a [u8]>,
}

/// The same for a program's.
pub(super) async fn make_program(
    logins: &Logins,
    account: &Account,
    program: &Program<'_>,
    password: &Password,
) -> Result<()> {
    let owner = Owner {
        address: &account.user.address,
        hash: program.hash,
    };
    let Some(secret) = missing(logins, owner, program.secret, password)? else {
        return Ok(());
    };
    // Not when another has been given the name meanwhile.
    sqlx::query!(
        "UPDATE mailbox.app_password SET cram_md5 = $3
         WHERE user_id = $1 AND name = $2 AND password = $4",
        account.user.user_id,
        program.name,
        secret,
        program.hash
    )
    .execute(logins.store.pool())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    fn hex(octets: [u8; STATE]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn the_examples_of_rfc_2195_and_rfc_2202_are_good() {
        let rows: [(&[u8], &[u8], &str); 4] = [
            (
                b"tanstaaftanstaaf",
                b"<1896.697170952@postoffice.reston.mci.net>",
                "b913a602c7eda7a495b4e6e7334d3890",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "750c783e6ab0b503eaa86e310a5db738",
            ),
            (&[0xaa; 16], &[0xdd; 50], "56be34521d144c88dbb8c733f0e8b3f6"),
            (
                &[0xaa; 80],
                b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
                "6f630fad67cda0ee1fb1f562db3aa53e",
            ),
        ];
        for (key, message, mac) in rows {
            assert_eq!(hex(Secret::of(key).mac(message).unwrap()), mac);
        }
    }

    #[test]
    fn a_secret_is_opened_for_its_user_under_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cram_md5 = |name: &str| {
            CramMd5::new(&CramMd5Config {
                key_file: folder.path().join(name),
            })
            .unwrap()
        };
        let password = Password::parse("secret".to_owned()).unwrap();
        let owner = |address, hash| Owner { address, hash };
        let bob = owner("bob@example.test", "$argon2id$one");
        let sealed = cram_md5("key").seal(bob, &password).unwrap();
        let open = |key: &str, owner, sealed: &[u8]| cram_md5(key).unseal(owner, sealed);
        let opened = open("key", bob, &sealed).unwrap();
        assert_eq!(opened.mac(b"x"), Secret::of(b"secret").mac(b"x"));
        let eve = owner("eve@example.test", "$argon2id$one");
        assert!(open("key", eve, &sealed).is_none());
        let changed = owner("bob@example.test", "$argon2id$two");
        assert!(open("key", changed, &sealed).is_none());
        assert!(open("other", bob, &sealed).is_none());
        assert!(open("key", bob, &sealed[..5]).is_none());
    }
}
