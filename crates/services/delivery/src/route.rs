//! Where each leased recipient goes, by the policy in force.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::policy_watch::PolicyWatch;
use api::queue::v1::{LeasedMessage, LeasedRecipient};
use rules::{EmailAddress, Route};

use crate::collected;
use crate::finish::Finisher;
use crate::lease::{Held, LeaseSession};
use crate::local::{Local, LocalDelivery};
use crate::remote::{Job, Remote, Target};
use crate::work::{Failure, Fate, Work};

/// When too many recipients wait for other servers.
const PUT_OFF: Duration = Duration::from_secs(60);

/// Routes leased messages and hands them on.
pub(crate) struct Router {
    pub(crate) policy: PolicyWatch,
    pub(crate) local: Local,
    pub(crate) elsewhere: Arc<Elsewhere>,
    pub(crate) finisher: Arc<Finisher>,
}

/// The way to other servers.
pub(crate) struct Elsewhere {
    pub(crate) held: Arc<Held>,
    pub(crate) remote: Arc<Remote>,
    pub(crate) finisher: Arc<Finisher>,
}

impl Elsewhere {
    /// Hands recipients on, or puts them off while too many wait already.
    fn deliver(&self, work: &Arc<Work>, target: &Target, recipients: Vec<LeasedRecipient>) {
        if self.held.begin_remote(&recipients) {
            self.remote.deliver(target, Job::new(work, recipients));
            return;
        }
        let failure = Failure::temporary("4.4.5", "too much mail for other servers waits");
        let fate = Fate::Failed(failure.retry_in(PUT_OFF));
        let put_off = recipients.into_iter().map(|one| (one, fate.clone()));
        self.finisher.finish(work, put_off.collect());
    }

    /// Passes mail for one who has no mailbox on to another address. Gives the recipient back when
    /// that one's mail goes to no other server (any more), or when it is too late.
    pub(crate) fn pass_on(
        &self,
        work: &Arc<Work>,
        recipient: LeasedRecipient,
        to: &EmailAddress,
    ) -> Option<(LeasedRecipient, Fate)> {
        let passed_on = readdressed(&recipient, to);
        let too_late = too_late(work, &self.finisher);
        match (too_late, destination(work, &passed_on)) {
            (None, Destination::Remote(target)) => {
                self.deliver(work, &target, vec![passed_on]);
                None
            }
            (too_late, _) => {
                let failure =
                    too_late.unwrap_or_else(|| Failure::by_rule(&rules::NoUser::Wait.verdict()));
                Some((recipient, Fate::Failed(failure)))
            }
        }
    }
}

/// The recipient at another address. Whom the sender wrote to, if they did not say so by ORCPT, is said
/// for them (RFC 3461 §5.2.1): a notice about an address that they never wrote tells them nothing.
fn readdressed(recipient: &LeasedRecipient, to: &EmailAddress) -> LeasedRecipient {
    let mut passed_on = recipient.clone();
    let written = std::mem::replace(&mut passed_on.address, to.to_string());
    if passed_on.original_recipient.is_empty() && written.is_ascii() {
        passed_on.original_recipient = format!("rfc822;{}", xtext(&written));
    }
    passed_on
}

/// RFC 3461 §4.
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'!'..=b'~' if !matches!(octet, b'+' | b'=') => encoded.push(char::from(octet)),
            _ => encoded.push_str(&format!("+{octet:02X}")),
        }
    }
    encoded
}

/// Why no attempt is made any more, if so.
fn too_late(work: &Work, finisher: &Finisher) -> Option<Failure> {
    work.deadline()?.forbids_attempts(finisher.clock.now_ms())
}

impl Router {
    /// What waits for other servers is not begun any more.
    pub(crate) fn stop(&self) {
        self.elsewhere.remote.stop();
    }

    /// Routes all recipients of these messages. Without a policy nothing is leased (see
    /// `lib.rs`), and once there is one it stays.
    pub(crate) fn route(&self, messages: Vec<LeasedMessage>, session: &Arc<LeaseSession>) {
        let Some(policy) = self.policy.current() else {
            return;
        };
        let mut local = Vec::with_capacity(messages.len());
        for mut message in messages {
            let recipients = std::mem::take(&mut message.recipients);
            let work = Arc::new(Work {
                message,
                policy: Arc::clone(&policy),
                session: Arc::clone(session),
            });
            self.route_message(&work, recipients, &mut local);
        }
        self.local.deliver(local);
    }

