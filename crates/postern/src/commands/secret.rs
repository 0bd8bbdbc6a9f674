//! `postern secret`: passwords named in the policy. They are stored encrypted and never shown.

use administration::Administration;
use administration::secrets::{self, Secret};
use clap::builder::NonEmptyStringValueParser;

use crate::failure::{Failure, Outcome};
use crate::prompt;
use crate::screen::{Screen, columns, written};

/// Subcommands for secrets.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Store a secret: asked for on a terminal, otherwise all of standard input
    #[command(after_help = "\
Examples:
  postern secret set isp
  printf %s \"$SECRET\" | postern secret set isp")]
    Set {
        /// Its name, as in the policy's logins
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// List the names of the secrets, and their references
    List,
    /// Remove a secret
    #[command(after_help = "Example:\n  postern secret remove isp --yes")]
    Remove {
        /// Its name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Confirm: its value cannot be restored
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Set { name } => {
            let value = prompt::secret(&name)?;
            let set = secrets::set(administration, &name, value).await?;
            screen.show(&set, || format!("The secret {name} is set."));
        }
        Command::List => {
            let secrets = secrets::list(administration).await?;
            screen.show(&secrets, || table(&secrets));
        }
        Command::Remove { name, yes } => {
            let removed = secrets::remove(administration, &name, yes).await?;
            screen.show(&removed, || format!("The secret {name} is removed."));
            if !removed.used_by.is_empty() {
                screen.remark(format!(
                    "Note: without it nothing goes by {}; set it again by postern secret set {name}",
                    removed.used_by.join(", ")
                ));
            }
        }
    }
    Ok(Outcome::Done)
}

fn table(list: &[Secret]) -> String {
    if list.is_empty() {
        return "No secrets, and the policy needs none.".to_owned();
    }
    let mut table = columns(&["secret", "set", "used by"]);
    for secret in list {
        let used_by = secret.used_by.join(", ");
        table.add_row([
            secret.name.as_str(),
            if secret.set { "yes" } else { "NO" },
            if used_by.is_empty() { "-" } else { &used_by },
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_the_policy_needs_are_shown_as_missing() {
        let list = [
            Secret {
                name: "isp".to_owned(),
                set: false,
                used_by: vec!["gateway isp".to_owned()],
            },
            Secret {
                name: "old".to_owned(),
                set: true,
                used_by: Vec::new(),
            },
        ];
        assert_eq!(
            table(&list),
            "SECRET  SET  USED BY\nisp     NO   gateway isp\nold     yes  -"
        );
    }
}
