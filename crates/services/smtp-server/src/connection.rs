//! One client's connection: moves octets between socket and session, and answers the session's events.
//! `smtp_protocol` decides which command is valid when; `rules` decides what is allowed.

mod admission;
mod authentication;
mod binary;
mod content;
mod deadlines;
mod early;
mod envelope;
mod login;
mod origin;
mod quarantine;
mod queue_run;
mod refusal;
mod requests;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use api::login::Login;
use policy_watch::PolicySnapshot;
use rules::admission::Admission;
use rules::{SessionFacts, Trust, Verdict};
use sasl::Bindings;
use session_io::SessionError;
use smtp_protocol::Reply;
use smtp_protocol::server::{Announced, CloseReason, Event, Session, Terms};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::replies;
use crate::server::{Listener, Server};
use crate::shard::Shard;
use content::Incoming;
use deadlines::ReadDeadlines;
pub(crate) use deadlines::TimeLimits;
use envelope::Transaction;
use refusal::RefusalContext;

/// Timeout of writing the last reply.
const LAST_WORD: Duration = Duration::from_secs(2);

/// A client's connection.
pub(crate) struct Connection {
    server: Arc<Server>,
    shard: Arc<Shard>,
    listener: Arc<Listener>,
    shutdown: CancellationToken,
    io: session_io::Connection,
    session: Session,
    facts: SessionFacts,
    transaction: Option<Box<Transaction>>,
    /// The context of a refusal.
    context: RefusalContext,
    incoming: Option<Box<Incoming>>,
    messages: u32,
    deadlines: ReadDeadlines,
    /// The running login.
    login: Option<Box<Login>>,
    /// Channel bindings for a login.
    bindings: Bindings,
    /// The mail addresses in the client's certificate.
    certificate: Vec<String>,
}

impl Connection {
    pub(crate) fn new(
        server: Arc<Server>,
        shard: Arc<Shard>,
        listener: Arc<Listener>,
        shutdown: CancellationToken,
        mut io: session_io::Connection,
    ) -> Self {
        io.watch(shutdown.clone());
        let facts = origin::facts(&server, &listener, &io);
        Self {
            session: Session::new(server.hostname.as_str(), server.limits, Terms::default()),
            login: None,
            bindings: Bindings::default(),
            certificate: Vec::new(),
            deadlines: ReadDeadlines::new(server.time_limits, Instant::now()),
            server,
            shard,
            listener,
            shutdown,
            io,
            facts,
            transaction: None,
            context: RefusalContext::default(),
            incoming: None,
            messages: 0,
        }
    }

