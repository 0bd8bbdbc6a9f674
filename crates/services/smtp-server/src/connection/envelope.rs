//! MAIL and RCPT: one revision of the policy decides a whole transaction.

use std::collections::HashSet;
use std::sync::Arc;

use api::clock::now_ms;
use api::grpc::Status;
use api::queue::v1::{Notify, Recipient};
use policy_watch::PolicySnapshot;
use rules::admission::Admission;
use rules::admission::mail::Parameters;
use rules::{EmailAddress, Policy, ReversePath, Trust, Verdict};
use smtp_protocol::Path;
use smtp_protocol::server::{Mail, Rcpt};

use super::Connection;
use super::authentication::Checks;
use super::requests::{self, Agreed};
use crate::replies;

/// A mail transaction.
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) snapshot: Arc<PolicySnapshot>,
    pub(super) trust: Trust,
    pub(super) mail: Mail,
    pub(super) reverse_path: ReversePath,
    pub(super) recipients: Vec<Recipient>,
    /// Authentication checks, until the content arrives.
    pub(super) checks: Option<Checks>,
    /// Accepted delivery options.
    pub(super) agreed: Agreed,
    /// The message goes to the recipients' Junk mailboxes.
    pub(super) junk: bool,
    /// Reasons for quarantine; empty if there are none.
    pub(super) quarantine: Vec<Verdict>,
}

impl Connection {
    /// Handles MAIL.
    pub(super) async fn sender(&mut self, mail: Mail) {
        if self.messages >= self.server.max_messages {
            self.note_refusal("too-many-messages", &[]);
            self.session.refuse(replies::ENOUGH, self.io.output());
            return;
        }
        let Some(snapshot) = self.server.policy.current() else {
            self.refuse_for_now(replies::NOT_NOW, &"no policy");
            return;
        };
        // A policy newer than the greeting may need the name.
        self.look_up_name().await;
        let reverse_path = match Self::reverse_path(&snapshot.policy, &mail.reverse_path) {
            Ok(reverse_path) => reverse_path,
            Err(verdict) => {
                self.refuse(&verdict);
                return;
            }
        };
        let trust = snapshot.policy.trust_of_sender(&self.facts, &reverse_path);
        let now_ms = now_ms();
        let parameters = Parameters {
            size: mail.size,
            timing: requests::timing(&mail, now_ms),
            read_by_session: true,
        };
        let (policy, facts) = (&snapshot.policy, &self.facts);
        let admission = Admission::mail(policy, facts, &trust, &reverse_path, parameters);
        let verdict = self.admit_sender(admission).await;
        if !verdict.is_accepted() {
            self.refuse(&verdict);
            return;
        }
        self.set_terms_of(&snapshot, &trust);
        let checks = self.begin_checks(&snapshot.policy, &trust, &reverse_path);
        let id = self.server.ids.next();
        self.context.begun(&id);
        let agreed = requests::agree(&snapshot.policy, &trust, &mail, now_ms);
        let lowered = agreed
            .priority
            .filter(|_| agreed.priority != mail.requests.priority);
        self.transaction = Some(Box::new(Transaction {
            id,
            snapshot,
            trust,
            mail,
            reverse_path,
            recipients: Vec::new(),
            checks,
            agreed,
            junk: false,
            quarantine: Vec::new(),
        }));
        match lowered {
            Some(priority) => self
                .session
                .accept_with_priority(priority, self.io.output()),
            None => self.session.accept(self.io.output()),
        }
    }

    fn reverse_path(policy: &Policy, path: &Path) -> Result<ReversePath, Verdict> {
        match path {
            Path::Mailbox(mailbox) => policy.reverse_path(mailbox.as_str()),
            Path::Local(local) => policy.reverse_path(&policy.in_full(true, local).path),
            Path::Null | Path::Postmaster => Ok(ReversePath::Null),
        }
    }

    /// Handles RCPT. True if the recipient was accepted.
    pub(super) async fn recipient(&mut self, rcpt: Rcpt) -> bool {
        match self.judge_recipient(&rcpt).await {
            Ok(Ok(address)) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipients.push(Recipient {
                        address: address.to_string(),
                        original_recipient: rcpt.original_recipient.unwrap_or_default(),
                        notify: Notify::from_bits(rcpt.notify.bits()),
                    });
                }
                self.session.accept(self.io.output());
                return true;
            }
            Ok(Err(verdict)) => self.refuse(&verdict),
            Err(status) => self.refuse_for_now(replies::UNAVAILABLE, &status),
        }
        false
    }

    async fn judge_recipient(&self, rcpt: &Rcpt) -> Result<Result<EmailAddress, Verdict>, Status> {
        let transaction = self
            .transaction
            .as_ref()
            .ok_or_else(|| Status::internal("RCPT without a transaction"))?;
        let policy = &transaction.snapshot.policy;
        let text = match &rcpt.forward_path {
            Path::Mailbox(mailbox) => mailbox.as_str().to_owned(),
            Path::Local(local) => policy.in_full(true, local).path.into_owned(),
            Path::Postmaster | Path::Null => "postmaster".to_owned(),
        };
        let mut admission = Admission::rcpt(
            policy,
            &self.facts,
            &transaction.trust,
            &transaction.reverse_path,
            transaction.recipients.len(),
            &text,
        );
        let verdict = self.admit_recipient(&mut admission).await?;
        Ok(admission
            .into_address()
            .filter(|_| verdict.is_accepted())
            .ok_or(verdict))
    }
}

impl Transaction {
    /// Removes repeated recipients. Local users are compared without regard to case; other addresses exactly,
    /// since only their server knows.
    pub(super) fn drop_repeated_recipients(&mut self) {
        if self.recipients.len() < 2 {
            return;
        }
        let policy = &self.snapshot.policy;
        let mut seen = HashSet::with_capacity(self.recipients.len());
        self.recipients.retain(|recipient| {
            let address = EmailAddress::parse(&recipient.address).ok();
            let user = address.filter(|address| {
                let domain = address.domain();
                domain.is_some_and(|domain| policy.is_local(domain))
            });
            seen.insert(user.map_or_else(
                || recipient.address.clone(),
                |user| user.folded().to_string(),
            ))
        });
    }
}
