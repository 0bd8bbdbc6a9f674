//! Application passwords: for single programs and devices of a user.

use api::directory::v1::{
    AddAppPasswordRequest, ListAppPasswordsRequest, RemoveAppPasswordRequest,
};
use api::grpc::{Code, Status};
use jiff::Timestamp;
use rules::EmailAddress;
use serde::Serialize;

use super::no_user;
use crate::Removal;
use crate::{Administration, Deadline, Error, time};

/// An application password of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppPassword {
    /// The program or device.
    pub name: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl From<api::directory::v1::AppPassword> for AppPassword {
    fn from(password: api::directory::v1::AppPassword) -> Self {
        Self {
            name: password.name,
            created_at: time(password.created_at_ms),
        }
    }
}

/// A new application password.
#[derive(Debug, Serialize)]
pub struct AppPasswordAdded {
    /// The user's address.
    pub address: String,
    /// Its name.
    pub name: String,
    /// It cannot be shown again.
    pub password: String,
}

/// Creates an application password, valid for every service.
///
/// # Errors
/// If the user does not exist, or has one of this name.
pub async fn add(
    administration: &Administration,
    address: &EmailAddress,
    name: &str,
) -> Result<AppPasswordAdded, Error> {
    let request = AddAppPasswordRequest {
        actor: administration.asking(),
        address: address.to_string(),
        name: name.to_owned(),
    };
    let mut client = administration.system().directory(Deadline::Question)?;
    let made = client.add_app_password(request).await;
    let made = made.map_err(|status| failed(&status, address, name))?;
    Ok(AppPasswordAdded {
        address: address.to_string(),
        name: name.to_owned(),
        password: made.into_inner().password,
    })
}

/// The application passwords of a user.
///
/// # Errors
/// If the user does not exist.
pub async fn list(
    administration: &Administration,
    address: &EmailAddress,
) -> Result<Vec<AppPassword>, Error> {
    let request = ListAppPasswordsRequest {
        actor: administration.asking(),
        address: address.to_string(),
    };
    let mut client = administration.system().directory(Deadline::Question)?;
    let listed = client.list_app_passwords(request).await;
    let listed = listed.map_err(|status| match status.code() {
        Code::NotFound => no_user(&address.to_string()),
        _ => Error::call("mailbox-store", &status),
    })?;
    let passwords = listed.into_inner().passwords.into_iter();
    Ok(passwords.map(AppPassword::from).collect())
}

/// A removed application password.
#[derive(Debug, Serialize)]
pub struct AppPasswordRemoved {
    /// Its name.
    pub removed: String,
}

/// Removes an application password: it stops working at once.
///
/// # Errors
/// If it does not exist, or the removal was not confirmed.
pub async fn remove(
    administration: &Administration,
    address: &EmailAddress,
    name: &str,
    confirmed: bool,
) -> Result<AppPasswordRemoved, Error> {
    let removal = Removal {
        what: format!("removes the application password {name} of {address}"),
        dependents: vec![format!("whatever logs in as {address} with it")],
        way_back: "It cannot be brought back, but another can be made by \
                   postern user app-password add."
            .to_owned(),
    };
    removal.confirm(confirmed)?;
    let request = RemoveAppPasswordRequest {
        actor: administration.asking(),
        address: address.to_string(),
        name: name.to_owned(),
    };
    let mut client = administration.system().directory(Deadline::Question)?;
    let done = client.remove_app_password(request).await;
    done.map_err(|status| failed(&status, address, name))?;
    Ok(AppPasswordRemoved {
        removed: name.to_owned(),
    })
}

fn failed(status: &Status, address: &EmailAddress, name: &str) -> Error {
    match status.code() {
        Code::AlreadyExists => Error::AlreadyExists(format!(
            "{address} has an application password {name} already; remove it first, or choose \
             another name"
        )),
        Code::NotFound => Error::NotFound(format!(
            "there is no user {address}, or none of their application passwords is called \
             {name}; postern user app-password list {address} shows them"
        )),
        Code::InvalidArgument | Code::ResourceExhausted => {
            Error::Refused(status.message().to_owned())
        }
        _ => Error::call("mailbox-store", status),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn failures_say_what_to_do() {
        let address = "bob@example.test".parse().unwrap();
        let failed = |status: Status| failed(&status, &address, "phone");
        let there = failed(Status::already_exists("dup"));
        assert!(there.to_string().contains("remove it first"));
        let gone = failed(Status::not_found("no"));
        assert!(
            gone.to_string()
                .contains("app-password list bob@example.test")
        );
        let away = failed(Status::unavailable("x"));
        assert!(matches!(away, Error::Unavailable(_)));
    }
}
