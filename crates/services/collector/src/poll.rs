//! One poll of an account: a session with its server, from login to QUIT, and a second one for messages that
//! have ended sessions before.
//!
//! For each message, by its UIDL:
//! - It is not in the ledger: collect it, unless the ledger has it under another UIDL.
//! - It is in the ledger and may stay: rely on that while its size is unchanged, and check its header section
//!   from time to time. A header section that is not in the ledger belongs to another message under a reused
//!   UIDL: collect it.
//! - It is in the ledger and is to be deleted: delete it only if this process has read it as a whole, or
//!   reads it now, and only while a mailbox receives it.
//!
//! Collecting twice does no harm: the queue's ledger compares UIDL *and* content.

mod collect;
mod messages;
mod names;
mod renumbered;
mod without_forged;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use api::collection::v1::UncollectedMessages;
use api::grpc::{Code, Status};
use policy_watch::PolicyWatch;
use rules::CollectAccount;
use tokio_util::sync::CancellationToken;

use crate::memory::Memory;
use crate::remote::{Credentials, Remote, RemoteError};
use crate::services::Services;
use crate::uncollected::{Left, Turn, Uncollected};

pub(crate) use names::ListedMessage;

/// The result of a poll.
#[derive(Debug, Default)]
pub(crate) struct PollResult {
    pub(crate) collected: u32,
    /// Number of messages that stay on the server.
    pub(crate) left: u32,
    /// The time was over before the work was done.
    pub(crate) more: bool,
    /// Messages known not to have been collected. `None`: the earlier list could not be read from the queue.
    pub(crate) uncollected: Option<UncollectedMessages>,
    /// A session was opened. Otherwise the provider has not seen the failure.
    pub(crate) asked_server: bool,
    /// Why it ended early.
    failure: Option<String>,
    too_large: u32,
    refused: u32,
    /// Messages that the server does not delete.
    undeletable: u32,
    /// Messages that ended a session, and those of them that are set aside.
    failing: usize,
    set_aside: usize,
}

impl PollResult {
    pub(crate) fn failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The result of an aborted poll.
    pub(crate) fn broken_off(reason: &str) -> Self {
        Self {
            failure: Some(reason.to_owned()),
            asked_server: true,
            ..Self::default()
        }
    }

    /// The error for the report; empty without one.
    pub(crate) fn error(&self) -> String {
        let mut all: Vec<String> = self.failure.iter().cloned().collect();
        let mut add = |count: usize, one: &str, many: &str| match count {
            0 => {}
            1 => all.push(format!("1 message {one}")),
            count => all.push(format!("{count} messages {many}")),
        };
        let tried = self.failing.saturating_sub(self.set_aside);
        add(self.too_large as usize, "is too large", "are too large");
        add(self.refused as usize, "cannot be taken", "cannot be taken");
        add(
            self.undeletable as usize,
            "was collected and is not deleted by the server",
            "were collected and are not deleted by the server",
        );
        add(
            tried,
            "could not be read and is tried again",
            "could not be read and are tried again",
        );
        add(self.set_aside, "is set aside", "are set aside");
        all.join("; ")
    }
}

/// Why a poll ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PollError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("the queue does not answer: {0}")]
    Queue(String),
    #[error("mailbox-store does not answer: {0}")]
    MailboxStore(String),
    #[error("the secret `{0}` is not set")]
    NoSecret(String),
    #[error("nothing is collected, since no mailbox gets the mail for {address}: {reason}")]
    NoMailbox { address: String, reason: String },
    #[error("the server lists messages and gives none: {0}")]
    GivesNone(String),
    #[error("there is no policy yet")]
    NoPolicy,
    #[error("a message is larger than its server said and than may be collected")]
    Endless,
}

impl PollError {
    /// Whether the session is unusable, possibly because of the message being read.
    fn ends_session(&self) -> bool {
        matches!(self, Self::Remote(_) | Self::Endless)
    }
}

