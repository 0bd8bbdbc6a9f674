//! Logins by a client certificate (RFC 4422 appendix A). TLS has verified the certificate; its mail addresses
//! say which users it may log in.

use super::Logins;
use super::account::Account;
use super::attempt::{Accepted, Answer};
use crate::Result;
use crate::values::UserAddress;

/// Maximum number of addresses checked in one certificate.
const MOST_ADDRESSES: usize = 32;

impl Logins {
    /// Logs in the user named by the certificate's addresses: the requested one, or the first of several.
    /// `None`: the certificate does not name the requested user.
    pub(super) async fn verify_certificate(
        &self,
        addresses: &[String],
        authorization: &str,
    ) -> Result<Option<Answer>> {
        let parse = |text: &String| UserAddress::parse(text).ok();
        let mut named: Vec<_> = addresses.iter().filter_map(parse).collect();
        named.truncate(MOST_ADDRESSES);
        if !authorization.is_empty() {
            let asked = UserAddress::parse(authorization).ok();
            named.retain(|address| Some(address) == asked.as_ref());
            if named.is_empty() {
                return Ok(None);
            }
        }
        for address in &named {
            if let Some(account) = self.find(address).await? {
                return Ok(Some(accepted(account)));
            }
        }
        let names: Vec<_> = named.iter().map(UserAddress::as_str).collect();
        let names = names.join(", ");
        let reason = format!("the certificate names no user of this system, only {names}");
        Ok(Some(Answer::Unfit(reason.into())))
    }
}

fn accepted(account: Account) -> Answer {
    Answer::Accepted(Box::new(Accepted {
        user_id: account.user_id,
        address: account.address,
        app_password: None,
        signature: Vec::new(),
    }))
}
