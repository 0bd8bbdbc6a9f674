//! Who has a mailbox, as far as the status is about it: users whom no mail reaches.

use std::collections::BTreeMap;

use api::directory::v1::{ListUsersRequest, ListUsersResponse};
use rules::{Domain, Policy};

use crate::{Administration, Deadline, Error};

/// Users that are looked at: of more it is said that there are more.
const LOOKED_AT: u32 = 10_000;

/// The users, by domain.
#[derive(Debug, Default)]
pub(crate) struct Users {
    of: BTreeMap<String, u64>,
    /// There are more than were looked at.
    more: bool,
}

/// Also whether the mailbox store reads its database: its health does not say.
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
        let mut of = BTreeMap::new();
        for user in &answer.users {
            if let Some((_, domain)) = user.address.rsplit_once('@') {
                *of.entry(domain.to_owned()).or_default() += 1;
            }
        }
        Self {
            of,
            more: !answer.next.is_empty(),
        }
    }
}

impl Users {
    /// Those whose domain no rule names, each a sentence.
    pub(super) fn troubles(&self, policy: &Policy) -> Vec<String> {
        let has_rule = |name: &str| {
            let domain = Domain::parse(name);
            domain.is_ok_and(|domain| policy.domain(&domain).is_some())
        };
        let without = self.of.iter().filter(|(domain, _)| !has_rule(domain));
        let least = if self.more { "at least " } else { "" };
        without
            .map(|(domain, count)| {
                let users = match count {
                    1 => "1 user".to_owned(),
                    count => format!("{count} users"),
                };
                format!(
                    "{least}{users} of {domain}, which has no rule, so that no mail comes: postern domain \
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
                "at least 2 users of c.test, which has no rule, so that no mail comes: postern domain add \
                 c.test, or postern user remove"
            ]
        );
    }
}
