//! The list of users.

use api::directory::v1::ListUsersRequest;
use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::Channel;
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
    let mut users = Vec::new();
    let mut pages = Pages::of(administration, domain)?;
    while let Some(page) = pages.next().await? {
        users.extend(page);
    }
    Ok(users)
}

/// The users of a domain, or all, page by page.
pub(crate) struct Pages<'a> {
    administration: &'a Administration,
    client: DirectoryClient<Channel>,
    domain: String,
    /// The continuation returned with the page before; `None` after the last page.
    after: Option<String>,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(
        administration: &'a Administration,
        domain: Option<&Domain>,
    ) -> Result<Self, Error> {
        Ok(Self {
            administration,
            client: administration.system().directory(Deadline::Question)?,
            domain: domain.map(ToString::to_string).unwrap_or_default(),
            after: Some(String::new()),
        })
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Vec<User>>, Error> {
        let Some(after) = self.after.take() else {
            return Ok(None);
        };
        let request = ListUsersRequest {
            actor: self.administration.asking(),
            domain: self.domain.clone(),
            after,
            limit: PAGE,
        };
        let page = self.client.list_users(request).await;
        let page = page
            .map_err(|status| Error::call("mailbox-store", &status))?
            .into_inner();
        self.after = Some(page.next).filter(|next| !next.is_empty());
        Ok(Some(page.users.into_iter().map(User::from).collect()))
    }
}
