//! The destination of a recipient. Only `rules` decides; this module maps its plan to delivery.

use api::queue::v1::LeasedRecipient;
use rules::{Derivation, EmailAddress, NoUser, Plan, Route};

use crate::derive;
use crate::fate::{Failure, Fate};
use crate::remote::Target;
use crate::work::Work;

/// The destination of a recipient.
#[derive(Debug, PartialEq)]
pub(crate) enum Destination {
    Local(EmailAddress, NoUser),
    Remote(Target),
    End(Fate),
}

/// The destination by the policy, and the messages derived when the recipient ends there.
pub(crate) fn by_policy(
    work: &Work,
    recipient: &LeasedRecipient,
) -> (Destination, Vec<Derivation>) {
    match EmailAddress::parse(&recipient.address) {
        Ok(address) => by_plan(work, work.policy.policy.plan(&address)),
        Err(error) => {
            let reason = format!("This is not a mail address: {error}.");
            let failure = Failure::permanent("5.1.3", reason);
            (Destination::End(Fate::Failed(failure)), Vec::new())
        }
    }
}

fn by_plan(work: &Work, plan: Plan) -> (Destination, Vec<Derivation>) {
    let Plan { end, also } = plan;
    if !also.is_empty()
        && let Some(failure) = derive::too_deep(&work.message)
    {
        return (Destination::End(Fate::Failed(failure)), Vec::new());
    }
    let destination = match end {
        Route::Mailbox {
            user, otherwise, ..
        } => Destination::Local(user, otherwise),
        Route::Direct { host, .. } => Destination::Remote(Target::Direct(host)),
        Route::Gateway { gateway, .. } => Destination::Remote(Target::Gateway(gateway)),
        Route::Forward { rule } => {
            return (
                Destination::End(derive::forwarded(work, &rule, also)),
                Vec::new(),
            );
        }
        Route::Discard { rule } => Destination::End(Fate::Discarded {
            rule: rule.to_string(),
        }),
        Route::Refuse { verdict, .. } => {
            // A rule that says "later" about an accepted message would say so at each attempt: the recipient
            // ends.
            let failure = Failure {
                permanent: true,
                ..Failure::by_rule(&verdict)
            };
            Destination::End(Fate::Failed(failure))
        }
    };
    (destination, also)
}
