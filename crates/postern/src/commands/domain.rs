//! `postern domain`: domains and the routes of their mail.

use administration::Administration;
use administration::domains::{self, Deliver, NewDomain, OpenTo, Rule, Unmatched};
use rules::Domain;

use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, written};

/// Subcommands for domains.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Handle the mail of a domain
    #[command(after_help = "\
Examples:
  postern domain add example.test
  postern domain add example.test --alias example.org.test --catch-all bob
  postern domain add shop.test --deliver mailbox=bob@example.test
  postern domain add partner.test --deliver direct --from everyone     (a backup relay)
  postern domain add '*' --deliver gateway=isp                         (everything else)")]
    Add(Add),
    /// List the domains and the routes of their mail
    List,
    /// Stop handling the mail of a domain; its users and their mail stay
    #[command(after_help = "\
If anything depends on the domain, it is listed, and --yes is required.

Example:
  postern domain remove example.test")]
    Remove {
        /// The domain, or *
        #[arg(value_parser = domain_or_star)]
        name: Name,
        /// Remove it although it has users or handlers, or mail waits for it
        #[arg(long)]
        yes: bool,
    },
}

/// The rule of a domain.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// The domain; * for all without a rule of their own
    #[arg(value_parser = domain_or_star)]
    name: Name,
    /// Another name of the same domain; may be repeated
    #[arg(long = "alias", value_name = "DOMAIN")]
    aliases: Vec<Domain>,
    /// Route of its mail: mailboxes, mailbox=NAME, direct, or gateway=NAME
    #[arg(long, default_value = "mailboxes", value_parser = deliver)]
    deliver: Deliver,
    /// Who may send to it if its mail goes to another server: everyone or trusted
    #[arg(long, value_parser = ["everyone", "trusted"])]
    from: Option<String>,
    /// Action for recipients without a mailbox: refuse or accept
    #[arg(long, value_parser = ["refuse", "accept"])]
    unmatched: Option<String>,
    /// Mailbox for the mail of recipients without one
    #[arg(long, value_name = "MAILBOX", conflicts_with = "unmatched")]
    catch_all: Option<String>,
}

/// A domain, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Option<Domain>);

fn domain_or_star(text: &str) -> Result<Name, String> {
    match text {
        "*" => Ok(Name(None)),
        text => match Domain::parse(text) {
            Ok(domain) => Ok(Name(Some(domain))),
            Err(reason) => Err(reason.to_string()),
        },
    }
}

fn deliver(text: &str) -> Result<Deliver, String> {
    match text.split_once('=') {
        None if text == "mailboxes" => Ok(Deliver::Mailboxes),
        None if text == "direct" => Ok(Deliver::Direct),
        Some(("mailbox", name)) if !name.is_empty() => Ok(Deliver::Mailbox(name.to_owned())),
        Some(("gateway", name)) if !name.is_empty() => Ok(Deliver::Gateway(name.to_owned())),
        _ => Err("it can be mailboxes, mailbox=NAME, direct, or gateway=NAME".to_owned()),
    }
}

pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Add(add) => {
            let new = new_domain(add);
            let added = domains::add(administration, &new).await?;
            screen.show(&added, || {
                let next = match new.deliver {
                    Deliver::Mailboxes => {
                        format!("\nGive it users: postern user add NAME@{}", added.added)
                    }
                    _ => String::new(),
                };
                format!(
                    "{} is handled (policy revision {}).{next}",
                    added.added, added.revision
                )
            });
        }
        Command::List => {
            let rules = domains::list(administration).await?;
            screen.show(&rules, || table(&rules));
        }
        Command::Remove {
            name: Name(name),
            yes,
        } => {
            let removed = domains::remove(administration, name.as_ref(), yes).await?;
            screen.show(&removed, || {
                format!(
                    "{} is no longer handled (policy revision {}).",
                    removed.removed, removed.revision
                )
            });
        }
    }
    Ok(Outcome::Done)
}

fn new_domain(add: Add) -> NewDomain {
    NewDomain {
        name: add.name.0,
        aliases: add.aliases,
        deliver: add.deliver,
        from: add.from.map(|from| match from.as_str() {
            "everyone" => OpenTo::Everyone,
            _ => OpenTo::Trusted,
        }),
        unmatched: match (add.unmatched.as_deref(), add.catch_all) {
            (_, Some(mailbox)) => Some(Unmatched::CatchAll(mailbox)),
            (Some("accept"), None) => Some(Unmatched::Accept),
            (Some(_), None) => Some(Unmatched::Refuse),
            (None, None) => None,
        },
    }
}

fn table(rules: &[Rule]) -> String {
    if rules.is_empty() {
        return "No domains yet. Add one: postern domain add example.test".to_owned();
    }
    let mut table = columns(&[
        "domain",
        "aliases",
        "deliver",
        "open to",
        "unmatched",
        "handlers",
    ]);
    for rule in rules {
        let aliases: Vec<_> = rule.aliases.iter().map(Domain::as_str).collect();
        table.add_row([
            rule.name.clone(),
            dash(aliases.join(", ")),
            rule.deliver.clone(),
            rule.open_to.to_owned(),
            rule.unmatched.clone().unwrap_or("-".to_owned()),
            rule.handlers.len().to_string(),
        ]);
    }
    written(&table)
}

fn dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use rules::Policy;

    use super::*;

    #[test]
    fn the_table_shows_where_each_domain_goes() {
        let policy = Policy::parse(
            "[[domain]]\nname = \"example.test\"\naliases = [\"example.org.test\"]\n\
             deliver = \"mailboxes\"\nunmatched = { catch-all = \"bob\" }\n\
             [[domain.handler]]\nmatch = \"noreply\"\ndeliver = \"discard\"\n\
             [[domain]]\nname = \"*\"\ndeliver = \"direct\"\n",
        )
        .unwrap();
        let list = domains::rules(&policy);
        let expected = "\
DOMAIN        ALIASES           DELIVER    OPEN TO   UNMATCHED                 HANDLERS
example.test  example.org.test  mailboxes  everyone  mailbox bob@example.test  1
*             -                 direct     trusted   -                         0";
        assert_eq!(table(&list), expected);
        let json = serde_json::to_value(&list).unwrap();
        assert_eq!(json[0]["handlers"][0]["match"], "noreply");
        assert_eq!(json[1]["open_to"], "trusted");
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        assert!(table(&[]).contains("postern domain add"));
    }
}
