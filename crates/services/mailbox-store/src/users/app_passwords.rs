//! Application passwords, for single programs and devices: created here, shown once, removed one by one.

use api::directory::v1::AppPassword;
use aws_lc_rs::rand;

use super::by::By;
use super::hashing::Passwords;
use super::password::Password;
use super::scram;
use crate::notices::Notice;
use crate::store::{Store, repeated};
use crate::values::UserAddress;
use crate::{Error, Result, clock};

/// Maximum number of one user.
const MOST: i64 = 50;
/// Maximum length of a name, in characters.
const NAME_LIMIT: usize = 64;
/// Without characters that look like others.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The first group identifies the password; the others, of 80 bits, are secret.
const GROUPS: usize = 5;
const GROUP: usize = 4;
/// Attempts to find a first group that the user does not have.
const ATTEMPTS: usize = 5;

/// The name that a person gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPasswordName(String);

impl AppPasswordName {
    /// Accepts 1 to 64 characters, without control characters.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let good = !text.is_empty()
            && text.chars().count() <= NAME_LIMIT
            && !text.chars().any(char::is_control);
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::Invalid(
                "the name of an application password has 1 to 64 characters".into(),
            )),
        }
    }
}

/// Creates an application password. The returned text is stored nowhere.
pub async fn add_app_password(
    store: &Store,
    passwords: &Passwords,
    by: By,
    address: &UserAddress,
    name: &AppPasswordName,
) -> Result<String> {
    let salt = scram::salt(store, address.as_str()).await?;
    for _ in 0..ATTEMPTS {
        let made = generate()?;
        let password = Password::parse(made.clone())?;
        let hash = passwords.hash(&password).await?;
        let keys = passwords.scram_keys(&password, salt).await?;
        let row = Row {
            name: &name.0,
            selector: selector(&made).unwrap_or_default(),
            hash: &hash,
            scram: keys.as_ref().map(scram::Keys::as_bytes),
        };
        if repeated(|| try_add(store, by, address, &row)).await? {
            return Ok(made);
        }
    }
    Err(Error::Unavailable("no password could be made".into()))
}

struct Row<'a> {
    name: &'a str,
    selector: &'a str,
    hash: &'a str,
    scram: Option<&'a [u8]>,
}

/// False if the user has one with the same first group.
async fn try_add(store: &Store, by: By, address: &UserAddress, row: &Row<'_>) -> Result<bool> {
    let mut transaction = store.begin().await?;
    let user_id = sqlx::query_scalar!(
        "SELECT user_id FROM mailbox.user WHERE address = $1 FOR UPDATE",
        address.as_str()
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| no_user(address))?;
    by.may_change(user_id, address)?;
    let there = sqlx::query!(
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE name = $2) AS "named!",
                  count(*) FILTER (WHERE selector = $3) AS "alike!"
           FROM mailbox.app_password WHERE user_id = $1"#,
        user_id,
        row.name,
        row.selector
    )
    .fetch_one(&mut *transaction)
    .await?;
    if there.named > 0 {
        let what = format!("the application password {} of {address}", row.name);
        return Err(Error::AlreadyExists(what));
    }
    if there.all >= MOST {
        let why = format!("{address} has {MOST} application passwords");
        return Err(Error::Exhausted(why));
    }
    if there.alike > 0 {
        return Ok(false);
    }
    sqlx::query!(
        "INSERT INTO mailbox.app_password (user_id, name, selector, password, scram, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        user_id,
        row.name,
        row.selector,
        row.hash,
        row.scram,
        clock::now()
    )
    .execute(&mut *transaction)
    .await?;
    store.commit(transaction, &[]).await?;
    Ok(true)
}

/// The application passwords of a user, by name.
pub async fn list_app_passwords(
    store: &Store,
    by: By,
    address: &UserAddress,
) -> Result<Vec<AppPassword>> {
    let user_id = user_id(store, by, address).await?;
    let rows = sqlx::query!(
        "SELECT name, created_at FROM mailbox.app_password WHERE user_id = $1 ORDER BY name",
        user_id
    )
    .fetch_all(store.pool())
    .await?;
    let shown = rows.into_iter().map(|row| AppPassword {
        name: row.name,
        created_at_ms: row.created_at,
    });
    Ok(shown.collect())
}

/// Removes an application password, which is invalid from then on.
pub async fn remove_app_password(
    store: &Store,
    by: By,
    address: &UserAddress,
    name: &AppPasswordName,
) -> Result<()> {
    repeated(|| try_remove(store, by, address, name)).await
}

async fn try_remove(
    store: &Store,
    by: By,
    address: &UserAddress,
    name: &AppPasswordName,
) -> Result<()> {
    let user_id = user_id(store, by, address).await?;
    let mut transaction = store.begin().await?;
    sqlx::query_scalar!(
        "DELETE FROM mailbox.app_password WHERE user_id = $1 AND name = $2 RETURNING user_id",
        user_id,
        name.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Error::NotFound(format!("an application password {} of {address}", name.0)))?;
    store
        .commit(transaction, &[Notice::Password { user_id }])
        .await
}

async fn user_id(store: &Store, by: By, address: &UserAddress) -> Result<i64> {
    let user_id = sqlx::query_scalar!(
        "SELECT user_id FROM mailbox.user WHERE address = $1",
        address.as_str()
    )
    .fetch_optional(store.pool())
    .await?
    .ok_or_else(|| no_user(address))?;
    by.may_change(user_id, address)?;
    Ok(user_id)
}

fn no_user(address: &UserAddress) -> Error {
    Error::NotFound(format!("user {address}"))
}

fn generate() -> Result<String> {
    let mut random = [0; GROUPS * GROUP];
    rand::fill(&mut random).map_err(|_| Error::Unavailable("no randomness".into()))?;
    let mut made = String::with_capacity(GROUPS * (GROUP + 1));
    for (n, octet) in random.iter().enumerate() {
        if n > 0 && n % GROUP == 0 {
            made.push('-');
        }
        made.push(char::from(ALPHABET[usize::from(octet & 31)]));
    }
    Ok(made)
}

/// The first group of a text that has the form of an application password.
pub(super) fn selector(password: &str) -> Option<&str> {
    let mut groups = password.split('-');
    let first = groups.next()?;
    let is_group = |group: &str| {
        group.len() == GROUP && group.bytes().all(|character| ALPHABET.contains(&character))
    };
    let mut rest = 0;
    let good = is_group(first)
        && groups.all(|group| {
            rest += 1;
            is_group(group)
        });
    (good && rest == GROUPS - 1).then_some(first)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    #[test]
    fn what_is_made_is_known_by_its_looks() {
        let made = generate().unwrap();
        assert_eq!(selector(&made), Some(&made[..4]));
        assert_ne!(made, generate().unwrap());
        for other in [
            "",
            "secret",
            "abcd",
            "abcd-abcd-abcd-abcd",
            "abcd-abcd-abcd-abcd-abcd-abcd",
            "abcd-abcd-abcd-abcd-abc1",
            "abcd-abcd-abcd-abcd-abc",
            "ABCD-abcd-abcd-abcd-abcd",
        ] {
            assert_eq!(selector(other), None, "{other}");
        }
    }

    #[test]
    fn names_are_short_and_on_one_line() {
        for bad in ["", "  ", "a\nb", &"x".repeat(65)] {
            assert!(AppPasswordName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(AppPasswordName::parse(" phone ").unwrap().0, "phone");
    }
}
