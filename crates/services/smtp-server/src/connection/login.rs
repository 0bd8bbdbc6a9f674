//! AUTH: the directory says whether a login holds.

use std::time::Duration;

use api::directory::v1::{AuthenticateRequest, AuthenticateResponse};
use api::grpc::Status;
use smtp_protocol::server::Credentials;

use super::Connection;
use crate::replies;

/// Longest silence of a directory that is asked: argon2 takes its time, and waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

impl Connection {
    pub(super) async fn log_in(&mut self, credentials: Credentials) {
        let Credentials {
            authorization,
            login,
            password,
        } = credentials;
        // Nobody acts for somebody else.
        if !authorization.is_empty() && !authorization.eq_ignore_ascii_case(&login) {
            self.note_refusal("login-for-another", &[]);
            self.session.refuse(replies::LOGIN_FAILED, self.io.output());
            return;
        }
        let request = AuthenticateRequest {
            login,
            password,
            peer_address: self.facts.peer.to_string(),
            service: "smtp".to_owned(),
        };
        match self.ask_directory(request).await {
            Ok(AuthenticateResponse {
                user: Some(user), ..
            }) => {
                self.facts.login = Some(user.address);
                self.set_terms();
                self.session.accept(self.io.output());
            }
            Ok(AuthenticateResponse {
                retry_after_seconds: 0,
                ..
            }) => {
                self.note_refusal("login-failed", &[]);
                self.session.refuse(replies::LOGIN_FAILED, self.io.output());
            }
            Ok(_) => {
                self.note_refusal("login-throttled", &[]);
                self.session.refuse(replies::LOGIN_LATER, self.io.output());
            }
            Err(status) => self.refuse_for_now(replies::LOGIN_UNAVAILABLE, &status),
        }
    }

    async fn ask_directory(
        &self,
        request: AuthenticateRequest,
    ) -> Result<AuthenticateResponse, Status> {
        let mut directory = self.server.directory.clone();
        let response = tokio::time::timeout(PATIENCE, directory.authenticate(request))
            .await
            .map_err(|_| Status::deadline_exceeded("the directory does not answer"))??;
        Ok(response.into_inner())
    }
}
