//! The end of an attempt: the outcome for the queue and the notice for the sender.

use std::sync::Arc;

use api::queue::v1::{Completion, LeasedRecipient, Outcome};
use api::queue_clock::QueueClock;
use message::dsn::Action;

use crate::complete::{Completer, NotMade, OutcomeGroup, remark_on};
use crate::derive;
use crate::fate::{Failure, Fate};
use crate::leases::Lease;
use crate::log_line;
use crate::notice::{Notices, ReportedRecipient};
use crate::notify;
use crate::retry;
use crate::schedule::{self, Decision, Facts};
use crate::work::Work;

/// Turns fates into completions and notices.
#[derive(Clone)]
pub(crate) struct Finisher {
    pub(crate) clock: QueueClock,
    pub(crate) completer: Completer,
    pub(crate) notices: Arc<Notices>,
}

impl Finisher {
    /// Ends an attempt for recipients of one message. Recipients with a notice are completed together with
    /// it, or not at all.
    pub(crate) fn finish(&self, work: &Arc<Work>, ended: Vec<(Lease, Fate)>) {
        self.end(work, ended, None);
    }

    /// The same, with a remark for the history, which notices do not quote.
    fn end(&self, work: &Arc<Work>, ended: Vec<(Lease, Fate)>, remark: Option<&str>) {
        let now_ms = self.clock.now_ms();
        let mut quiet = Vec::with_capacity(ended.len());
        let mut reported: Vec<(Action, Vec<ReportedRecipient>)> = Vec::new();
        let deadline = work.deadline();
        for (lease, mut fate) in ended {
            let recipient = lease.recipient();
            if let (Some(deadline), Fate::Failed(failure)) = (deadline, &mut fate)
                && let Some(last) = deadline.judge(failure, now_ms)
            {
                *failure = last;
            }
            count(&fate);
            let (mut completion, action) = conclude(work, recipient, &fate, now_ms);
            if let Some(remark) = remark {
                remark_on(&mut completion, remark);
            }
            log_line::ended(
                work,
                recipient,
                &fate,
                &completion,
                action.is_some(),
                now_ms,
            );
            let made = derive::made(work, recipient, &fate);
            let ended = lease.complete(completion);
            let Some(action) = action else {
                quiet.push(match &fate {
                    Fate::Forwarded { .. } => {
                        OutcomeGroup::going_on(ended, made, self.not_made(work))
                    }
                    _ => OutcomeGroup::making(vec![ended], made),
                });
                continue;
            };
            if let (Some(deadline), Action::Delayed, Fate::Failed(failure)) =
                (deadline, action, &mut fate)
                && let Some(late) = deadline.late_failure(failure, now_ms)
            {
                *failure = late;
            }
            let one = ReportedRecipient { ended, fate, made };
            match reported.iter_mut().find(|(other, _)| *other == action) {
                Some((_, several)) => several.push(one),
                None => reported.push((action, vec![one])),
            }
        }
        self.completer.complete(quiet);
        for (action, several) in reported {
            let (notices, completer) = (Arc::clone(&self.notices), self.completer.clone());
            let work = Arc::clone(work);
            // Notices are rare, and first the message must be read.
            tokio::spawn(async move {
                completer.complete(notices.tell(&work, action, several, now_ms).await);
            });
        }
    }

    /// Ends the attempt as failed if the queue refuses the forwarded message. The retry schedule and the message's
    /// lifetime apply, as to other failures.
    fn not_made(&self, work: &Arc<Work>) -> NotMade {
        let (finisher, work) = (self.clone(), Arc::clone(work));
        Box::new(move |lease, why| {
            let failure = Failure::temporary("4.3.0", "The message could not be forwarded.");
            finisher.end(&work, vec![(lease, Fate::Failed(failure))], Some(why));
        })
    }
}

/// The completion for one recipient, and its notice, if any.
fn conclude(
    work: &Work,
    recipient: &LeasedRecipient,
    fate: &Fate,
    now_ms: i64,
) -> (Completion, Option<Action>) {
    // The author of collected mail gets no notice: the provider has accepted the mail.
    let has_sender = !work.message.reverse_path.is_empty() && !work.message.collected;
    let wants_success = has_sender && notify::wants_success(recipient.notify);
    let mut completion = Completion {
        policy_revision: work.policy.revision,
        ..Completion::default()
    };
    let action = match fate {
        Fate::Delivered { user } => {
            completion.set_outcome(Outcome::Delivered);
            completion.reason = format!("mailbox {user}");
            wants_success.then_some(Action::Delivered)
        }
        Fate::Relayed {
            server,
            reply,
            reports,
            traced,
        } => {
            completion.set_outcome(Outcome::Relayed);
            completion.reason = format!("taken by {server}");
            completion.server.clone_from(server);
            completion.reply.clone_from(reply);
            let traced = *traced && has_sender && !notify::wants_nothing(recipient.notify);
            (traced || (wants_success && !reports)).then_some(Action::Relayed)
        }
        Fate::Forwarded { rule, made } => {
            completion.set_outcome(Outcome::Forwarded);
            let to: Vec<String> = made.iter().map(derive::name).collect();
            completion.reason = format!("{}, by {rule}", to.join(", "));
            // The receiving system reports success (RFC 3461 §5.2.7.3).
            None
        }
        Fate::Discarded { rule } => {
            completion.set_outcome(Outcome::Discarded);
            completion.reason = format!("discarded by {rule}");
            None
        }
        Fate::Failed(failure) => {
            let facts = Facts {
                now_ms,
                since_ms: work.since_ms(),
                attempts: recipient.attempts,
                delay_notified: recipient.delay_notified,
                notify: recipient.notify,
                has_sender,
                deadline: work.deadline(),
                collected: work.message.collected,
            };
            completion.server.clone_from(&failure.server);
            completion.reply.clone_from(&failure.reply);
            completion.reason = format!("{} {}", failure.status, failure.reason);
            let settings = work.policy.policy.delivery();
            fail(
                schedule::after(failure, &facts, settings),
                &mut completion,
                now_ms,
            )
        }
    };
    (completion, action)
}

fn fail(decision: Decision, completion: &mut Completion, now_ms: i64) -> Option<Action> {
    match decision {
        Decision::Retry { at_ms, tell } => {
            retry::put_off(completion, at_ms, now_ms);
            completion.delay_notified = tell;
            tell.then_some(Action::Delayed)
        }
        Decision::Bounce { tell, expired } => {
            completion.set_outcome(Outcome::Bounced);
            if expired {
                remark_on(completion, "the lifetime of the message has ended");
            }
            tell.then_some(Action::Failed)
        }
    }
}

fn count(fate: &Fate) {
    let outcome = match fate {
        Fate::Delivered { .. } => "delivered",
        Fate::Relayed { .. } => "relayed",
        Fate::Forwarded { .. } => "forwarded",
        Fate::Discarded { .. } => "discarded",
        Fate::Failed(failure) if failure.permanent => "failed",
        Fate::Failed(_) => "deferred",
    };
    metrics::counter!("postern_delivery_attempts_total", "outcome" => outcome).increment(1);
}
