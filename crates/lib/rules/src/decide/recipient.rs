//! The verdict on RCPT. The relay rule (I9) is here.

use crate::decide::trust::until_trust_is_known;
use crate::values::address::EmailAddress;
use crate::values::domain::Domain;
use crate::values::facts::SessionFacts;
use crate::values::path::{ForwardPath, ReversePath};
use crate::values::policy::Policy;
use crate::values::route::{NoUser, RecipientVerdict, Route};
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// RCPT: parses a forward-path. `<Postmaster>` becomes the postmaster's address.
    pub fn forward_path(&self, text: &str) -> Result<EmailAddress, Verdict> {
        match ForwardPath::parse(text) {
            Ok(ForwardPath::Address(address)) => Ok(address),
            Ok(ForwardPath::Postmaster) => self.postmaster_address(),
            Err(error) => {
                let refusal = refusals::MALFORMED_RECIPIENT.because(error.to_string());
                Err(self.or_without_domain(refusal, text))
            }
        }
    }

    /// The domain of a local part without one (`<root>`), which only leniently treated devices write: the
    /// postmaster's.
    pub fn own_domain(&self) -> Option<Domain> {
        let postmaster = self.postmaster_address().ok()?;
        postmaster.domain().cloned()
    }

    fn postmaster_address(&self) -> Result<EmailAddress, Verdict> {
        if let Some(postmaster) = &self.delivery().postmaster {
            return Ok(postmaster.clone());
        }
        self.domains()
            .iter()
            .filter(|rule| rule.deliver.is_local())
            .find_map(|rule| EmailAddress::new("postmaster", rule.name.clone()?).ok())
            .ok_or_else(|| {
                refusals::NO_POSTMASTER
                    .because("[delivery] names no postmaster and no domain is local")
            })
    }

    /// RCPT: whether a message with `taken` recipients may have another.
    pub(crate) fn judge_recipients(&self, trust: &Trust, taken: usize) -> Result<(), Verdict> {
        let limit = self.receiving(trust.trusted).max_recipients;
        if u32::try_from(taken).is_ok_and(|taken| taken < limit) {
            return Ok(());
        }
        Err(refusals::TOO_MANY_RECIPIENTS
            .because(format!("`max-recipients` is {limit} for {}", trust.class())))
    }

    /// RCPT: whether mail from this session may go to this recipient.
    pub fn accept_recipient(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        sender: &ReversePath,
        recipient: &EmailAddress,
    ) -> RecipientVerdict {
        let route = self.route(recipient);
        if let Err(refusal) = self.may_reach(trust, recipient, &route) {
            let session = format!("{} sends as <{sender}>", facts.peer);
            let refusal = until_trust_is_known(trust, refusal.because(session));
            return RecipientVerdict::Refuse(refusal);
        }
        by_route(route)
    }

    /// RCPT: whether mail may go to `<Postmaster>`, with this address ([`Self::forward_path`]).
    ///
    /// It may, from any sender and wherever the postmaster's mailbox is (RFC 5321 §4.5.1). That is no
    /// relaying (I9): there is one such address, chosen by the administrator. The relay rule applies to
    /// clients that write the address itself.
    pub fn accept_postmaster(&self, address: &EmailAddress) -> RecipientVerdict {
        let mut route = self.route(address);
        if let Route::Mailbox { otherwise, .. } = &mut route
            && *otherwise == NoUser::Refuse
        {
            // A configuration error; only the administrator could be notified of it.
            *otherwise = NoUser::Wait;
        }
        by_route(route)
    }

    /// RCPT: the address in a forward-path, and whether mail from this session may go there.
    pub fn accept_forward_path(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        sender: &ReversePath,
        path: &str,
    ) -> Result<(EmailAddress, RecipientVerdict), Verdict> {
        let address = self.forward_path(path)?;
        let verdict = if ForwardPath::is_postmaster(path) {
            self.accept_postmaster(&address)
        } else {
            self.accept_recipient(facts, trust, sender, &address)
        };
        Ok((address, verdict))
    }

    /// Invariant I9. Untrusted senders reach only domains that a rule names and opens to everyone; the rule
    /// `*` and `[delivery] remote` name no domain.
    pub(crate) fn may_reach(
        &self,
        trust: &Trust,
        recipient: &EmailAddress,
        route: &Route,
    ) -> Result<(), Verdict> {
        let named = recipient.domain().and_then(|domain| self.domain(domain));
        let open = named.is_some_and(|rule| rule.open);
        if trust.trusted && (named.is_some() || self.receiving(true).relay) {
            return Ok(());
        }
        let session = format!("the session is {} ({})", trust.class(), trust.name);
        let host = recipient.host();
        if !open {
            let reason = match named {
                Some(rule) => format!("{} is for trusted senders only", rule.label),
                None => format!("no domain rule names {host}"),
            };
            return Err(refusals::RELAY_DENIED.because(session).because(reason));
        }
        // The next server may interpret the local part as a route, and trusts us.
        if route.is_remote() && recipient.looks_routed() {
            let local = recipient.local();
            let reason = format!("the local part \"{local}\" looks like a route to elsewhere");
            return Err(refusals::ROUTED_LOCAL_PART.because(session).because(reason));
        }
        Ok(())
    }
}

/// Converts a route to a verdict, with the alternatives for missing users.
fn by_route(route: Route) -> RecipientVerdict {
    let (user, otherwise) = match &route {
        Route::Refuse { verdict, .. } => return RecipientVerdict::Refuse(verdict.clone()),
        Route::Mailbox {
            user, otherwise, ..
        } => (user.clone(), otherwise.clone()),
        _ => return RecipientVerdict::Accept { route },
    };
    let otherwise = match &otherwise {
        NoUser::Accept | NoUser::Forward(_) => RecipientVerdict::Accept {
            route: route.clone(),
        },
        NoUser::Refuse => RecipientVerdict::Refuse(
            refusals::NO_SUCH_USER.because(format!("{user} has no mailbox ({})", route.rule())),
        ),
        NoUser::Wait => RecipientVerdict::Refuse(missing(&user, route.rule())),
        NoUser::Mailbox(other) => RecipientVerdict::AcceptIfUser {
            user: other.clone(),
            route: route.clone(),
            otherwise: Box::new(RecipientVerdict::Refuse(missing(other, route.rule()))),
        },
    };
    RecipientVerdict::AcceptIfUser {
        user,
        route,
        otherwise: Box::new(otherwise),
    }
}

fn missing(user: &EmailAddress, rule: &str) -> Verdict {
    refusals::MAILBOX_MISSING.because(format!(
        "{rule} delivers to {user}, who has no mailbox: add the user or change the rule"
    ))
}
