//! `postern user`: who has a mailbox.

mod app_password;

use api::directory::v1::{
    AddUserRequest, ListUsersRequest, RemoveUserRequest, SetPasswordRequest, User,
};
use api::grpc::{Code, Status};
use rules::{Domain, EmailAddress, format_size};
use serde::Serialize;

use super::consequences::{self, Removal};
use super::revision;
use crate::failure::{Failure, Outcome};
use crate::prompt;
use crate::screen::{Screen, columns, number, utc, written};
use crate::system::{Asked, System};

/// What can be done with users.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a user, with a mailbox and a password
    #[command(after_help = "\
Examples:
  postern user add bob@example.test
  printf %s \"$SECRET\" | postern user add bob@example.test --password-stdin")]
    Add(WithPassword),
    /// Show the users
    #[command(after_help = "Example:\n  postern user list example.test --json")]
    List {
        /// Only those of this domain
        domain: Option<Domain>,
    },
    /// Remove a user with all their mail
    #[command(after_help = "Example:\n  postern user remove bob@example.test --yes")]
    Remove {
        /// The user's address
        #[arg(value_parser = user)]
        address: EmailAddress,
        /// Really: the mail cannot be brought back
        #[arg(long)]
        yes: bool,
    },
    /// Give a user another password
    #[command(after_help = "Example:\n  postern user password bob@example.test")]
    Password(WithPassword),
    /// Passwords for single programs and devices of a user
    #[command(subcommand, name = "app-password")]
    AppPassword(app_password::Command),
}

/// A user and where their password comes from.
#[derive(Debug, clap::Args)]
pub struct WithPassword {
    /// The user's address
    #[arg(value_parser = user)]
    address: EmailAddress,
    /// Read the password from standard input instead of asking on the terminal
    #[arg(long)]
    password_stdin: bool,
}

fn user(text: &str) -> Result<EmailAddress, String> {
    let address = EmailAddress::parse(text).map_err(|reason| reason.to_string())?;
    if address.domain().is_none() {
        return Err("a user needs a domain".to_owned());
    }
    Ok(address.folded())
}

pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Add(who) => add(system, screen, &who).await?,
        Command::List { domain } => {
            let users = list(system, domain.as_ref()).await?;
            let listed: Vec<Listed> = users.iter().map(Listed::from).collect();
            let known = match (&domain, users.is_empty()) {
                (Some(domain), true) => known(system, domain).await,
                _ => Known::Handled,
            };
            screen.show(&listed, || match users.is_empty() {
                true => nobody(domain.as_ref(), &known),
                false => table(&users, screen),
            });
        }
        Command::Remove { address, yes } => remove(system, screen, &address, yes).await?,
        Command::AppPassword(command) => app_password::run(command, system, screen).await?,
        Command::Password(who) => {
            let address = who.address.to_string();
            let password = prompt::new_password(who.password_stdin, &address)?;
            let request = SetPasswordRequest {
                address: address.clone(),
                password,
            };
            let done = system
                .directory(Asked::Question)?
                .set_password(request)
                .await;
            done.map_err(|status| failed(&status, &address))?;
            let json = serde_json::json!({ "changed": address });
            screen.show(&json, || format!("{address} has a new password."));
        }
    }
    Ok(Outcome::Done)
}

/// What the policy knows of a domain that nobody has a mailbox in.
#[derive(Debug)]
enum Known {
    Handled,
    AliasOf(String),
    Unknown,
}

async fn known(system: &System, domain: &Domain) -> Known {
    // A policy that cannot be had says nothing against the domain.
    let Ok((_, policy)) = revision::newest_policy(system).await else {
        return Known::Handled;
    };
    match policy.domain(domain).map(|rule| &rule.name) {
        Some(Some(name)) if name != domain => Known::AliasOf(name.to_string()),
        Some(_) => Known::Handled,
        None => Known::Unknown,
    }
}

fn nobody(domain: Option<&Domain>, known: &Known) -> String {
    match (domain, known) {
        (None, _) => "No users yet. Add one: postern user add bob@example.test".to_owned(),
        (Some(domain), Known::Handled) => {
            format!("{domain} has no users yet. Add one: postern user add NAME@{domain}")
        }
        (Some(domain), Known::AliasOf(name)) => {
            format!("{domain} is an alias of {name}, where its users are: postern user list {name}")
        }
        (Some(domain), Known::Unknown) => format!(
            "{domain} has no users, and no rule of the policy handles it: is it written right? \
             postern domain list shows the domains"
        ),
    }
}

async fn add(system: &System, screen: &Screen, who: &WithPassword) -> Result<(), Failure> {
    let address = who.address.to_string();
    let advice = advice(system, &who.address).await?;
    let password = prompt::new_password(who.password_stdin, &address)?;
    let request = AddUserRequest { address, password };
    let address = request.address.clone();
    let added = system.directory(Asked::Question)?.add_user(request).await;
    let added = added.map_err(|status| failed(&status, &address))?;
    let listed = Listed::from(&added.into_inner());
    screen.show(&listed, || format!("{} has a mailbox.", listed.address));
    if let Some(advice) = advice {
        screen.remark(advice);
    }
    Ok(())
}