impl From<Status> for PollError {
    fn from(status: Status) -> Self {
        Self::Queue(status.message().to_owned())
    }
}

/// The result for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is committed, now or earlier, and DELE was sent.
    Deleted,
    /// It stays on the server.
    Left,
}

/// A running poll.
pub(crate) struct Poll<'a> {
    account: &'a CollectAccount,
    services: &'a Services,
    policy: &'a PolicyWatch,
    memory: &'a mut Memory,
    stop: &'a CancellationToken,
    polled: PollResult,
    began: Instant,
    uncollected: Uncollected,
    /// Number of the account's ledger entries.
    ledger_entries: u64,
    deleted: Vec<ListedMessage>,
    /// Messages of this session that were shorter than listed. Most servers estimate sizes. But if the end of
    /// a message was false, its rest is missing and looks like replies of the server.
    short: Vec<ListedMessage>,
    /// Names that occur more than once in this listing: the server's UIDLs are not reliable.
    ambiguous: HashSet<String>,
    /// The names in this listing.
    names: HashSet<String>,
    /// The ledger has messages whose names are not in this listing.
    renamed_ones: bool,
    /// Messages for which RETR was refused since the last message that the server sent, with the reasons.
    refused_retr: Vec<(ListedMessage, String)>,
    /// The server has sent a message in this session.
    gave: bool,
}

impl<'a> Poll<'a> {
    pub(crate) fn new(
        account: &'a CollectAccount,
        services: &'a Services,
        policy: &'a PolicyWatch,
        memory: &'a mut Memory,
        stop: &'a CancellationToken,
    ) -> Self {
        Self {
            account,
            services,
            policy,
            memory,
            stop,
            polled: PollResult::default(),
            began: Instant::now(),
            uncollected: Uncollected::default(),
            ledger_entries: 0,
            deleted: Vec::new(),
            short: Vec::new(),
            ambiguous: HashSet::new(),
            names: HashSet::new(),
            renamed_ones: false,
            refused_retr: Vec::new(),
            gave: false,
        }
    }

    /// Polls. In any case committed messages are in the ledger, and only those are deleted.
    pub(crate) async fn run(mut self) -> PollResult {
        if let Err(error) = self.sessions().await {
            self.polled.failure = Some(error.to_string());
            self.polled.more = false;
        }
        self.memory.reading = None;
        (self.polled.failing, self.polled.set_aside) = self.uncollected.counts();
        self.polled
    }

    async fn sessions(&mut self) -> Result<(), PollError> {
        // Before the server is asked: messages without a recipient stay there.
        self.require_mailbox().await?;
        let password = self.password().await?;
        self.begin().await?;
        let polled = self.session(&password, Turn::Together).await;
        self.polled.uncollected = Some(self.uncollected.report());
        polled?;
        if self.is_over() || !self.uncollected.has_alone(self.now_ms()) {
            return Ok(());
        }
        if let Err(error) = self.session(&password, Turn::Alone).await {
            // The account works: the other messages have been collected.
            tracing::info!(account = %self.account.name, %error, "a message was not read");
        }
        self.polled.uncollected = Some(self.uncollected.report());
        Ok(())
    }

    /// Loads the state of earlier polls.
    async fn begin(&mut self) -> Result<(), PollError> {
        let began = self.services.begin(&self.account.name).await?;
        self.ledger_entries = began.ledger_entries;
        self.uncollected = Uncollected::new(began.uncollected);
        let noted = began.interrupted.map(|noted| (noted.remote_id, noted.size));
        // If the last report was lost, the message being read was not at fault.
        let noted = noted.filter(|_| !self.memory.unreported);
        if let Some((name, size)) = self.memory.reading.take().or(noted) {
            let left = Left {
                name: &name,
                size,
                subject: "",
                reason: "the poll ended while it was read",
            };
            self.uncollected.failed(left, self.now_ms());
        }
        Ok(())
    }

