//! What a transaction has come to: recipients that have ended, and those that go to the next server.

use std::sync::Arc;

use api::queue::v1::LeasedRecipient;
use smtp_protocol::client::{Answer, Stage};

use super::open::Open;
use super::outcome::{Relay, Verdict, verdict};
use super::trail::{LOST, Trail, Tried};
use super::transaction::Broken;
use super::trouble::progress;
use super::{Job, Remote, Target, gateway};
use crate::work::{Failure, Fate, Work};

/// Ends what has ended; gives what is left for the next server.
pub(super) fn finish(
    remote: &Arc<Remote>,
    target: &Target,
    open: &Open,
    job: Job,
    answers: Vec<Answer>,
) -> Option<Job> {
    let extensions = open.session.extensions();
    let kept_on = extensions.deliver_by.is_some();
    let now_ms = remote.setup.finisher.clock.now_ms();
    let deadline = job.work.deadline();
    let relay = Relay {
        server: &open.server,
        reports: extensions.dsn,
        traced: deadline.is_some_and(|deadline| deadline.tells_of_relay(kept_on, now_ms)),
    };
    let accepted = answers.iter().any(|answer| answer.reply.is_positive());
    let mut ended = Vec::with_capacity(answers.len());
    let mut again = Vec::new();
    let mut elsewhere = Vec::new();
    let Job {
        work,
        recipients,
        trail,
        ..
    } = job;
    for (recipient, answer) in recipients.into_iter().zip(&answers) {
        match verdict(answer, relay, accepted) {
            Verdict::End(fate) => ended.push((recipient, fate)),
            Verdict::Again => again.push(recipient),
            Verdict::Elsewhere(tried) => elsewhere.push((recipient, tried)),
        }
    }
    if !again.is_empty() {
        remote.deliver(target, Job::new(&work, again));
    }
    settle(remote, open, (work, trail), ended, elsewhere)
}

/// Ends what has ended, and what has no server left to go to.
fn settle(
    remote: &Remote,
    open: &Open,
    (work, mut trail): (Arc<Work>, Trail),
    mut ended: Vec<(LeasedRecipient, Fate)>,
    elsewhere: Vec<(LeasedRecipient, Tried)>,
) -> Option<Job> {
    trail.follow(&open.plan);
    trail.opened(open.place);
    let goes_on = trail.has_more() && !remote.stopping.is_cancelled();
    let works = !ended.is_empty() || elsewhere.iter().any(|(_, tried)| tried.is_answer());
    let mut left = Vec::new();
    let mut failed = None;
    for (recipient, tried) in elsewhere {
        let id = recipient.recipient_id;
        trail.answered(id, tried);
        if goes_on && trail.may_go_on(id) {
            left.push(recipient);
        } else {
            let failure = trail.conclude(Some(id));
            failed = Some(failure.clone());
            ended.push((recipient, Fate::Failed(failure)));
        }
    }
    match failed {
        _ if works => gateway::works(remote, &open.plan),
        Some(failure) if trail.is_dead() => gateway::fails(remote, &open.plan, &failure),
        _ => {}
    }
    if !ended.is_empty() {
        remote.setup.finisher.finish(&work, ended);
    }
    let mut job = Job::new(&work, left);
    job.trail = trail;
    (!job.recipients.is_empty()).then_some(job)
}

/// No server is left for what is left of a job.
pub(super) fn conclude(remote: &Remote, job: Job) {
    let Job {
        work,
        recipients,
        trail,
        ..
    } = job;
    let ended = recipients.into_iter().map(|recipient| {
        let failure = trail.conclude(Some(recipient.recipient_id));
        (recipient, failure)
    });
    let ended = ended.collect::<Vec<_>>();
    if let (Some(plan), Some((_, failure))) = (trail.plan(), ended.first())
        && trail.is_dead()
    {
        gateway::fails(remote, plan, failure);
    }
    let ended = ended
        .into_iter()
        .map(|(recipient, failure)| (recipient, Fate::Failed(failure)));
    remote.setup.finisher.finish(&work, ended.collect());
}

/// Recipients that were refused stay refused; the others go to the next server. That includes those
/// whose content was sent and not answered: nobody knows whether it was taken, and a message that
/// comes twice is better than one that does not come.
pub(super) fn break_off(
    remote: &Remote,
    open: &Open,
    job: Job,
    known: Vec<Option<Answer>>,
    broken: &Broken,
) -> Option<Job> {
    let server = &open.server;
    let (reason, progress) = match broken {
        Broken::Connection(error) => {
            let stage = open.session.stage();
            let reason = format!(
                "Lost the connection with {server} {}: {error}.",
                during(stage)
            );
            (reason, progress(stage))
        }
        Broken::Session(error) => {
            let reason = format!("The session with {server} broke: {error}.");
            (reason, progress(open.session.stage()))
        }
        Broken::Content => {
            // No other server could be told more.
            let reason = "The message could not be read to its end.";
            remote.fail(job, &Failure::temporary("4.3.0", reason));
            return None;
        }
    };
    let lost = Tried {
        progress,
        failure: Failure {
            server: server.clone(),
            ..Failure::temporary(LOST, reason)
        },
    };
    // Nothing was taken.
    let relay = Relay {
        server,
        reports: false,
        traced: false,
    };
    let Job {
        work,
        recipients,
        trail,
        ..
    } = job;
    let known = known.into_iter().chain(std::iter::repeat(None));
    let mut ended = Vec::new();
    let mut elsewhere = Vec::new();
    for (recipient, answer) in recipients.into_iter().zip(known) {
        match answer.map(|answer| verdict(&answer, relay, false)) {
            Some(Verdict::End(fate)) => ended.push((recipient, fate)),
            Some(Verdict::Elsewhere(tried)) => elsewhere.push((recipient, tried)),
            Some(Verdict::Again) | None => elsewhere.push((recipient, lost.clone())),
        }
    }
    settle(remote, open, (work, trail), ended, elsewhere)
}

/// What the server had been told last, for a person.
fn during(stage: Stage) -> &'static str {
    match stage {
        Stage::Mail => "after MAIL",
        Stage::Recipient => "after RCPT",
        Stage::Data => "after DATA",
        Stage::Content => "after the content, or within it",
        _ => "before MAIL",
    }
}
