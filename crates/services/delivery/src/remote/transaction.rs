//! One job on one session.

use std::sync::Arc;
use std::time::Duration;

use api::queue::v1::{Notify, ReturnContent as Returned};
use message::trace::MAX_HOPS;
use session_io::SessionError;
use smtp_protocol::client::{
    Answer, ClientError, Envelope, Event, Extensions, Recipient, ReturnContent,
};

use super::content::Body;
use super::ending::{Broken, break_off, finish};
use super::job::Job;
use super::open::Open;
use super::state::Remote;
use super::target::Target;
use super::trail::Trail;
use crate::fate::Failure;
use crate::leases::Lease;

/// How often a job is requeued because a server closes a connection before the content. Each of the usual
/// number of lanes may be one too many.
const MAX_HANDED_OVER: u8 = 8;
/// Pause while the queue cannot return the message.
const UNREAD: Duration = Duration::from_secs(15);
/// RFC 5321 §4.5.3.2.
const COMMAND: Duration = Duration::from_secs(300);
/// RFC 5321 §4.5.3.2.6.
const AFTER_CONTENT: Duration = Duration::from_secs(600);

/// The result of running a job.
pub(super) enum JobResult {
    /// The job has ended. Holds the connection, if it is usable again, and the rest of the job for the next
    /// server (RFC 5321 §5.1).
    Ended(Option<Box<Open>>, Option<Job>),
    /// A kept connection turned out to be closed before any command.
    Stale(Job),
    /// The server refuses this connection beside others of this system.
    Refused(Job),
}

/// Runs the job and passes the results to the finisher. Recipients that the server does not accept in this
/// transaction become a job of their own.
pub(super) async fn run(
    remote: &Arc<Remote>,
    target: &Target,
    mut open: Box<Open>,
    mut job: Job,
) -> (JobResult, Option<Job>) {
    let body = match Body::open(remote, &job.work).await {
        Ok(body) if body.hops > MAX_HOPS => {
            let reason = "The message has too many Received fields: it is in a loop.";
            remote.fail(job, &Failure::permanent("5.4.6", reason));
            return JobResult::no_more(Some(open));
        }
        Ok(body) => body,
        Err(status) => {
            tracing::warn!(
                message = job.work.message.message_id,
                code = %status.code(),
                reason = status.message(),
                "a message cannot be read from the queue"
            );
            let failure = Failure::temporary("4.3.0", "The message cannot be read now.");
            remote.fail(job, &failure.retry_in(UNREAD));
            return JobResult::no_more(Some(open));
        }
    };
    let now_ms = remote.setup.finisher.clock.now_ms();
    let deadline = job.work.deadline();
    if let Some(late) = deadline.and_then(|deadline| deadline.forbids_attempts(now_ms)) {
        remote.fail(job, &late);
        return JobResult::no_more(Some(open));
    }
    let envelope = envelope(&job, &body, open.session.extensions(), now_ms);
    open.connection.set_timeout(COMMAND);
    open.session.begin(envelope, open.connection.output());
    let was_used = open.messages > 0;
    open.messages += 1;
    match converse(&mut open, body).await {
        // The server was about to close the connection, and its notice came too late.
        Ok(answers) if was_used && !open.content_begun && all_closing(&answers) => {
            (JobResult::Stale(job), None)
        }
        Ok(answers)
            if !open.content_begun
                && all_closing(&answers)
                && may_be_handed_over(remote, target, &mut job) =>
        {
            (JobResult::Refused(job), None)
        }
        Ok(answers) => {
            let (left, again) = finish(remote, &open, job, answers);
            let usable = open.session.is_ready();
            (JobResult::Ended(usable.then_some(open), left), again)
        }
        Err(broken) => {
            let known = open.session.answers_so_far();
            let silent = known.iter().all(Option::is_none);
            let closed = matches!(broken, Broken::Connection(SessionError::Closed));
            if silent && closed && !open.content_begun {
                if was_used {
                    return (JobResult::Stale(job), None);
                }
                // Some servers close one connection too many without a 421 reply.
                if may_be_handed_over(remote, target, &mut job) {
                    return (JobResult::Refused(job), None);
                }
            }
            let left = break_off(remote, &open, job, known, &broken);
            (JobResult::Ended(None, left), None)
        }
    }
}