    /// Serves the client to the end of its connection.
    pub(crate) async fn run(mut self) {
        self.server.metrics.connections.increment(1);
        self.server.metrics.open.increment(1.0);
        let metrics = Arc::clone(&self.server);
        let peer = self.facts.peer;
        let served = match self.serve().await {
            Err(SessionError::Timeout) => self.send_away(&replies::TIMEOUT).await,
            Err(SessionError::Displaced) => self.send_away(&replies::DISPLACED).await,
            served => served,
        };
        let ended = match served {
            Ok(()) => self.io.close().await,
            Err(error) => Err(error),
        };
        // Clients may disconnect at any time; this line helps to trace one of them.
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection ended early");
        }
        metrics.metrics.open.decrement(1.0);
    }

    async fn send_away(&mut self, why: &Reply) -> Result<(), SessionError> {
        self.io.set_timeout(LAST_WORD);
        why.write(self.io.output());
        self.io.flush().await
    }

    async fn serve(&mut self) -> Result<(), SessionError> {
        self.io.set_timeout(self.server.time_limits.command);
        if self.listener.implicit_tls {
            Box::pin(self.start_tls()).await?;
        }
        let queue = self.shard.enqueuer.features();
        if self.server.policy.current().is_none() || queue.is_none() {
            tracing::warn!(peer = %self.facts.peer, "no policy or no queue yet: connection refused");
            self.session.close(&replies::NOT_NOW, self.io.output());
            return self.io.flush().await;
        }
        self.look_up_name().await;
        // A proxy's connection counts as greeted only after XCLIENT.
        if !self.may_override_peer()
            && let Err(verdict) = self.is_greeted().await
        {
            self.note_refusal(verdict.name, &verdict.reasons);
            self.session
                .close(&replies::of_verdict(&verdict), self.io.output());
            return self.io.flush().await;
        }
        if !self.waits_for_greeting().await? {
            return self.io.flush().await;
        }
        self.set_terms();
        self.session.greet(self.io.output());
        loop {
            let (input, output) = self.io.buffers();
            let event = self.session.next(input, output);
            match event {
                Event::NeedInput => {
                    if !self.wait().await? {
                        return Ok(());
                    }
                }
                Event::Close(reason) => {
                    self.io.flush().await?;
                    self.log_close(reason);
                    return Ok(());
                }
                event => self.handle(event).await?,
            }
        }
    }

    async fn is_greeted(&self) -> Result<(), Verdict> {
        let Some(snapshot) = self.server.policy.current() else {
            return Ok(());
        };
        let trust = snapshot.policy.trust(&self.facts);
        let admission = Admission::connect(&snapshot.policy, &self.facts, &trust);
        let verdict = self.admit_connection(admission).await;
        if verdict.is_accepted() {
            Ok(())
        } else {
            Err(verdict)
        }
    }

    /// Writes pending output and waits for the client. False when the client has gone.
    async fn wait(&mut self) -> Result<bool, SessionError> {
        let begun = Instant::now();
        self.io.flush().await?;
        let receiving = self.session.is_receiving();
        let allowed = if receiving {
            self.deadlines.for_content()
        } else {
            self.deadlines.for_command(self.session.lines_read(), begun)
        };
        self.io.set_timeout(allowed);
        let filled = tokio::select! {
            biased;
            filled = self.io.fill() => Some(filled),
            () = self.shutdown.cancelled(), if !receiving => None,
        };
        self.io.set_timeout(self.server.time_limits.command);
        let Some(filled) = filled else {
            self.session
                .close(&replies::SHUTTING_DOWN, self.io.output());
            return Ok(true);
        };
        let octets = filled?;
        let worth = self.deadlines.waited(begun.elapsed(), receiving, octets);
        if !worth.is_zero() {
            self.io.credit(worth);
        }
        Ok(octets != 0)
    }

    /// Large futures are boxed: otherwise an idle connection would occupy the memory of the largest one.
    async fn handle(&mut self, event: Event) -> Result<(), SessionError> {
        match event {
            Event::Hello => self.hello(),
            Event::StartTls => {
                self.io.flush().await?;
                Box::pin(self.start_tls()).await?;
                self.session.secured();
            }
            Event::Xclient(xclient) => self.xclient(xclient).await,
            Event::Login(initiation) => Box::pin(self.begin_login(initiation)).await,
            Event::Response(response) => Box::pin(self.respond(response)).await,
            Event::Mail(mail) => {
                self.context = RefusalContext::mail(&mail.reverse_path);
                self.sender(mail).await;
            }
            Event::Rcpt(rcpt) => {
                self.context.rcpt(&rcpt.forward_path);
                let accepted = self.recipient(rcpt).await;
                self.context.answered(accepted);
            }
            Event::Verify(mailbox) => self.verify(mailbox).await,
            Event::QueueRun(node) => {
                self.context = RefusalContext::default();
                self.queue_run(node).await;
            }
            Event::Begin => Box::pin(self.begin()).await,
            Event::Content(octets) => self.content(octets).await,
            Event::Complete => {
                Box::pin(self.complete()).await;
                self.context = RefusalContext::default();
            }
            Event::Refused(misspoken) => {
                // A syntax error ends a login.
                self.login = None;
                self.note_misspoken(&misspoken);
            }
            Event::Broken(fault) => {
                self.note_refusal(fault.name(), &[]);
                self.context = RefusalContext::default();
                self.forget_transaction();
            }
            Event::Reset => {
                self.context = RefusalContext::default();
                self.forget_transaction();
            }
            Event::NeedInput | Event::Close(_) => {}
        }
        Ok(())
    }

    fn hello(&mut self) {
        self.context = RefusalContext::default();
        if !self.waits_for_hello() {
            return;
        }
        let hello = self.session.hello().map(|hello| hello.name.clone());
        self.facts.helo = hello.filter(|name| !name.is_empty());
        self.forget_transaction();
        self.session.accept(self.io.output());
    }

    /// Starts TLS, and forgets what the client said before (RFC 3207 §4.2).
    async fn start_tls(&mut self) -> Result<(), SessionError> {
        let tls = self
            .listener
            .tls
            .clone()
            .ok_or_else(|| SessionError::Tls("no certificate".to_owned()))?;
        self.io.set_timeout(self.server.time_limits.command);
        let begun = Instant::now();
        let secured = self.io.start_tls(&tls).await;
        self.note_certificate(&secured);
        secured?;
        self.deadlines.waited(begun.elapsed(), false, 0);
        if !self.has_named_client() {
            self.bindings = self.io.bindings();
        }
        self.facts.tls = true;
        self.facts.helo = None;
        self.facts.login = None;
        self.forget_transaction();
        Ok(())
    }

    /// Sets the extensions offered to this client, by the present facts.
    fn set_terms(&mut self) {
        if let Some(snapshot) = self.server.policy.current() {
            let trust = snapshot.policy.trust(&self.facts);
            self.set_terms_of(&snapshot, &trust);
        }
    }

    fn set_terms_of(&mut self, snapshot: &PolicySnapshot, trust: &Trust) {
        let rules = snapshot.policy.receiving(trust.trusted);
        self.io.vouch(trust.trusted);
        let lenient = snapshot.policy.is_lenient(&self.facts, trust);
        let tls = self.io.is_tls();
        self.session.set_terms(Terms {
            starttls: !tls && self.listener.tls.is_some(),
            auth: tls || self.listener.plaintext_auth,
            mechanisms: self.mechanisms(),
            auth_required: self.facts.role.needs_login(),
            xclient: self.may_override_peer(),
            size: rules.max_size,
            announced: Announced {
                messages: self.server.max_messages,
                recipients: rules.max_recipients,
            },
            etrn: trust.trusted,
            require_tls: tls,
            lenient,
            offered: self.offered(snapshot, trust),
            refusals: rules.max_refusals,
        });
    }

    fn forget_transaction(&mut self) {
        self.transaction = None;
        self.incoming = None;
        // The sender's address may have decided the trust, and with it the offered extensions.
        self.set_terms();
    }

    fn refuse(&mut self, verdict: &Verdict) {
        self.note_refusal(verdict.name, &verdict.reasons);
        let reply = replies::of_verdict(verdict);
        self.session.refuse(reply, self.io.output());
    }

    /// Refuses temporarily because a needed service is away (I8). The cause is logged, not sent.
    fn refuse_for_now(&mut self, reply: Reply, cause: &dyn std::fmt::Display) {
        tracing::warn!(peer = %self.facts.peer, %cause, "refused for now");
        self.keep_refusal("unavailable", &[cause.to_string().into()]);
        self.session.refuse(reply, self.io.output());
    }

    fn log_close(&self, reason: CloseReason) {
        match reason {
            CloseReason::Quit | CloseReason::Closed => {}
            CloseReason::TooManyErrors | CloseReason::ProtocolViolation => {
                tracing::info!(peer = %self.facts.peer, ?reason, "connection closed");
                let verdict = if reason == CloseReason::TooManyErrors {
                    "too-many-errors"
                } else {
                    "protocol-violation"
                };
                self.keep_refusal(verdict, &[]);
            }
        }
    }
}
