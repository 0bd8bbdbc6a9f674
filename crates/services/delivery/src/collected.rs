//! Mail collected from a remote account. Its provider accepted it long ago, so a failure is not reported: the
//! author would get a notice about mail that arrived. The remote copy may be deleted, so the message does not
//! end without a mailbox. If its user cannot get it, the postmaster does; without a postmaster it waits in
//! the queue for any length of time. It never goes to another server.

use rules::{Derivation, EmailAddress, NoUser};

use crate::destination::Destination;
use crate::fate::{Failure, Fate};
use crate::work::Work;

/// The destination of a collected message, and what is derived beside it, given those of an ordinary one. Nothing is
/// derived if the destination is not the policy's.
pub(crate) fn kept_here(
    work: &Work,
    ordinary: Destination,
    also: Vec<Derivation>,
) -> (Destination, Vec<Derivation>) {
    let here = match ordinary {
        Destination::Local(user, NoUser::Forward(_)) => Destination::Local(user, NoUser::Wait),
        Destination::Remote(_) | Destination::End(Fate::Failed(_) | Fate::Forwarded { .. }) => {
            match work.policy.policy.postmaster() {
                Some(postmaster) => Destination::Local(postmaster.clone(), NoUser::Wait),
                None => Destination::End(Fate::Failed(Failure::by_rule(&NoUser::Wait.verdict()))),
            }
        }
        // A rule may also discard it: that is the administrator's decision.
        as_ordered => return (as_ordered, also),
    };
    (here, Vec::new())
}

/// The recipient of a collected message whose user has no mailbox.
pub(crate) fn instead_of(work: &Work, missing: &EmailAddress) -> Option<EmailAddress> {
    let postmaster = work.policy.policy.postmaster()?;
    (work.message.collected && postmaster != missing).then(|| postmaster.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

    use std::collections::HashMap;
    use std::sync::Arc;

    use api::queue::v1::LeasedMessage;
    use policy_watch::PolicySnapshot;
    use rules::Policy;

    use super::*;
    use crate::leases::LeaseSession;
    use crate::remote::Target;

    const DOMAIN: &str = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n\
                          [[domain.handler]]\nmatch = \"refused\"\ndeliver = \"refuse\"\n\
                          [[domain.handler]]\nmatch = \"trash\"\ndeliver = \"discard\"\n";

    fn work(postmaster: bool, collected: bool) -> Work {
        let delivery = "[delivery]\npostmaster = \"admin@example.test\"\n";
        let delivery = if postmaster { delivery } else { "" };
        Work {
            message: LeasedMessage {
                collected,
                ..LeasedMessage::default()
            },
            policy: Arc::new(PolicySnapshot {
                revision: 7,
                policy: Policy::parse(&format!("{delivery}{DOMAIN}")).unwrap(),
            }),
            session: LeaseSession::new(),
            also: HashMap::new(),
        }
    }

    fn address(text: &str) -> EmailAddress {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_that_was_collected_leaves_or_is_returned() {
        let failed = || {
            let failure = Failure::permanent("5.7.1", "refused");
            Destination::End(Fate::Failed(failure))
        };
        let copies = || vec![Derivation::Forward(address("archive@other.test"))];
        let remote = || Destination::Remote(Target::Direct(address("bob@x.test").host().clone()));
        let postmaster = || Destination::Local(address("admin@example.test"), NoUser::Wait);
        for ordinary in [failed(), remote()] {
            let kept = kept_here(&work(true, true), ordinary, copies());
            assert_eq!(kept, (postmaster(), vec![]));
        }
        for ordinary in [failed(), remote()] {
            let kept = kept_here(&work(false, true), ordinary, copies());
            let (Destination::End(Fate::Failed(failure)), copies) = kept else {
                panic!("it has an end");
            };
            assert_eq!(copies, []);
            assert!(!failure.permanent);
        }
        let bob = || Destination::Local(address("bob@example.test"), NoUser::Refuse);
        let kept = kept_here(&work(true, true), bob(), copies());
        assert_eq!(kept, (bob(), copies()), "as the policy says");
        let elsewhere = NoUser::Forward(address("admin@other.test"));
        let forwarded = Destination::Local(address("bob@example.test"), elsewhere);
        let waits = Destination::Local(address("bob@example.test"), NoUser::Wait);
        let kept = kept_here(&work(true, true), forwarded, copies());
        assert_eq!(kept, (waits, vec![]));
    }

    #[test]
    fn the_postmaster_gets_what_a_missing_user_cannot() {
        let (bob, admin) = (address("bob@example.test"), address("admin@example.test"));
        assert_eq!(instead_of(&work(true, true), &bob), Some(admin.clone()));
        assert_eq!(instead_of(&work(true, true), &admin), None);
        assert_eq!(instead_of(&work(false, true), &bob), None);
        assert_eq!(instead_of(&work(true, false), &bob), None);
    }
}