    /// One session with the server, for the messages of this turn.
    async fn session(&mut self, password: &str, turn: Turn) -> Result<(), PollError> {
        let credentials = Credentials {
            user: &self.account.login.user,
            password,
        };
        let timeout = Duration::from_secs(self.services.config.timeout_seconds);
        let tls = &self.services.tls;
        self.polled.asked_server = true;
        self.refused_retr.clear();
        self.short.clear();
        self.gave = false;
        let mut remote = Remote::open(self.account, credentials, tls, timeout).await?;
        let entries = remote.list().await?;
        let listing = self.name(&mut remote, entries, turn).await?;
        let (ledger, gone) = self.look_up(&listing).await?;
        self.recognize(&mut remote, &listing, &ledger, turn).await?;
        let outcome = self.messages(&mut remote, &listing, &ledger, turn).await;
        match outcome {
            // The lost connection cancels the DELEs: they are repeated at the next poll.
            Err(error) if error.ends_session() => return Err(error),
            outcome => {
                self.end(remote).await?;
                outcome?;
            }
        }
        // Messages seen under another name are in the ledger under that name now.
        Ok(self.services.forget(&self.account.name, &gone).await?)
    }

    /// Ends a session. Its deletions take effect, unless the user is gone.
    async fn end(&mut self, mut remote: Remote) -> Result<(), PollError> {
        if !self.deleted.is_empty()
            && let Err(error) = self.require_mailbox().await
        {
            self.polled.left += self.deleted.len() as u32;
            self.deleted.clear();
            // Without QUIT nothing is deleted either (RFC 1939 §6).
            if remote.undo_deletes().await? {
                remote.quit().await?;
            }
            return Err(error);
        }
        self.require_step(&mut remote).await?;
        remote.quit().await?;
        for listed in self.deleted.drain(..) {
            self.memory.deleted(&listed);
        }
        Ok(())
    }

    /// Before deletions take effect: makes sure that the replies to DELE came from the server and not from a
    /// message's text.
    async fn require_step(&mut self, remote: &mut Remote) -> Result<(), PollError> {
        if self.deleted.is_empty() || self.short.is_empty() {
            return Ok(());
        }
        let Err(error) = remote.require_silence().await else {
            return Ok(());
        };
        self.polled.left += self.deleted.len() as u32;
        self.deleted.clear();
        for listed in std::mem::take(&mut self.short) {
            self.fail(&listed, &error.to_string());
        }
        Err(error.into())
    }

    /// Fails unless collected mail has a recipient: a user of this system, by the current policy.
    async fn require_mailbox(&self) -> Result<(), PollError> {
        let snapshot = self.policy.current().ok_or(PollError::NoPolicy)?;
        let policy = &snapshot.policy;
        let users = policy.collects_for(self.account);
        let found = self.services.has_user(&users).await;
        if found.map_err(|status| PollError::MailboxStore(status.message().to_owned()))? {
            return Ok(());
        }
        Err(PollError::NoMailbox {
            address: self.account.deliver_to.to_string(),
            reason: policy.whereabouts(&self.account.deliver_to),
        })
    }

    async fn password(&self) -> Result<String, PollError> {
        let name = &self.account.login.secret;
        let secret = match self.services.secret(name).await {
            Ok(secret) => secret,
            Err(status) if status.code() == Code::NotFound => {
                return Err(PollError::NoSecret(name.clone()));
            }
            Err(status) => return Err(status.into()),
        };
        let secret = String::from_utf8(secret).map_err(|_| RemoteError::Unspeakable)?;
        // `echo` appends a line end; a POP3 password cannot contain one.
        Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The queue's time in milliseconds since 1970, for comparison with times that the queue has stored.
    fn now_ms(&self) -> i64 {
        self.services.clock.now_ms()
    }

    /// Whether no further message may be started.
    fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.began.elapsed() >= self.services.poll_time()
    }
}