/// What stands between this user and mail, by the policy. A policy that cannot be had is no
/// reason not to add a user: that is for another service.
async fn advice(system: &System, address: &EmailAddress) -> Result<Option<String>, Failure> {
    let Ok((_, policy)) = revision::newest_policy(system).await else {
        return Ok(None);
    };
    let Some(domain) = address.domain() else {
        return Ok(None);
    };
    match policy.domain(domain) {
        Some(rule) if rule.name.as_ref() != Some(domain) => {
            let name = rule.name.as_ref().map(ToString::to_string);
            Err(Failure::refused(format!(
                "{domain} is an alias of {0}: add {1}@{0} instead, who gets mail for both",
                name.unwrap_or_default(),
                address.local()
            )))
        }
        Some(rule) if rule.deliver.is_local() => Ok(None),
        Some(_) => Ok(Some(format!(
            "Note: the mail of {domain} is not delivered here; see postern domain list."
        ))),
        None => Ok(Some(format!(
            "Note: {domain} is not handled yet, so no mail comes; postern domain add {domain}"
        ))),
    }
}

async fn remove(
    system: &System,
    screen: &Screen,
    address: &EmailAddress,
    yes: bool,
) -> Result<(), Failure> {
    let (_, policy) = revision::newest_policy(system).await?;
    let dependents = consequences::of_user(system, &policy, address).await?;
    let address = address.to_string();
    let removal = Removal {
        what: format!("removes {address} with all their mail"),
        dependents: dependents.clone(),
        way_back: "The mail cannot be brought back.".to_owned(),
    };
    removal.confirm(yes)?;
    let request = RemoveUserRequest {
        address: address.clone(),
    };
    let done = system.directory(Asked::Work)?.remove_user(request).await;
    done.map_err(|status| failed(&status, &address))?;
    let json = serde_json::json!({ "removed": address, "named_by": dependents });
    screen.show(&json, || format!("{address} and their mail are gone."));
    if !dependents.is_empty() {
        screen.remark(format!(
            "Note: the policy still names this mailbox ({}): mail for it waits until there is one",
            dependents.join(", ")
        ));
    }
    Ok(())
}

pub(crate) async fn list(system: &System, domain: Option<&Domain>) -> Result<Vec<User>, Failure> {
    let mut client = system.directory(Asked::Question)?;
    let mut users = Vec::new();
    let mut after = String::new();
    loop {
        let request = ListUsersRequest {
            domain: domain.map(ToString::to_string).unwrap_or_default(),
            after,
            limit: 10_000,
        };
        let page = client.list_users(request).await;
        let page = page
            .map_err(|status| Failure::call("mailbox-store", &status))?
            .into_inner();
        users.extend(page.users);
        if page.next.is_empty() {
            return Ok(users);
        }
        after = page.next;
    }
}

fn failed(status: &Status, address: &str) -> Failure {
    match status.code() {
        Code::NotFound => Failure::refused(format!(
            "{address} is no user; postern user list shows who is"
        )),
        Code::AlreadyExists => Failure::refused(format!(
            "{address} is a user already; postern user password {address} changes the password"
        )),
        _ => Failure::call("mailbox-store", status),
    }
}

/// A user as shown in JSON.
#[derive(Debug, Serialize)]
struct Listed {
    address: String,
    messages: u64,
    used: u64,
    created_at: Option<String>,
}

impl From<&User> for Listed {
    fn from(user: &User) -> Self {
        Self {
            address: user.address.clone(),
            messages: user.messages,
            used: user.used,
            created_at: utc(user.created_at_ms),
        }
    }
}

fn table(users: &[User], screen: &Screen) -> String {
    let mut table = columns(&["user", "messages", "used", "since"]);
    for user in users {
        table.add_row([
            user.address.clone().into(),
            number(user.messages),
            number(format_size(user.used)),
            screen.times.local(user.created_at_ms).into(),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn users_are_addresses_in_lower_case_with_a_domain() {
        assert_eq!(
            user("Bob@Example.TEST").unwrap().to_string(),
            "bob@example.test"
        );
        assert!(user("bob").is_err());
        assert!(user("bob@[127.0.0.1]").is_err());
    }

    #[test]
    fn a_domain_without_users_is_told_from_one_that_is_misspelt() {
        let domain: Domain = "exampel.test".parse().unwrap();
        let rows = [
            (None, Known::Handled, "No users yet. Add one"),
            (
                Some(&domain),
                Known::Handled,
                "exampel.test has no users yet",
            ),
            (
                Some(&domain),
                Known::AliasOf("example.test".to_owned()),
                "postern user list example.test",
            ),
            (Some(&domain), Known::Unknown, "is it written right?"),
        ];
        for (domain, known, expected) in rows {
            let told = nobody(domain, &known);
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn failures_say_what_to_do() {
        let there = failed(&Status::already_exists("dup"), "bob@example.test");
        assert!(
            there
                .to_string()
                .contains("postern user password bob@example.test")
        );
        let gone = failed(&Status::not_found("no"), "bob@example.test");
        assert!(gone.to_string().contains("postern user list"));
        assert_eq!(failed(&Status::unavailable("x"), "b").code(), 3);
    }
}
