//! Users and their mailboxes.

pub mod app_passwords;
pub(crate) mod listing;

use api::directory::v1::{AddUserRequest, RemoveUserRequest, SetPasswordRequest};
use api::grpc::{Code, Status};
use rules::{Domain, EmailAddress, Policy};
use serde::Serialize;

use crate::policy::revision;
use crate::{Administration, Deadline, Error, Removal, consequences};
pub use listing::User;

/// Parses the address of a user, which needs a domain.
///
/// # Errors
/// The reason why it is invalid.
pub fn parse_address(text: &str) -> Result<EmailAddress, String> {
    let address = EmailAddress::parse(text).map_err(|reason| reason.to_string())?;
    if address.domain().is_none() {
        return Err("a user needs a domain".to_owned());
    }
    Ok(address.folded())
}

/// The users of a domain, or all.
///
/// # Errors
/// If mailbox-store does not answer.
pub async fn list(
    administration: &Administration,
    domain: Option<&Domain>,
) -> Result<Vec<User>, Error> {
    listing::all(administration, domain).await
}

/// Whether a user with this address may be added; returns a sentence if mail will not reach the user.
///
/// # Errors
/// If the domain is an alias of another that has the users.
pub async fn may_add(
    administration: &Administration,
    address: &EmailAddress,
) -> Result<Option<String>, Error> {
    // An unavailable policy does not prevent adding a user: it belongs to another service.
    match revision::newest_policy(administration.system()).await {
        Ok((_, policy)) => advice(&policy, address),
        Err(_) => Ok(None),
    }
}

fn advice(policy: &Policy, address: &EmailAddress) -> Result<Option<String>, Error> {
    let Some(domain) = address.domain() else {
        return Ok(None);
    };
    match policy.domain(domain) {
        Some(rule) if rule.name.as_ref() != Some(domain) => {
            let name = rule.name.as_ref().map(ToString::to_string);
            Err(Error::Refused(format!(
                "{domain} is an alias of {0}: add {1}@{0} instead, who gets mail for both",
                name.unwrap_or_default(),
                address.local()
            )))
        }
        Some(rule) if rule.deliver.is_local() => Ok(None),
        Some(_) => Ok(Some(format!(
            "the mail of {domain} is not delivered here; see postern domain list."
        ))),
        None => Ok(Some(format!(
            "{domain} is not handled yet, so no mail comes; postern domain add {domain}"
        ))),
    }
}

/// A new user.
#[derive(Debug, Serialize)]
pub struct UserAdded {
    /// With an empty mailbox.
    pub user: User,
    /// The reason why mail does not reach the user, if any.
    pub note: Option<String>,
}

/// Adds a user, with a mailbox and a password.
///
/// # Errors
/// If the user exists, the domain is an alias, or the password is refused.
pub async fn add(
    administration: &Administration,
    address: &EmailAddress,
    password: String,
) -> Result<UserAdded, Error> {
    let note = may_add(administration, address).await?;
    let address = address.to_string();
    let request = AddUserRequest {
        actor: administration.asking(),
        address: address.clone(),
        password,
    };
    let mut client = administration.system().directory(Deadline::Question)?;
    let added = client.add_user(request).await;
    let added = added.map_err(|status| failed(&status, &address))?;
    Ok(UserAdded {
        user: User::from(added.into_inner()),
        note,
    })
}

/// A user whose password was changed.
#[derive(Debug, Serialize)]
pub struct PasswordChanged {
    /// Their address.
    pub changed: String,
}

/// Changes a user's password.
///
/// # Errors
/// If the user does not exist, or the password is refused.
pub async fn set_password(
    administration: &Administration,
    address: &EmailAddress,
    password: String,
) -> Result<PasswordChanged, Error> {
    let changed = address.to_string();
    let request = SetPasswordRequest {
        actor: administration.asking(),
        address: changed.clone(),
        password,
    };
    let mut client = administration.system().directory(Deadline::Question)?;
    let done = client.set_password(request).await;
    done.map_err(|status| failed(&status, &changed))?;
    Ok(PasswordChanged { changed })
}