    fn route_message(
        &self,
        work: &Arc<Work>,
        recipients: Vec<LeasedRecipient>,
        local: &mut Vec<LocalDelivery>,
    ) {
        let too_late = too_late(work, &self.finisher);
        let mut ended = Vec::new();
        let mut remote: HashMap<Target, Vec<LeasedRecipient>> = HashMap::new();
        for recipient in recipients {
            let destination = destination(work, &recipient);
            // One that was handed out before may be in its mailbox already: the store knows, and its
            // sender is not told the contrary.
            let begun = matches!(destination, Destination::Local(..)) && recipient.epoch > 1;
            if let Some(failure) = too_late.as_ref().filter(|_| !begun) {
                ended.push((recipient, Fate::Failed(failure.clone())));
                continue;
            }
            match destination {
                Destination::Local(user, otherwise) => local.push(LocalDelivery {
                    work: Arc::clone(work),
                    recipient,
                    user,
                    otherwise,
                    failing_since: None,
                    sent: false,
                    alone: false,
                }),
                Destination::Remote(target) => remote.entry(target).or_default().push(recipient),
                Destination::End(fate) => ended.push((recipient, fate)),
            }
        }
        for (target, recipients) in remote {
            self.elsewhere.deliver(work, &target, recipients);
        }
        if !ended.is_empty() {
            self.finisher.finish(work, ended);
        }
    }
}

/// Where a recipient goes.
#[derive(Debug, PartialEq)]
pub(crate) enum Destination {
    Local(EmailAddress, rules::NoUser),
    Remote(Target),
    End(Fate),
}

fn destination(work: &Work, recipient: &LeasedRecipient) -> Destination {
    let destination = by_policy(work, recipient);
    if work.message.collected {
        collected::kept_here(work, destination)
    } else {
        destination
    }
}

fn by_policy(work: &Work, recipient: &LeasedRecipient) -> Destination {
    let address = match EmailAddress::parse(&recipient.address) {
        Ok(address) => address,
        Err(error) => {
            let reason = format!("This is not a mail address: {error}.");
            return Destination::End(Fate::Failed(Failure::permanent("5.1.3", reason)));
        }
    };
    match work.policy.policy.route(&address) {
        Route::Mailbox {
            user, otherwise, ..
        } => Destination::Local(user, otherwise),
        Route::Direct { host, .. } => Destination::Remote(Target::Direct(host)),
        Route::Gateway { gateway, .. } => Destination::Remote(Target::Gateway(gateway)),
        Route::Discard { rule } => Destination::End(Fate::Discarded {
            rule: rule.to_string(),
        }),
        Route::Refuse { verdict, .. } => {
            // What was accepted is not tried again because a rule says "later" today: it ends.
            let failure = Failure {
                permanent: true,
                ..Failure::by_rule(&verdict)
            };
            Destination::End(Fate::Failed(failure))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

    use super::*;

    #[test]
    fn who_is_written_to_elsewhere_is_still_who_the_sender_wrote_to() {
        let to = EmailAddress::parse("admin@other.test").unwrap();
        for (address, original, expected) in [
            (
                "postmaster@example.test",
                "",
                "rfc822;postmaster@example.test",
            ),
            (
                "\"a +=\"@example.test",
                "",
                "rfc822;\"a+20+2B+3D\"@example.test",
            ),
            (
                "postmaster@example.test",
                "rfc822;all@list.test",
                "rfc822;all@list.test",
            ),
            ("möller@example.test", "", ""),
        ] {
            let recipient = LeasedRecipient {
                address: address.to_owned(),
                original_recipient: original.to_owned(),
                ..LeasedRecipient::default()
            };
            let passed_on = readdressed(&recipient, &to);
            assert_eq!(passed_on.address, "admin@other.test");
            assert_eq!(passed_on.original_recipient, expected);
        }
    }
}
