//! `postern user`: users and their mailboxes.

mod app_password;

use administration::Administration;
use administration::domains::{self, Standing};
use administration::users::{self, User, parse_address};
use rules::{Domain, EmailAddress, format_size};

use crate::failure::{Failure, Outcome};
use crate::prompt;
use crate::screen::{Screen, columns, number, written};

/// Subcommands for users.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a user, with a mailbox and a password
    #[command(after_help = "\
Examples:
  postern user add bob@example.test
  printf %s \"$SECRET\" | postern user add bob@example.test --password-stdin")]
    Add(WithPassword),
    /// List the users
    #[command(after_help = "Example:\n  postern user list example.test --json")]
    List {
        /// Only those of this domain
        domain: Option<Domain>,
    },
    /// Remove a user with all their mail
    #[command(after_help = "\
The references to the user in the policy and the waiting mail for the user are listed, and --yes is
required.

Example:
  postern user remove bob@example.test --yes")]
    Remove {
        /// The user's address
        #[arg(value_parser = parse_address)]
        address: EmailAddress,
        /// Confirm: the mail cannot be restored
        #[arg(long)]
        yes: bool,
    },
    /// Change a user's password
    #[command(after_help = "Example:\n  postern user password bob@example.test")]
    Password(WithPassword),
    /// Passwords for individual programs and devices of a user
    #[command(subcommand, name = "app-password")]
    AppPassword(app_password::Command),
}

/// A user and the source of the password.
#[derive(Debug, clap::Args)]
pub struct WithPassword {
    /// The user's address
    #[arg(value_parser = parse_address)]
    address: EmailAddress,
    /// Read the password from standard input instead of asking on the terminal
    #[arg(long)]
    password_stdin: bool,
}

pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Add(who) => add(administration, screen, &who).await?,
        Command::List { domain } => {
            let users = users::list(administration, domain.as_ref()).await?;
            let standing = match (&domain, users.is_empty()) {
                (Some(domain), true) => domains::standing(administration, domain).await,
                _ => Standing::Handled,
            };
            screen.show(&users, || match users.is_empty() {
                true => nobody(domain.as_ref(), &standing),
                false => table(&users, screen),
            });
        }
        Command::Remove { address, yes } => {
            let removed = users::remove(administration, &address, yes).await?;
            screen.show(&removed, || {
                format!("{address} and their mail are removed.")
            });
            if !removed.named_by.is_empty() {
                screen.remark(format!(
                    "Note: the policy still names this mailbox ({}): mail for it waits until there is one",
                    removed.named_by.join(", ")
                ));
            }
        }
        Command::AppPassword(command) => app_password::run(command, administration, screen).await?,
        Command::Password(WithPassword {
            address,
            password_stdin,
        }) => {
            let password = prompt::new_password(password_stdin, &address.to_string())?;
            let changed = users::set_password(administration, &address, password).await?;
            screen.show(&changed, || format!("{address} has a new password."));
        }
    }
    Ok(Outcome::Done)
}

async fn add(
    administration: &Administration,
    screen: &Screen,
    who: &WithPassword,
) -> Result<(), Failure> {
    let address = &who.address;
    // Checks first, so that a password is not asked for in vain.
    users::may_add(administration, address).await?;
    let password = prompt::new_password(who.password_stdin, &address.to_string())?;
    let added = users::add(administration, address, password).await?;
    screen.show(&added.user, || {
        format!("{} has a mailbox.", added.user.address)
    });
    if let Some(note) = added.note {
        screen.remark(format!("Note: {note}"));
    }
    Ok(())
}

fn nobody(domain: Option<&Domain>, standing: &Standing) -> String {
    match (domain, standing) {
        (None, _) => "No users yet. Add one: postern user add bob@example.test".to_owned(),
        (Some(domain), Standing::Handled) => {
            format!("{domain} has no users yet. Add one: postern user add NAME@{domain}")
        }
        (Some(domain), Standing::AliasOf(name)) => {
            format!("{domain} is an alias of {name}, where its users are: postern user list {name}")
        }
        (Some(domain), Standing::Unknown) => format!(
            "{domain} has no users, and no rule of the policy handles it: is it written right? \
             postern domain list shows the domains"
        ),
    }
}

fn table(users: &[User], screen: &Screen) -> String {
    let mut table = columns(&["user", "messages", "used", "since"]);
    for user in users {
        table.add_row([
            user.address.clone().into(),
            number(user.messages),
            number(format_size(user.used)),
            screen.times.local(user.created_at).into(),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn a_domain_without_users_is_told_from_one_that_is_misspelt() {
        let domain: Domain = "exampel.test".parse().unwrap();
        let rows = [
            (None, Standing::Handled, "No users yet. Add one"),
            (
                Some(&domain),
                Standing::Handled,
                "exampel.test has no users yet",
            ),
            (
                Some(&domain),
                Standing::AliasOf("example.test".to_owned()),
                "postern user list example.test",
            ),
            (Some(&domain), Standing::Unknown, "is it written right?"),
        ];
        for (domain, standing, expected) in rows {
            let told = nobody(domain, &standing);
            assert!(told.contains(expected), "{told}");
        }
    }
}
