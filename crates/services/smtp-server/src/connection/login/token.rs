//! OAUTHBEARER (RFC 7628) and XOAUTH2: the directory knows the issuer of tokens.

use api::directory::v1::VerifyTokenRequest;
use sasl::{BearerToken, TokenFault, TokenRefusal};

use super::{Login, SERVICE, in_time};
use crate::connection::Connection;
use crate::replies;

impl Connection {
    /// By an access token.
    pub(in crate::connection) async fn log_in_by_token(&mut self, token: BearerToken) {
        let request = VerifyTokenRequest {
            token: token.token,
            authorization: token.authorization,
            peer_address: self.facts.peer.to_string(),
            service: SERVICE.to_owned(),
        };
        let mut directory = self.server.directory.clone();
        let answer = match in_time(directory.verify_token(request)).await {
            Ok(answer) => answer,
            Err(status) => {
                self.refuse_for_now(replies::LOGIN_UNAVAILABLE, &status);
                return;
            }
        };
        if let Some(user) = answer.user {
            self.apply(Login {
                address: user.address,
                app_password: String::new(),
            });
            self.session.accept(self.io.output());
            return;
        }
        self.note_refusal("token-refused", &[answer.reason.into()]);
        let refusal = TokenRefusal {
            fault: match answer.insufficient_scope {
                true => TokenFault::InsufficientScope,
                false => TokenFault::Invalid,
            },
            scope: answer.scope,
            configuration: answer.openid_configuration,
        };
        self.session.refuse_token(&refusal, self.io.output());
    }
}
