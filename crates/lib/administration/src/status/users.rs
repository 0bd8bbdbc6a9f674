//! Users whose domain has no rule: no mail reaches them.

use std::collections::BTreeMap;

use api::directory::v1::{ListUsersRequest, ListUsersResponse};
use rules::{Domain, Policy};

use crate::consequences::counted;
use crate::{Administration, Deadline, Error};

/// Maximum users read; the result says if there are more.
const LOOKED_AT: u32 = 10_000;

/// The users, by domain.
#[derive(Debug, Default)]
pub(crate) struct Users {
    by_domain: BTreeMap<String, usize>,
    /// Not all users were read.
    more: bool,
}

/// The query also fails if the mailbox store cannot read its database; its health check does not.
pub(super) async fn ask(administration: &Administration) -> Result<Users, Error> {
    let request = ListUsersRequest {
        actor: administration.asking(),
        limit: LOOKED_AT,
        ..ListUsersRequest::default()
    };
    let answer = administration
        .system()
        .directory(Deadline::Question)?
        .list_users(request)
        .await;
    answer
        .map(|answer| Users::from(answer.into_inner()))
        .map_err(|status| Error::call("mailbox-store", &status))
}

impl From<ListUsersResponse> for Users {
    fn from(answer: ListUsersResponse) -> Self {
        let mut by_domain = BTreeMap::new();
        for user in &answer.users {
            if let Some((_, domain)) = user.address.rsplit_once('@') {
                *by_domain.entry(domain.to_owned()).or_default() += 1;
            }
        }
        Self {
            by_domain,
            more: !answer.next.is_empty(),
        }
    }
}

impl Users {
    /// The domains with users and without a rule, each a sentence.
    pub(super) fn troubles(&self, policy: &Policy) -> Vec<String> {
        let has_rule = |name: &str| {
            let domain = Domain::parse(name);
            domain.is_ok_and(|domain| policy.domain(&domain).is_some())
        };
        let without = self
            .by_domain
            .iter()
            .filter(|(domain, _)| !has_rule(domain));
        let least = if self.more { "at least " } else { "" };
        without
            .map(|(domain, count)| {
                let users = counted(*count, "user");
                format!(
                    "no mail reaches {least}{users} of {domain}, a domain without a rule: postern domain \
                     add {domain}, or postern user remove"
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use api::directory::v1::User;

    use super::*;

    #[test]
    fn users_of_a_domain_that_no_rule_names_are_a_trouble() {
        let policy = Policy::parse(
            "[[domain]]\nname = \"a.test\"\naliases = [\"b.test\"]\ndeliver = \"mailboxes\"\n\
             [[domain]]\nname = \"*\"\ndeliver = \"direct\"\n",
        )
        .unwrap();
        let user = |address: &str| User {
            address: address.to_owned(),
            ..User::default()
        };
        let answer = |addresses: &[&str], next: &str| {
            Users::from(ListUsersResponse {
                users: addresses.iter().map(|address| user(address)).collect(),
                next: next.to_owned(),
            })
        };
        assert_eq!(
            answer(&["x@a.test", "x@b.test"], "").troubles(&policy),
            [""; 0]
        );
        assert_eq!(
            answer(&["x@c.test", "x@a.test", "y@c.test"], "y").troubles(&policy),
            [
                "no mail reaches at least 2 users of c.test, a domain without a rule: postern domain add \
                 c.test, or postern user remove"
            ]
        );
    }
}
