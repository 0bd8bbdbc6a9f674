//! CRAM-MD5 (RFC 2195), where the directory has it switched on.

use api::directory::v1::VerifyCramMd5Request;
use sasl::CramProof;

use super::{Answer, SERVICE, in_time};
use crate::connection::Connection;
use crate::nonce::nonce;
use crate::replies;

impl Connection {
    /// What the client's digest is to be made of.
    pub(in crate::connection) fn cram_nonce(&mut self) {
        match nonce() {
            Some(nonce) => self.session.cram_nonce(&nonce, self.io.output()),
            None => self.refuse_for_now(replies::LOGIN_UNAVAILABLE, &"no randomness"),
        }
    }

    /// By a digest.
    pub(in crate::connection) async fn log_in_by_cram_md5(&mut self, proof: CramProof) {
        let request = VerifyCramMd5Request {
            login: proof.login,
            challenge: proof.challenge,
            digest: proof.digest.to_vec().into(),
            peer_address: self.facts.peer.to_string(),
            service: SERVICE.to_owned(),
        };
        let mut directory = self.server.directory.clone();
        let mut reason = String::new();
        let answer = in_time(directory.verify_cram_md5(request)).await;
        let answer = answer.map(|answer| {
            reason = answer.reason;
            Answer {
                user: answer.user,
                app_password: answer.app_password,
                retry_after_seconds: answer.retry_after_seconds,
            }
        });
        if !reason.is_empty() {
            self.refuse_login("no-cram-md5-secret", reason);
        } else if let Some(login) = self.holds(answer) {
            self.apply(login);
            self.session.accept(self.io.output());
        }
    }
}
