//! `postern user app-password`: passwords for single programs and devices.

use api::directory::v1::{
    AddAppPasswordRequest, AppPassword, ListAppPasswordsRequest, RemoveAppPasswordRequest,
};
use api::grpc::{Code, Status};
use rules::EmailAddress;
use serde::Serialize;

use super::user;
use crate::commands::consequences::Removal;
use crate::failure::Failure;
use crate::screen::{Screen, columns, utc, written};
use crate::system::{Asked, System};

/// What can be done with them.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make one; it is shown once, and can be used with every service
    #[command(after_help = "\
Example:
  postern user app-password add bob@example.test --name phone")]
    Add(Named),
    /// Show which a user has
    #[command(after_help = "Example:\n  postern user app-password list bob@example.test --json")]
    List {
        /// The user's address
        #[arg(value_parser = user)]
        address: EmailAddress,
    },
    /// Take one back: it is of no use from now on
    #[command(after_help = "\
Example:
  postern user app-password remove bob@example.test --name phone --yes")]
    Remove {
        #[command(flatten)]
        named: Named,
        /// Really: it cannot be brought back
        #[arg(long)]
        yes: bool,
    },
}

/// A user and what the password is called.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// The user's address
    #[arg(value_parser = user)]
    address: EmailAddress,
    /// For which program or device it is: this is what the logs call it
    #[arg(long)]
    name: String,
}

pub(super) async fn run(command: Command, system: &System, screen: &Screen) -> Result<(), Failure> {
    match command {
        Command::Add(named) => add(system, screen, named).await,
        Command::List { address } => list(system, screen, &address).await,
        Command::Remove { named, yes } => remove(system, screen, named, yes).await,
    }
}

async fn add(system: &System, screen: &Screen, named: Named) -> Result<(), Failure> {
    let request = AddAppPasswordRequest {
        address: named.address.to_string(),
        name: named.name.clone(),
    };
    let made = system
        .directory(Asked::Question)?
        .add_app_password(request)
        .await;
    let made = made.map_err(|status| failed(&status, &named))?.into_inner();
    let json = serde_json::json!({
        "address": named.address.to_string(),
        "name": named.name,
        "password": made.password,
    });
    screen.show(&json, || made.password.clone());
    screen.remark(format!(
        "Give it to {} now: it cannot be shown again.",
        named.name
    ));
    Ok(())
}

async fn list(system: &System, screen: &Screen, address: &EmailAddress) -> Result<(), Failure> {
    let request = ListAppPasswordsRequest {
        address: address.to_string(),
    };
    let listed = system
        .directory(Asked::Question)?
        .list_app_passwords(request)
        .await;
    let passwords = listed
        .map_err(|status| no_user(&status, address))?
        .into_inner()
        .passwords;
    let listed: Vec<Listed> = passwords.iter().map(Listed::from).collect();
    screen.show(&listed, || table(&passwords, address, screen));
    Ok(())
}

async fn remove(system: &System, screen: &Screen, named: Named, yes: bool) -> Result<(), Failure> {
    let Named { address, name } = &named;
    let removal = Removal {
        what: format!("removes the application password {name} of {address}"),
        dependents: vec![format!("whatever logs in as {address} with it")],
        way_back: "It cannot be brought back, but another can be made by \
                   postern user app-password add."
            .to_owned(),
    };
    removal.confirm(yes)?;
    let request = RemoveAppPasswordRequest {
        address: named.address.to_string(),
        name: named.name.clone(),
    };
    let done = system
        .directory(Asked::Question)?
        .remove_app_password(request)
        .await;
    done.map_err(|status| failed(&status, &named))?;
    let json = serde_json::json!({ "removed": named.name });
    screen.show(&json, || format!("{} is of no use any more.", named.name));
    Ok(())
}

fn failed(status: &Status, named: &Named) -> Failure {
    let Named { address, name } = named;
    match status.code() {
        Code::AlreadyExists => Failure::refused(format!(
            "{address} has an application password {name} already; remove it first, or choose \
             another name"
        )),
        Code::NotFound => Failure::refused(format!(
            "there is no user {address}, or none of their application passwords is called \
             {name}; postern user app-password list {address} shows them"
        )),
        Code::InvalidArgument | Code::ResourceExhausted => Failure::refused(status.message()),
        _ => Failure::call("mailbox-store", status),
    }
}

fn no_user(status: &Status, address: &EmailAddress) -> Failure {
    match status.code() {
        Code::NotFound => Failure::refused(format!(
            "{address} is no user; postern user list shows who is"
        )),
        _ => Failure::call("mailbox-store", status),
    }
}

/// As shown in JSON.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    created_at: Option<String>,
}

impl From<&AppPassword> for Listed {
    fn from(password: &AppPassword) -> Self {
        Self {
            name: password.name.clone(),
            created_at: utc(password.created_at_ms),
        }
    }
}

fn table(passwords: &[AppPassword], address: &EmailAddress, screen: &Screen) -> String {
    if passwords.is_empty() {
        return format!("{address} has no application passwords.");
    }
    let mut table = columns(&["name", "since"]);
    for password in passwords {
        table.add_row([
            password.name.clone(),
            screen.times.local(password.created_at_ms),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn failures_say_what_to_do() {
        let named = Named {
            address: "bob@example.test".parse().unwrap(),
            name: "phone".to_owned(),
        };
        let there = failed(&Status::already_exists("dup"), &named);
        assert!(there.to_string().contains("remove it first"));
        let gone = failed(&Status::not_found("no"), &named);
        assert!(
            gone.to_string()
                .contains("app-password list bob@example.test")
        );
        assert_eq!(failed(&Status::unavailable("x"), &named).code(), 3);
    }
}
