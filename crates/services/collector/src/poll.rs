//! One poll of an account, from login to QUIT.
//!
//! For each message, by its UIDL:
//! - the ledger does not know it: collect it;
//! - the ledger knows it and it may stay: believe so while its size is what it was, and look at
//!   its header section now and then; a header section that the ledger does not know is another
//!   message under an old UIDL: collect it;
//! - the ledger knows it and it is to be deleted: only what this process has read in whole, or
//!   reads now, is deleted.
//!
//! Collecting twice does no harm: the queue's ledger goes by UIDL *and* content.

mod collect;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use api::collection::v1::CollectedMessage;
use api::grpc::{Code, Status};
use api::policy_watch::PolicyWatch;
use rules::{CollectAccount, LeaveOnServer};
use tokio_util::sync::CancellationToken;

use crate::identity::has_header;
use crate::memory::Memory;
use crate::remote::{Credentials, Listed, Remote, RemoteError};
use crate::services::Services;

/// How a poll went.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    pub(crate) collected: u32,
    /// Messages that stay on the server.
    pub(crate) left: u32,
    /// Time was up: there is more to do.
    pub(crate) more: bool,
    /// Why it ended early.
    failure: Option<String>,
    too_large: u32,
    refused: u32,
}

impl Polled {
    pub(crate) fn failed(&self) -> bool {
        self.failure.is_some()
    }

    /// One that did not come to its end.
    pub(crate) fn broken_off(reason: &str) -> Self {
        Self {
            failure: Some(reason.to_owned()),
            ..Self::default()
        }
    }

    /// For the report; empty when all went well.
    pub(crate) fn error(&self) -> String {
        let mut all: Vec<String> = self.failure.iter().cloned().collect();
        if self.too_large > 0 {
            all.push(format!("{} messages are too large", self.too_large));
        }
        if self.refused > 0 {
            all.push(format!("{} messages cannot be taken", self.refused));
        }
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
    #[error("the secret `{0}` is not set")]
    NoSecret(String),
    #[error("a message is larger than its server said and than may be collected")]
    Endless,
}

impl From<Status> for PollError {
    fn from(status: Status) -> Self {
        Self::Queue(status.message().to_owned())
    }
}

/// What is to be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is committed, here and now or before: it may be deleted.
    Committed,
    /// It stays where it is.
    Left,
}

/// A poll under way.
pub(crate) struct Poll<'a> {
    account: &'a CollectAccount,
    services: &'a Services,
    policy: &'a PolicyWatch,
    memory: &'a mut Memory,
    stop: &'a CancellationToken,
    polled: Polled,
    deleted: Vec<Listed>,
    /// UIDLs that this listing has more than once: such a server's word is not taken.
    ambiguous: HashSet<String>,
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
            polled: Polled::default(),
            deleted: Vec::new(),
            ambiguous: HashSet::new(),
        }
    }

    /// Polls. Whatever happens, what was committed is in the ledger, and nothing else is deleted.
    pub(crate) async fn run(mut self) -> Polled {
        if let Err(error) = self.session().await {
            self.polled.failure = Some(error.to_string());
            self.polled.more = false;
        }
        self.polled
    }

    async fn session(&mut self) -> Result<(), PollError> {
        let password = self.password().await?;
        let credentials = Credentials {
            user: &self.account.login.user,
            password: &password,
        };
        let timeout = Duration::from_secs(self.services.config.timeout_seconds);
        let tls = &self.services.tls;
        let mut remote = Remote::open(self.account, credentials, tls, timeout).await?;
        let listing = remote.list().await?;
        self.note_ambiguous(&listing);
        let gone = self.memory.keep_listed(&listing);
        self.services.forget(&self.account.name, &gone).await?;
        let uidls = listing.iter().map(|listed| listed.uidl.as_str());
        let ledger = self.services.find(&self.account.name, uidls).await?;
        let outcome = self.messages(&mut remote, &listing, &ledger).await;
        match outcome {
            // With the connection gone, so are the DELEs: they are said again at the next poll.
            Err(PollError::Remote(_) | PollError::Endless) => return outcome,
            Ok(()) | Err(PollError::Queue(_) | PollError::NoSecret(_)) => {}
        }
        remote.quit().await?;
        for listed in &self.deleted {
            self.memory.deleted(listed);
        }
        outcome
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
        // `echo` ends a line; no password of POP3 can.
        Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn note_ambiguous(&mut self, listing: &[Listed]) {
        let mut once = HashSet::new();
        for listed in listing {
            if !once.insert(&listed.uidl) {
                self.ambiguous.insert(listed.uidl.clone());
            }
        }
    }

    async fn messages(
        &mut self,
        remote: &mut Remote,
        listing: &[Listed],
        ledger: &HashMap<String, Vec<CollectedMessage>>,
    ) -> Result<(), PollError> {
        let began = Instant::now();
        let time = self.services.poll_time();
        for listed in listing {
            if self.stop.is_cancelled() || began.elapsed() >= time {
                self.polled.more = true;
                return Ok(());
            }
            let known = ledger.get(&listed.uidl).map_or(&[][..], Vec::as_slice);
            let due = self.is_due(known);
            let verdict = self.message(remote, listed, known, due).await?;
            if verdict == Verdict::Committed && due && remote.delete(listed.number).await? {
                self.deleted.push(listed.clone());
            } else {
                self.polled.left += 1;
            }
        }
        Ok(())
    }

    /// Whether a message is to be deleted once it is committed.
    fn is_due(&self, known: &[CollectedMessage]) -> bool {
        match self.account.leave_on_server {
            LeaveOnServer::Never => true,
            LeaveOnServer::ForEver => false,
            LeaveOnServer::For(time) => {
                let newest = known.iter().map(|message| message.collected_at_ms).max();
                let age = newest.map(|at| now_ms().saturating_sub(at));
                age.is_some_and(|age| i128::from(age) >= time.as_millis().cast_signed())
            }
        }
    }

    async fn message(
        &mut self,
        remote: &mut Remote,
        listed: &Listed,
        known: &[CollectedMessage],
        due: bool,
    ) -> Result<Verdict, PollError> {
        if listed.size > self.services.config.max_message_size {
            self.polled.too_large += 1;
            return Ok(Verdict::Left);
        }
        if self.memory.was_refused(listed) {
            self.polled.refused += 1;
            return Ok(Verdict::Left);
        }
        if !known.is_empty() && !self.ambiguous.contains(&listed.uidl) {
            if !due && self.memory.was_seen(listed) {
                return Ok(Verdict::Left);
            }
            if (!due || self.memory.whole_was_seen(listed))
                && self.has_known_header(remote, listed, known).await?
            {
                self.memory.header_seen(listed);
                return Ok(Verdict::Committed);
            }
        }
        self.collect(remote, listed).await
    }

    async fn has_known_header(
        &self,
        remote: &mut Remote,
        listed: &Listed,
        known: &[CollectedMessage],
    ) -> Result<bool, PollError> {
        let Some(header) = remote.header(listed.number).await? else {
            return Ok(false);
        };
        Ok(known
            .iter()
            .any(|message| has_header(&message.content_hash, &header)))
    }
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
        .unwrap_or(0)
}
