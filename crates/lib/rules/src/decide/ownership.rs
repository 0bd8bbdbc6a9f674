//! Ownership of addresses (RFC 6409 §6.1): a client that has logged in must send under its own addresses,
//! in the envelope and in the From field.
//!
//! A login owns every address whose mail is delivered to its mailbox: its address at the domain and the
//! domain's aliases, addresses that a handler delivers to it, and all addresses of a domain that is
//! delivered to it alone. `send-as` adds more.

use crate::values::address::EmailAddress;
use crate::values::facts::SessionFacts;
use crate::values::policy::Policy;
use crate::values::route::Route;
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// Whether a message of this session may use this author address (the From field); `None` is an entry
    /// that is no address.
    pub(crate) fn judge_author(
        &self,
        facts: &SessionFacts,
        author: Option<&EmailAddress>,
    ) -> Result<(), Verdict> {
        self.belongs(facts, author, refusals::AUTHOR_NOT_OF_LOGIN)
    }

    pub(crate) fn belongs(
        &self,
        facts: &SessionFacts,
        address: Option<&EmailAddress>,
        refusal: Verdict,
    ) -> Result<(), Verdict> {
        let rules = self.receiving(true);
        let Some(login) = &facts.login else {
            return Ok(());
        };
        if !rules.senders_must_belong_to_login {
            return Ok(());
        }
        let Some(address) = address else {
            return Err(refusal.because(format!("{login} is logged in, and this is no address")));
        };
        if self.is_of(login, address) || self.may_send_as(login, address) {
            return Ok(());
        }
        Err(refusal.because(format!(
            "{login} is logged in, mail to {address} does not come to them, no `send-as` of \
             [receiving.trusted] lets them, and `senders-must-belong-to-login` is on"
        )))
    }

    fn is_of(&self, login: &str, address: &EmailAddress) -> bool {
        let user = match self.route(address) {
            Route::Mailbox { user, .. } => user,
            _ => address.folded(),
        };
        user.to_string().eq_ignore_ascii_case(login)
    }

    fn may_send_as(&self, login: &str, address: &EmailAddress) -> bool {
        let address = address.to_string();
        self.receiving(true).send_as.iter().any(|entry| {
            entry.logins.iter().any(|pattern| pattern.matches(login))
                && entry
                    .senders
                    .iter()
                    .any(|pattern| pattern.matches(&address))
        })
    }
}
