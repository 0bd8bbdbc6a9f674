//! `postern user app-password`: passwords for individual programs and devices.

use administration::Administration;
use administration::users::app_passwords::{self, AppPassword};
use administration::users::parse_address;
use rules::EmailAddress;

use crate::failure::Failure;
use crate::screen::{Screen, columns, written};

/// Subcommands for application passwords.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an application password; it is shown once, and works for every service
    #[command(after_help = "\
Example:
  postern user app-password add bob@example.test --name phone")]
    Add(Named),
    /// List the application passwords of a user
    #[command(after_help = "Example:\n  postern user app-password list bob@example.test --json")]
    List {
        /// The user's address
        #[arg(value_parser = parse_address)]
        address: EmailAddress,
    },
    /// Remove an application password; it stops working at once
    #[command(after_help = "\
Example:
  postern user app-password remove bob@example.test --name phone --yes")]
    Remove {
        #[command(flatten)]
        named: Named,
        /// Confirm: it cannot be restored
        #[arg(long)]
        yes: bool,
    },
}

/// A user and the name of the password.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// The user's address
    #[arg(value_parser = parse_address)]
    address: EmailAddress,
    /// The program or device; the name appears in the logs
    #[arg(long)]
    name: String,
}

pub(super) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<(), Failure> {
    match command {
        Command::Add(Named { address, name }) => {
            let added = app_passwords::add(administration, &address, &name).await?;
            screen.show(&added, || added.password.clone());
            screen.remark(format!("Give it to {name} now: it cannot be shown again."));
        }
        Command::List { address } => {
            let passwords = app_passwords::list(administration, &address).await?;
            screen.show(&passwords, || table(&passwords, &address, screen));
        }
        Command::Remove {
            named: Named { address, name },
            yes,
        } => {
            let removed = app_passwords::remove(administration, &address, &name, yes).await?;
            screen.show(&removed, || {
                format!("{name} is removed and no longer works.")
            });
        }
    }
    Ok(())
}

fn table(passwords: &[AppPassword], address: &EmailAddress, screen: &Screen) -> String {
    if passwords.is_empty() {
        return format!("{address} has no application passwords.");
    }
    let mut table = columns(&["name", "since"]);
    for password in passwords {
        table.add_row([
            password.name.clone(),
            screen.times.local(password.created_at),
        ]);
    }
    written(&table)
}
