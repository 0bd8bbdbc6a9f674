//! Recipients known to be unreachable before a message is sent.

use rules::{EmailAddress, NoUser, Policy, Route};

use super::Undeliverable;
use crate::{System, consequences};

/// The recipients known to be unreachable. While mailbox-store is unavailable there are none: delivery
/// finds out.
pub(super) async fn undeliverable(
    system: &System,
    policy: &Policy,
    recipients: &[EmailAddress],
) -> Vec<Undeliverable> {
    let users = recipients.iter().flat_map(|to| policy.users_asked(to));
    let users: Vec<EmailAddress> = users.collect();
    let users = consequences::with_mailbox(system, &users).await.ok();
    let has_user = |user: &EmailAddress| users.as_ref().is_none_or(|users| users.contains(user));
    recipients
        .iter()
        .filter_map(|recipient| judge(policy, recipient, &has_user))
        .collect()
}

fn judge(
    policy: &Policy,
    recipient: &EmailAddress,
    has_user: &dyn Fn(&EmailAddress) -> bool,
) -> Option<Undeliverable> {
    let (verdict, reason) = match policy.route(recipient) {
        Route::Refuse { verdict, rule } => (verdict.name, format!("refused by {rule}")),
        Route::Mailbox {
            user,
            otherwise: otherwise @ NoUser::Refuse,
            rule,
        } if !has_user(&user) => (
            otherwise.verdict().name,
            format!("{user} has no mailbox ({rule})"),
        ),
        _ => return None,
    };
    Some(Undeliverable {
        recipient: recipient.clone(),
        verdict,
        reason,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    const POLICY: &str = r#"
        [[domain]]
        name = "example.test"
        deliver = "mailboxes"
        [[domain.handler]]
        match = "closed"
        deliver = "refuse"
        [[domain]]
        name = "quiet.test"
        deliver = "mailboxes"
        unmatched = "accept"
        [[domain]]
        name = "all.test"
        deliver = "mailboxes"
        unmatched = { catch-all = "gone" }
    "#;

    #[test]
    fn who_cannot_be_reached_is_known_at_once_and_nobody_else_is_refused() {
        let policy = Policy::parse(POLICY).unwrap();
        let bob: EmailAddress = "bob@example.test".parse().unwrap();
        for (recipient, expected) in [
            ("Bob@EXAMPLE.test", None),
            ("eve@example.test", Some("no-such-user")),
            ("closed@example.test", Some("refused-by-handler")),
            // Accepted by the rule; a rule with an error; another server's recipient.
            ("eve@quiet.test", None),
            ("eve@all.test", None),
            ("eve@elsewhere.test", None),
        ] {
            let recipient = recipient.parse().unwrap();
            let judged = judge(&policy, &recipient, &|user| *user == bob);
            assert_eq!(judged.map(|found| found.verdict), expected, "{recipient}");
        }
    }
}