/// A user who was removed.
#[derive(Debug, Serialize)]
pub struct UserRemoved {
    /// The references in the policy.
    pub named_by: Vec<String>,
    /// Their address.
    pub removed: String,
}

/// Removes a user with all mail.
///
/// # Errors
/// If the user does not exist, a collection account would have no mailbox, or the removal was not
/// confirmed.
pub async fn remove(
    administration: &Administration,
    address: &EmailAddress,
    confirmed: bool,
) -> Result<UserRemoved, Error> {
    let system = administration.system();
    let (_, policy) = revision::newest_policy(system).await?;
    let named_by = consequences::of_user(system, &policy, address).await?;
    let removed = address.to_string();
    if consequences::with_mailbox(system, std::slice::from_ref(address))
        .await?
        .is_empty()
    {
        return Err(no_user(&removed));
    }
    let mut dependents = named_by.clone();
    dependents.extend(policy.named_logins(address));
    if !confirmed {
        dependents.extend(consequences::waiting_for_user(administration, &policy, address).await?);
    }
    let removal = Removal {
        what: format!("removes {removed} with all their mail"),
        dependents,
        way_back: "The mail cannot be brought back.".to_owned(),
    };
    removal.confirm(confirmed)?;
    let request = RemoveUserRequest {
        actor: administration.asking(),
        address: removed.clone(),
    };
    let done = system.directory(Deadline::Work)?.remove_user(request).await;
    done.map_err(|status| failed(&status, &removed))?;
    Ok(UserRemoved { named_by, removed })
}

fn failed(status: &Status, address: &str) -> Error {
    match status.code() {
        Code::NotFound => no_user(address),
        Code::AlreadyExists => Error::AlreadyExists(format!(
            "{address} is already a user; to change the password: postern user password {address}"
        )),
        _ => Error::call("mailbox-store", status),
    }
}

fn no_user(address: &str) -> Error {
    Error::NotFound(format!(
        "{address} is not a user; postern user list shows the users"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn users_are_addresses_in_lower_case_with_a_domain() {
        assert_eq!(
            parse_address("Bob@Example.TEST").unwrap().to_string(),
            "bob@example.test"
        );
        assert!(parse_address("bob").is_err());
        assert!(parse_address("bob@[127.0.0.1]").is_err());
    }

    #[test]
    fn failures_say_what_to_do() {
        let there = failed(&Status::already_exists("dup"), "bob@example.test");
        assert!(matches!(there, Error::AlreadyExists(_)));
        assert!(
            there
                .to_string()
                .contains("postern user password bob@example.test")
        );
        let gone = failed(&Status::not_found("no"), "bob@example.test");
        assert!(matches!(gone, Error::NotFound(_)));
        assert!(gone.to_string().contains("postern user list"));
        let away = failed(&Status::unavailable("x"), "b");
        assert!(matches!(away, Error::Unavailable(_)));
    }

    #[test]
    fn what_stands_between_a_user_and_mail_is_told_and_aliases_have_no_users() {
        let policy = Policy::parse(
            "[[domain]]\nname = \"a.test\"\naliases = [\"b.test\"]\ndeliver = \"mailboxes\"\n\
             [[domain]]\nname = \"far.test\"\ndeliver = \"direct\"\nfrom = \"trusted\"\n",
        )
        .unwrap();
        let advice = |address: &str| advice(&policy, &address.parse().unwrap());
        assert_eq!(advice("bob@a.test").unwrap(), None);
        let far = advice("bob@far.test").unwrap().unwrap();
        assert!(far.contains("not delivered here"), "{far}");
        let unknown = advice("bob@c.test").unwrap().unwrap();
        assert!(unknown.contains("postern domain add c.test"), "{unknown}");
        let alias = advice("bob@b.test").unwrap_err().to_string();
        assert!(alias.contains("add bob@a.test instead"), "{alias}");
    }
}
