//! References of a policy to mailboxes of the directory and to secrets. Commands that delete one of these
//! check the references here.

use crate::values::address::EmailAddress;
use crate::values::collect::CollectAccount;
use crate::values::domain_rule::{Delivery, DomainRule, HandlerAction, Unmatched};
use crate::values::pattern::Pattern;
use crate::values::policy::Policy;
use crate::values::route::Route;

/// A mailbox named in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedMailbox {
    /// The reference, such as `collection account isp`.
    pub by: String,
    /// The address as written, in lower case.
    pub address: EmailAddress,
    /// The users who may receive its mail: the first that exists does. Empty: the mail goes nowhere or to
    /// another server.
    pub users: Vec<EmailAddress>,
    /// A collection account delivers to it.
    pub collects: bool,
}

/// A secret named in a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedSecret {
    /// Its name.
    pub name: String,
    /// The reference, such as `gateway isp`.
    pub by: String,
}

impl Policy {
    /// Every mailbox that the policy names: those of collection accounts, of domain rules and
    /// handlers, and the postmaster's.
    pub fn named_mailboxes(&self) -> Vec<NamedMailbox> {
        let mut named: Vec<NamedMailbox> = self
            .collect_accounts()
            .iter()
            .map(|account| NamedMailbox {
                by: format!("collection account {}", account.name),
                address: account.deliver_to.clone(),
                users: self.collects_for(account),
                collects: true,
            })
            .collect();
        if let Some(address) = &self.delivery().postmaster {
            let users = self.users_asked(address);
            // Otherwise the postmaster's mailbox is on another server.
            if !users.is_empty() {
                named.push(NamedMailbox {
                    by: "[delivery] postmaster".to_owned(),
                    address: address.folded(),
                    users,
                    collects: false,
                });
            }
        }
        for rule in self.domains() {
            named.extend(named_by(rule));
        }
        named
    }

    /// The candidates for an account's mail: the first that exists receives it. Empty: no user of this
    /// system can, since the address's mail goes to another server or is refused.
    pub fn collects_for(&self, account: &CollectAccount) -> Vec<EmailAddress> {
        self.users_asked(&account.deliver_to)
    }

    /// Every secret that the policy names, by name.
    pub fn named_secrets(&self) -> Vec<NamedSecret> {
        let gateways = self.gateways().filter_map(|gateway| {
            Some(NamedSecret {
                name: gateway.login.as_ref()?.secret.clone(),
                by: format!("gateway {}", gateway.name),
            })
        });
        let accounts = self.collect_accounts().iter().map(|account| NamedSecret {
            name: account.login.secret.clone(),
            by: format!("collection account {}", account.name),
        });
        let mut named: Vec<NamedSecret> = gateways.chain(accounts).collect();
        named.sort();
        named
    }

    /// The trust policies and the entries of `send-as` that name a login; patterns for several do not count.
    pub fn named_logins(&self, login: &EmailAddress) -> Vec<String> {
        let login = login.to_string();
        let names = |logins: &[Pattern]| {
            let mut logins = logins.iter();
            logins.any(|pattern| pattern.is_exact() && pattern.matches(&login))
        };
        let trust = self.trust.iter();
        let trust = trust.filter(|policy| names(&policy.wanted.logins));
        let send_as = self.receiving(true).send_as.iter();
        let send_as = send_as.filter(|entry| names(&entry.logins));
        trust
            .map(|policy| format!("trust policy \"{}\"", policy.name))
            .chain(send_as.map(|_| "[receiving.trusted] send-as".to_owned()))
            .collect()
    }

    /// The destination, in words, of mail to an address without a mailbox here.
    pub fn whereabouts(&self, address: &EmailAddress) -> String {
        match self.route(address) {
            Route::Mailbox { user, .. } => format!("there is no user {user}"),
            Route::Direct { host, .. } => {
                format!("mail for {host} goes to other servers: no domain rule delivers it here")
            }
            Route::Gateway { gateway, rule } => {
                format!("its mail goes to the gateway {} ({rule})", gateway.name)
            }
            Route::Forward { rule } => format!("its mail is forwarded ({rule})"),
            Route::Discard { rule } => format!("its mail is discarded ({rule})"),
            Route::Refuse { rule, .. } => format!("its mail is refused ({rule})"),
        }
    }
}

