//! The list of users.

use api::directory::v1::ListUsersRequest;
use jiff::Timestamp;
use rules::Domain;
use serde::Serialize;

use crate::{Administration, Deadline, Error, time};

/// Users requested in one call.
const PAGE: u32 = 10_000;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Their address, which is their name.
    pub address: String,
    /// Messages in their mailboxes.
    pub messages: u64,
    /// Their size in octets.
    pub used: u64,
    /// When the user was added.
    pub created_at: Option<Timestamp>,
}

impl From<api::directory::v1::User> for User {
    fn from(user: api::directory::v1::User) -> Self {
        Self {
            address: user.address,
            messages: user.messages,
            used: user.used,
            created_at: time(user.created_at_ms),
        }
    }
}

/// The users of a domain, or all.
pub(crate) async fn all(
    administration: &Administration,
    domain: Option<&Domain>,
) -> Result<Vec<User>, Error> {
    let mut client = administration.system().directory(Deadline::Question)?;
    let mut users = Vec::new();
    let mut after = String::new();
    loop {
        let request = ListUsersRequest {
            actor: administration.asking(),
            domain: domain.map(ToString::to_string).unwrap_or_default(),
            after,
            limit: PAGE,
        };
        let page = client.list_users(request).await;
        let page = page
            .map_err(|status| Error::call("mailbox-store", &status))?
            .into_inner();
        users.extend(page.users.into_iter().map(User::from));
        if page.next.is_empty() {
            return Ok(users);
        }
        after = page.next;
    }
}
