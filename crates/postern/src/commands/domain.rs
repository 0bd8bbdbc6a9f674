//! `postern domain`: whose mail is handled, and where it goes.

use rules::{Delivery, Domain, DomainRule, HandlerAction, Policy, Unmatched};
use serde::Serialize;

use super::revision;
use crate::failure::{Failure, Outcome};
use crate::policy_document::{NewDomain, Setting, add_domain, remove_domain};
use crate::screen::{Screen, columns, written};
use crate::system::System;

/// What can be done with domains.
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
    /// Show the domains and where their mail goes
    List,
    /// Stop handling the mail of a domain; its users and their mail stay
    #[command(after_help = "\
What depends on the domain is listed, and --yes is asked for.

Example:
  postern domain remove example.test")]
    Remove {
        /// The domain, or *
        #[arg(value_parser = domain_or_star)]
        name: Name,
        /// Even if it has users or handlers
        #[arg(long)]
        yes: bool,
    },
}

/// The rule of a domain.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// The domain; * for all that no other rule names
    #[arg(value_parser = domain_or_star)]
    name: Name,
    /// Another name of the same domain; may be repeated
    #[arg(long = "alias", value_name = "DOMAIN")]
    aliases: Vec<Domain>,
    /// Where its mail goes: mailboxes, mailbox=NAME, direct, or gateway=NAME
    #[arg(long, default_value = "mailboxes", value_parser = deliver)]
    deliver: Setting,
    /// Who may send to it when its mail goes elsewhere: everyone or trusted
    #[arg(long, value_parser = ["everyone", "trusted"])]
    from: Option<String>,
    /// What happens to recipients without a mailbox: refuse, or accept
    #[arg(long, value_parser = ["refuse", "accept"])]
    unmatched: Option<String>,
    /// The mailbox that gets the mail of recipients without one
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

fn deliver(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        None if matches!(text, "mailboxes" | "direct") => Ok(Setting::Word(text.to_owned())),
        Some(("mailbox", name)) if !name.is_empty() => {
            Ok(Setting::Keyed("mailbox", name.to_owned()))
        }
        Some(("gateway", name)) if !name.is_empty() => {
            Ok(Setting::Keyed("gateway", name.to_owned()))
        }
        _ => Err("it can be mailboxes, mailbox=NAME, direct, or gateway=NAME".to_owned()),
    }
}

pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Add(add) => add_to(system, screen, add).await?,
        Command::List => {
            let (_, policy) = revision::newest_policy(system).await?;
            let list = list(&policy);
            screen.show(&list, || table(&list));
        }
        Command::Remove {
            name: Name(name),
            yes,
        } => {
            let shown = shown(name.as_ref());
            let comment = format!("domain remove {shown}");
            let change = |document: &str| remove_domain(document, name.as_ref());
            let made = revision::edit(system, &comment, yes, change).await?;
            let json = serde_json::json!({ "removed": shown, "revision": made.revision });
            screen.show(&json, || {
                let revision = made.revision;
                format!("{shown} is no longer handled (policy revision {revision}).")
            });
        }
    }
    Ok(Outcome::Done)
}

async fn add_to(system: &System, screen: &Screen, add: Add) -> Result<(), Failure> {
    let new = new_domain(add);
    let shown = shown(new.name.as_ref());
    let comment = format!("domain add {shown}");
    let change = |document: &str| add_domain(document, &new);
    let made = revision::edit(system, &comment, false, change).await?;
    let json = serde_json::json!({ "added": shown, "revision": made.revision });
    screen.show(&json, || {
        let revision = made.revision;
        let next = if new.deliver == Setting::Word("mailboxes".to_owned()) {
            format!("\nGive it users: postern user add NAME@{shown}")
        } else {
            String::new()
        };
        format!("{shown} is handled (policy revision {revision}).{next}")
    });
    Ok(())
}

fn shown(name: Option<&Domain>) -> String {
    name.map_or("*".to_owned(), ToString::to_string)
}

fn new_domain(add: Add) -> NewDomain {
    let unmatched = match (add.unmatched, add.catch_all) {
        (_, Some(mailbox)) => Some(Setting::Keyed("catch-all", mailbox)),
        (Some(word), None) => Some(Setting::Word(word)),
        (None, None) => None,
    };
    NewDomain {
        name: add.name.0,
        aliases: add.aliases,
        deliver: add.deliver,
        from: add.from.map(|from| match from.as_str() {
            "everyone" => "everyone",
            _ => "trusted",
        }),
        unmatched,
    }
}

/// A domain rule as it is shown.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Listed {
    name: String,
    aliases: Vec<Domain>,
    deliver: String,
    open_to: &'static str,
    unmatched: Option<String>,
    handlers: Vec<ListedHandler>,
    line: usize,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct ListedHandler {
    r#match: String,
    deliver: String,
}

fn list(policy: &Policy) -> Vec<Listed> {
    policy.domains().iter().map(|rule| listed(rule)).collect()
}

fn listed(rule: &DomainRule) -> Listed {
    let handlers = rule.handlers.iter().map(|handler| ListedHandler {
        r#match: handler.pattern.to_string(),
        deliver: match &handler.action {
            HandlerAction::Mailbox(user) => format!("mailbox {user}"),
            HandlerAction::Discard => "discard".to_owned(),
            HandlerAction::Refuse => "refuse".to_owned(),
        },
    });
    Listed {
        name: shown(rule.name.as_ref()),
        aliases: rule.aliases.clone(),
        deliver: match &rule.deliver {
            Delivery::Mailboxes => "mailboxes".to_owned(),
            Delivery::Mailbox(user) => format!("mailbox {user}"),
            Delivery::Direct => "direct".to_owned(),
            Delivery::Gateway(gateway) => format!("gateway {}", gateway.name),
        },
        open_to: if rule.open { "everyone" } else { "trusted" },
        unmatched: match (&rule.deliver, &rule.unmatched) {
            (Delivery::Mailboxes, Unmatched::Refuse) => Some("refuse".to_owned()),
            (Delivery::Mailboxes, Unmatched::Accept) => Some("accept".to_owned()),
            (Delivery::Mailboxes, Unmatched::CatchAll(user)) => Some(format!("mailbox {user}")),
            _ => None,
        },
        handlers: handlers.collect(),
        line: rule.line,
    }
}

fn table(list: &[Listed]) -> String {
    if list.is_empty() {
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
    for domain in list {
        let aliases: Vec<_> = domain.aliases.iter().map(Domain::as_str).collect();
        table.add_row([
            domain.name.clone(),
            dash(aliases.join(", ")),
            domain.deliver.clone(),
            domain.open_to.to_owned(),
            domain.unmatched.clone().unwrap_or("-".to_owned()),
            domain.handlers.len().to_string(),
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
        let list = list(&policy);
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