fn named_by(rule: &DomainRule) -> Vec<NamedMailbox> {
    let named = |by: String, user: &EmailAddress| NamedMailbox {
        by,
        address: user.clone(),
        users: vec![user.clone()],
        collects: false,
    };
    let mut all = Vec::new();
    if let Delivery::Mailbox(user) = &rule.deliver {
        all.push(named(rule.label.to_string(), user));
    }
    if let Unmatched::CatchAll(user) = &rule.unmatched {
        all.push(named(format!("{}, catch-all", rule.label), user));
    }
    all.extend(rule.handlers.iter().filter_map(|handler| {
        let HandlerAction::Mailbox(user) = &handler.action else {
            return None;
        };
        Some(named(handler.label.to_string(), user))
    }));
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    fn policy(collected_to: &str) -> Policy {
        Policy::parse(&format!(
            r#"
            [delivery]
            postmaster = "admin@example.test"

            [[gateway]]
            name = "isp"
            hosts = ["smtp.isp.test"]
            login = {{ user = "office", secret = "out" }}

            [[domain]]
            name = "example.test"
            aliases = ["alias.test"]
            deliver = "mailboxes"
            unmatched = {{ catch-all = "all" }}

            [[domain.handler]]
            match = "sales-*"
            deliver = {{ mailbox = "eve" }}

            [[domain.handler]]
            match = "trash"
            deliver = "discard"

            [[domain]]
            name = "shop.test"
            deliver = {{ mailbox = "bob@example.test" }}

            [[domain]]
            name = "remote.test"
            deliver = {{ gateway = "isp" }}
            from = "trusted"

            [[collect]]
            name = "box"
            server = "pop.isp.test"
            protocol = "pop3s"
            login = {{ user = "office", secret = "in" }}
            deliver = {{ mailbox = "{collected_to}" }}
            "#
        ))
        .unwrap()
    }

    fn users(collected_to: &str) -> Vec<String> {
        let policy = policy(collected_to);
        let users = policy.collects_for(&policy.collect_accounts()[0]);
        users.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mailbox_is_named_with_what_names_it() {
        let named = policy("bob@example.test").named_mailboxes();
        let named: Vec<String> = named
            .iter()
            .map(|named| format!("{}: {}", named.by, named.address))
            .collect();
        assert_eq!(
            named,
            [
                "collection account box: bob@example.test",
                "[delivery] postmaster: admin@example.test",
                "domain rule example.test, catch-all: all@example.test",
                "domain rule example.test, handler sales-*: eve@example.test",
                "domain rule shop.test: bob@example.test",
            ]
        );
    }

    #[test]
    fn secrets_are_named_by_gateways_and_accounts() {
        let secrets = policy("bob@example.test").named_secrets();
        let secrets: Vec<String> = secrets
            .iter()
            .map(|secret| format!("{}: {}", secret.name, secret.by))
            .collect();
        assert_eq!(secrets, ["in: collection account box", "out: gateway isp"]);
    }

    #[test]
    fn a_login_is_named_by_what_trusts_it_and_by_what_it_may_send_as() {
        let policy = Policy::parse(
            r#"
            [receiving.trusted]
            send-as = [
                { login = "bob@example.test", sender = "*@example.test" },
                { login = "*@example.test", sender = "office@example.test" },
            ]

            [[domain]]
            name = "example.test"
            deliver = "mailboxes"

            [[trust]]
            name = "the office"
            action = "distrust"
            where = { login = ["Bob@example.test", "eve@example.test"] }
            "#,
        )
        .unwrap();
        let named = |login: &str| policy.named_logins(&login.parse().unwrap());
        assert_eq!(
            named("bob@example.test"),
            ["trust policy \"the office\"", "[receiving.trusted] send-as"]
        );
        assert_eq!(named("eve@example.test"), ["trust policy \"the office\""]);
        assert!(named("ann@example.test").is_empty());
    }

    #[test]
    fn what_is_collected_goes_where_the_rules_say() {
        for (address, expected) in [
            (
                "bob@example.test",
                &["bob@example.test", "all@example.test"][..],
            ),
            ("bob@alias.test", &["bob@example.test", "all@example.test"]),
            ("sales-1@example.test", &["eve@example.test"]),
            ("any@shop.test", &["bob@example.test"]),
            ("trash@example.test", &[]),
            ("bob@remote.test", &[]),
            ("bob@foreign.test", &[]),
        ] {
            assert_eq!(users(address), expected, "{address}");
        }
    }

    #[test]
    fn why_no_mailbox_gets_it_is_said() {
        let policy = policy("bob@example.test");
        for (address, expected) in [
            ("bob@shop.test", "there is no user bob@example.test"),
            (
                "bob@foreign.test",
                "mail for foreign.test goes to other servers: no domain rule delivers it here",
            ),
            (
                "bob@remote.test",
                "its mail goes to the gateway isp (domain rule remote.test)",
            ),
            (
                "trash@example.test",
                "its mail is discarded (domain rule example.test, handler trash)",
            ),
        ] {
            assert_eq!(policy.whereabouts(&address.parse().unwrap()), expected);
        }
    }
}
