//! The end of a transaction: recipients that have ended, and those that go to the next server.

use std::sync::Arc;

use session_io::SessionError;
use smtp_protocol::client::{Answer, ClientError, Stage};

use super::gateway;
use super::job::Job;
use super::open::Open;
use super::outcome::{Relay, Verdict, verdict};
use super::state::Remote;
use super::trail::{LOST, Progress, Trail, Tried};
use crate::fate::{Failure, Fate};
use crate::leases::Lease;
use crate::work::Work;

/// Why a transaction was aborted.
pub(super) enum Broken {
    Connection(SessionError),
    Session(ClientError),
    Content,
}

/// Ends recipients by the answers. Returns the job for the next server, and the job that this server takes in
/// another transaction.
pub(super) fn finish(
    remote: &Remote,
    open: &Open,
    job: Job,
    answers: Vec<Answer>,
) -> (Option<Job>, Option<Job>) {
    let extensions = open.session.extensions();
    let kept_on = extensions.deliver_by.is_some();
    let now_ms = remote.setup.finisher.clock.now_ms();
    let deadline = job.work.deadline();
    let relay = Relay {
        server: &open.server,
        reports: extensions.dsn,
        traced: deadline.is_some_and(|deadline| deadline.reports_relay(kept_on, now_ms)),
    };
    let accepted = answers.iter().any(|answer| answer.reply.is_positive());
    let mut ended = Vec::with_capacity(answers.len());
    let mut again = Vec::new();
    let mut elsewhere = Vec::new();
    let Job {
        work,
        leases,
        trail,
        ..
    } = job;
    for (lease, answer) in leases.into_iter().zip(&answers) {
        match verdict(answer, relay, accepted) {
            Verdict::End(fate) => ended.push((lease, fate)),
            Verdict::Again => again.push(lease),
            Verdict::Elsewhere(tried) => elsewhere.push((lease, tried)),
        }
    }
    let again = (!again.is_empty()).then(|| Job::new(&work, again));
    let left = settle(remote, open, (work, trail), ended, elsewhere);
    (left, again)
}

/// Ends recipients that have an end or have no server left.
fn settle(
    remote: &Remote,
    open: &Open,
    (work, mut trail): (Arc<Work>, Trail),
    mut ended: Vec<(Lease, Fate)>,
    elsewhere: Vec<(Lease, Tried)>,
) -> Option<Job> {
    trail.follow(&open.plan);
    trail.opened(open.place);
    let goes_on = trail.has_more() && !remote.stopping.is_cancelled();
    let works = !ended.is_empty() || elsewhere.iter().any(|(_, tried)| tried.is_answer());
    let mut left = Vec::new();
    let mut failed = None;
    for (lease, tried) in elsewhere {
        let id = lease.id();
        trail.answered(id, tried);
        if goes_on && trail.may_go_on(id) {
            left.push(lease);
        } else {
            let failure = trail.conclude(Some(id));
            failed = Some(failure.clone());
            ended.push((lease, Fate::Failed(failure)));
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
    (!job.leases.is_empty()).then_some(job)
}

/// Ends the rest of a job for which no server is left.
pub(super) fn conclude(remote: &Remote, job: Job) {
    let Job {
        work,
        leases,
        trail,
        ..
    } = job;
    let ended = leases.into_iter().map(|lease| {
        let failure = trail.conclude(Some(lease.id()));
        (lease, failure)
    });
    let ended = ended.collect::<Vec<_>>();
    if let (Some(plan), Some((_, failure))) = (trail.plan(), ended.first())
        && trail.is_dead()
    {
        gateway::fails(remote, plan, failure);
    }
    let ended = ended
        .into_iter()
        .map(|(lease, failure)| (lease, Fate::Failed(failure)));
    remote.setup.finisher.finish(&work, ended.collect());
}

/// Ends an aborted transaction. Refused recipients stay refused; the others go to the next server. These
/// include recipients whose content was sent and not answered: nobody knows whether it was accepted, and a
/// duplicate is better than a loss.
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
            (reason, Progress::at(stage))
        }
        Broken::Session(error) => {
            let reason = format!("The session with {server} broke: {error}.");
            (reason, Progress::at(open.session.stage()))
        }
        Broken::Content => {
            // Another server could not get the message either.
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
    // Nothing was accepted.
    let relay = Relay {
        server,
        reports: false,
        traced: false,
    };
    let Job {
        work,
        leases,
        trail,
        ..
    } = job;
    let known = known.into_iter().chain(std::iter::repeat(None));
    let mut ended = Vec::new();
    let mut elsewhere = Vec::new();
    for (lease, answer) in leases.into_iter().zip(known) {
        match answer.map(|answer| verdict(&answer, relay, false)) {
            Some(Verdict::End(fate)) => ended.push((lease, fate)),
            Some(Verdict::Elsewhere(tried)) => elsewhere.push((lease, tried)),
            Some(Verdict::Again) | None => elsewhere.push((lease, lost.clone())),
        }
    }
    settle(remote, open, (work, trail), ended, elsewhere)
}

/// The last command sent to the server, for a person.
fn during(stage: Stage) -> &'static str {
    match stage {
        Stage::Mail => "after MAIL",
        Stage::Recipient => "after RCPT",
        Stage::Data => "after DATA",
        Stage::Content => "after the content, or within it",
        _ => "before MAIL",
    }
}
