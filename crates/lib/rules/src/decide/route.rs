//! The route of a recipient.

use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::domain_rule::{Delivery, DomainRule, HandlerAction, Unmatched};
use crate::values::policy::Policy;
use crate::values::route::{NoUser, Route};
use crate::values::verdict::refusals;

impl Policy {
    /// The route of a recipient's mail (see [`Self::plan`]).
    pub fn route(&self, recipient: &EmailAddress) -> Route {
        let named = recipient.domain().and_then(|domain| self.domain(domain));
        match (named, self.everything_else()) {
            (Some(rule), _) => self.route_by(rule, recipient),
            (None, Some(rule)) if recipient.domain().is_some() => self.route_by(rule, recipient),
            _ => deliver(self.remote(), recipient, "[delivery] remote".into()),
        }
    }

    fn route_by(&self, rule: &DomainRule, recipient: &EmailAddress) -> Route {
        if let Some(handler) = rule.handler(recipient.local()) {
            let label = handler.label.clone();
            return match &handler.action {
                HandlerAction::Mailbox(user) => Route::Mailbox {
                    user: user.clone(),
                    otherwise: NoUser::Wait,
                    rule: label,
                },
                HandlerAction::Discard => Route::Discard { rule: label },
                HandlerAction::Refuse => Route::Refuse {
                    verdict: refusals::REFUSED_BY_HANDLER.because(label.to_string()),
                    rule: label,
                },
            };
        }
        match (&rule.deliver, &rule.name) {
            (Delivery::Mailboxes, Some(name)) => {
                let user = recipient.folded_at(name);
                Route::Mailbox {
                    otherwise: self.no_user(rule, &user),
                    user,
                    rule: rule.label.clone(),
                }
            }
            _ => deliver(&rule.deliver, recipient, rule.label.clone()),
        }
    }

    fn no_user(&self, rule: &DomainRule, user: &EmailAddress) -> NoUser {
        let is_postmaster = user.local() == "postmaster";
        if let Some(instead) = is_postmaster.then(|| self.no_postmaster(user)).flatten() {
            return instead;
        }
        match &rule.unmatched {
            // A configuration error; only the administrator could be notified of it.
            Unmatched::Refuse if is_postmaster => NoUser::Wait,
            Unmatched::Refuse => NoUser::Refuse,
            Unmatched::Accept => NoUser::Accept,
            Unmatched::CatchAll(user) => NoUser::Mailbox(user.clone()),
        }
    }

    /// RFC 5321 §4.5.1: mail to the postmaster of one of our domains must reach a person. Forwarding it to
    /// another server is no relaying (I9): the administrator chose the one address.
    fn no_postmaster(&self, user: &EmailAddress) -> Option<NoUser> {
        if let Some(postmaster) = self.postmaster() {
            return (postmaster != user).then(|| NoUser::Mailbox(postmaster.clone()));
        }
        let postmaster = self.delivery().postmaster.as_ref()?;
        let elsewhere = self.route(postmaster).is_remote();
        elsewhere.then(|| NoUser::Forward(postmaster.clone()))
    }

    /// The users that the route of a recipient may depend on: its own, then the substitutes.
    pub fn users_asked(&self, recipient: &EmailAddress) -> Vec<EmailAddress> {
        match self.route(recipient) {
            Route::Mailbox {
                user, otherwise, ..
            } => match otherwise {
                NoUser::Mailbox(other) => vec![user, other],
                _ => vec![user],
            },
            _ => Vec::new(),
        }
    }
}

fn deliver(delivery: &Delivery, recipient: &EmailAddress, rule: Arc<str>) -> Route {
    match delivery {
        Delivery::Mailboxes => Route::Mailbox {
            user: recipient.folded(),
            otherwise: NoUser::Refuse,
            rule,
        },
        Delivery::Mailbox(user) => Route::Mailbox {
            user: user.clone(),
            otherwise: NoUser::Wait,
            rule,
        },
        Delivery::Direct => Route::Direct {
            host: recipient.host().clone(),
            rule,
        },
        Delivery::Gateway(gateway) => Route::Gateway {
            gateway: gateway.clone(),
            rule,
        },
    }
}