impl JobResult {
    /// Nothing is left of the job.
    fn no_more(connection: Option<Box<Open>>) -> (Self, Option<Job>) {
        (Self::Ended(connection, None), None)
    }
}

/// Whether other connections of the destination, which has just closed this one, may have the job. The number
/// of times is bounded: the message may be the cause.
fn may_be_handed_over(remote: &Remote, target: &Target, job: &mut Job) -> bool {
    let may = job.trail.is_unanswered()
        && job.handed_over < MAX_HANDED_OVER
        && remote.table.has_others(target);
    if may {
        job.trail = Trail::default();
        job.handed_over += 1;
    }
    may
}

fn all_closing(answers: &[Answer]) -> bool {
    answers.iter().all(|answer| answer.reply.code == 421)
}

/// Exchanges commands and replies.
async fn converse(open: &mut Open, mut body: Body) -> Result<Vec<Answer>, Broken> {
    open.content_begun = false;
    loop {
        let (input, output) = open.connection.buffers();
        match open
            .session
            .advance(input, output)
            .map_err(Broken::Session)?
        {
            Event::NeedInput => {
                open.connection.flush().await.map_err(Broken::Connection)?;
                if open.connection.fill().await.map_err(Broken::Connection)? == 0 {
                    return Err(Broken::Connection(SessionError::Closed));
                }
            }
            Event::SendContent => {
                open.content_begun = true;
                send(open, &mut body).await?;
            }
            Event::Done(answers) => return Ok(answers),
            Event::Ready | Event::StartTls => return Err(Broken::Session(ClientError::BadReply)),
        }
    }
}

async fn send(open: &mut Open, body: &mut Body) -> Result<(), Broken> {
    loop {
        // A message that cannot be read to its end must not be terminated: the connection is dropped.
        let Some(piece) = body.next().await.map_err(|_| Broken::Content)? else {
            break;
        };
        let output = open.connection.output();
        let written = open.session.content(&piece, output);
        written.map_err(|_| Broken::Content)?;
        if open.connection.output().len() >= 64 * 1024 {
            open.connection.flush().await.map_err(Broken::Connection)?;
        }
    }
    let ended = open.session.content_end(open.connection.output());
    ended.map_err(|_| Broken::Content)?;
    open.connection.flush().await.map_err(Broken::Connection)?;
    open.connection.set_timeout(AFTER_CONTENT);
    Ok(())
}

fn envelope(job: &Job, body: &Body, extensions: &Extensions, now_ms: i64) -> Envelope {
    let message = &job.work.message;
    let deadline = job.work.deadline();
    let kept_on = extensions.deliver_by.is_some();
    let notify = |notify| match deadline {
        Some(deadline) => deadline.notify(notify, kept_on, now_ms),
        None => notify,
    };
    let notify = |one| u32::from(Notify::bits(notify(one)));
    let options = message.options.as_ref();
    let priority = options.and_then(|options| i8::try_from(options.priority).ok());
    let recipients = || job.leases.iter().map(Lease::recipient);
    let beyond_ascii =
        !message.reverse_path.is_ascii() || recipients().any(|one| !one.address.is_ascii());
    Envelope {
        reverse_path: message.reverse_path.clone(),
        recipients: recipients()
            .map(|one| Recipient {
                address: one.address.clone(),
                notify: notify(one.notify),
                original: one.original_recipient.clone(),
            })
            .collect(),
        size: message.size,
        eight_bit: message.eight_bit || message.smtputf8,
        binary: message.binary,
        // A message declared as SMTPUTF8 that does not need it can go anywhere.
        smtputf8: beyond_ascii || (message.smtputf8 && body.header_beyond_ascii),
        require_tls: message.require_tls,
        return_content: match message.return_content() {
            Returned::Full => Some(ReturnContent::Full),
            Returned::Headers => Some(ReturnContent::Headers),
            Returned::Unspecified => None,
        },
        envelope_id: message.envelope_id.clone(),
        deliver_by: deadline.map(|deadline| deadline.rest(now_ms)),
        priority: priority.unwrap_or(0),
    }
}
