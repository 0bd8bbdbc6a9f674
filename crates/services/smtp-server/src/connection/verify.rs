//! VRFY: trusted clients learn whether a mailbox exists, other clients do not (RFC 5321 §7.3).

use api::grpc::Status;
use rules::RecipientVerdict;
use smtp_protocol::{Mailbox, Reply};

use super::Connection;
use crate::replies;

impl Connection {
    pub(super) async fn verify(&mut self, mailbox: Option<Mailbox>) {
        let snapshot = self.server.policy.current();
        let trusted = snapshot.is_some_and(|snapshot| snapshot.policy.trust(&self.facts).trusted);
        if !trusted {
            self.session.accept(self.io.output());
            return;
        }
        match self.look_up(mailbox).await {
            Ok(VerifyResult::Here(address)) => self.session.verified(&address, self.io.output()),
            Ok(VerifyResult::Elsewhere) => self.session.accept(self.io.output()),
            Ok(VerifyResult::Refused(reply)) => {
                self.note_refusal("verification-refused", &[reply.to_string().into()]);
                self.session.refuse(reply, self.io.output());
            }
            Err(status) => self.refuse_for_now(replies::UNAVAILABLE, &status),
        }
    }

    async fn look_up(&self, mailbox: Option<Mailbox>) -> Result<VerifyResult, Status> {
        let (Some(mailbox), Some(snapshot)) = (mailbox, self.server.policy.current()) else {
            return Ok(VerifyResult::Refused(replies::NO_ADDRESS));
        };
        let policy = &snapshot.policy;
        let address = match policy.forward_path(mailbox.as_str()) {
            Ok(address) => address,
            Err(verdict) => return Ok(VerifyResult::Refused(replies::of_verdict(&verdict))),
        };
        let trust = policy.trust(&self.facts);
        let nobody = rules::ReversePath::Null;
        let mut verdict = policy.accept_recipient(&self.facts, &trust, &nobody, &address);
        loop {
            verdict = match verdict {
                // Another server knows.
                RecipientVerdict::Accept { .. } => return Ok(VerifyResult::Elsewhere),
                RecipientVerdict::Refuse(verdict) => {
                    return Ok(VerifyResult::Refused(replies::of_verdict(&verdict)));
                }
                RecipientVerdict::AcceptIfUser {
                    user, otherwise, ..
                } => {
                    if self.server.users.exists(&user.to_string()).await? {
                        return Ok(VerifyResult::Here(user.to_string()));
                    }
                    *otherwise
                }
            };
        }
    }
}

/// The result for an address.
enum VerifyResult {
    /// The mailbox that receives its mail.
    Here(String),
    Elsewhere,
    Refused(Reply),
}
