//! MAIL and RCPT: one transaction is decided by one revision of the policy.

use std::collections::HashSet;
use std::sync::Arc;

use api::grpc::Status;
use api::policy_watch::PolicySnapshot;
use api::queue::v1::Recipient;
use rules::{EmailAddress, Policy, RecipientVerdict, ReversePath, Trust, Verdict};
use smtp_protocol::Path;
use smtp_protocol::server::{Mail, Rcpt};

use super::Connection;
use crate::replies;

/// A mail transaction as far as it has come.
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) snapshot: Arc<PolicySnapshot>,
    pub(super) trust: Trust,
    pub(super) mail: Mail,
    pub(super) reverse_path: ReversePath,
    pub(super) recipients: Vec<Recipient>,
}

impl Connection {
    /// MAIL.
    pub(super) fn sender(&mut self, mail: Mail) {
        if self.messages >= self.server.max_messages {
            self.session.refuse(replies::ENOUGH, self.io.output());
            return;
        }
        let Some(snapshot) = self.server.policy.current() else {
            self.refuse_for_now(replies::NOT_NOW, &"no policy");
            return;
        };
        let reverse_path = match reverse_path(&snapshot.policy, &mail.reverse_path) {
            Ok(reverse_path) => reverse_path,
            Err(verdict) => {
                self.refuse(&verdict);
                return;
            }
        };
        let trust = snapshot.policy.trust_of_sender(&self.facts, &reverse_path);
        let verdict = snapshot
            .policy
            .accept_sender(&self.facts, &trust, &reverse_path, mail.size);
        if !verdict.is_accepted() {
            self.refuse(&verdict);
            return;
        }
        self.set_terms_of(&snapshot, &trust);
        let id = self.server.ids.next();
        self.asked.begun(&id);
        self.transaction = Some(Transaction {
            id,
            snapshot,
            trust,
            mail,
            reverse_path,
            recipients: Vec::new(),
        });
        self.session.accept(self.io.output());
    }

    /// RCPT: whether it was accepted.
    pub(super) async fn recipient(&mut self, rcpt: Rcpt) -> bool {
        match self.judge_recipient(&rcpt).await {
            Ok(Ok(address)) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipients.push(Recipient {
                        address: address.to_string(),
                        original_recipient: rcpt.original_recipient.unwrap_or_default(),
                        notify: rcpt.notify.bits().into(),
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
        let another =
            policy.accept_another_recipient(&transaction.trust, transaction.recipients.len());
        if !another.is_accepted() {
            return Ok(Err(another));
        }
        let text = match &rcpt.forward_path {
            Path::Mailbox(mailbox) => mailbox.as_str(),
            Path::Postmaster | Path::Null => "postmaster",
        };
        let address = match policy.forward_path(text) {
            Ok(address) => address,
            Err(verdict) => return Ok(Err(verdict)),
        };
        let mut verdict = policy.accept_recipient(
            &self.facts,
            &transaction.trust,
            &transaction.reverse_path,
            &address,
        );
        loop {
            verdict = match verdict {
                RecipientVerdict::Accept { .. } => return Ok(Ok(address)),
                RecipientVerdict::Refuse(verdict) => return Ok(Err(verdict)),
                RecipientVerdict::AcceptIfUser {
                    user, otherwise, ..
                } => {
                    if self.server.users.exists(&user.to_string()).await? {
                        return Ok(Ok(address));
                    }
                    *otherwise
                }
            };
        }
    }
}

impl Transaction {
    /// A repeated RCPT is one delivery.
    pub(super) fn drop_repeated_recipients(&mut self) {
        if self.recipients.len() > 1 {
            let mut seen = HashSet::with_capacity(self.recipients.len());
            self.recipients
                .retain(|recipient| seen.insert(recipient.address.clone()));
        }
    }
}

fn reverse_path(policy: &Policy, path: &Path) -> Result<ReversePath, Verdict> {
    match path {
        Path::Mailbox(mailbox) => policy.reverse_path(mailbox.as_str()),
        Path::Null | Path::Postmaster => Ok(ReversePath::Null),
    }
}
