//! From a name and a password to a maildrop.

use api::grpc::{Code, Status};
use api::refusals::{FailedLogin, shown};
use pop3_protocol::server::{Login, Maildrop, Refusal};

use super::Client;
use crate::store::Lock;

impl Client {
    pub(super) async fn log_in(&mut self, login: Login) {
        let peer = self.connection.peer().ip();
        let name = login.user.clone();
        match self.open_maildrop(login).await {
            Ok((lock, maildrop)) => {
                metrics::counter!("postern_pop3_logins_total", "result" => "accepted").increment(1);
                self.lock = Some(lock);
                self.connection.vouch(true);
                self.connection.set_timeout(self.server.idle_timeout);
                self.session.accept(maildrop, self.connection.output());
            }
            Err(refusal) => {
                metrics::counter!("postern_pop3_logins_total", "result" => "refused").increment(1);
                tracing::info!(%peer, login = shown(&name), ?refusal, "login refused");
                let why = match refusal {
                    Refusal::Wrong => Some(FailedLogin::Wrong),
                    Refusal::Slow(_) => Some(FailedLogin::Throttled),
                    Refusal::InUse | Refusal::Unavailable => None,
                };
                if let Some(why) = why {
                    let failed = why.refusal(peer, &self.listener.name, &name);
                    self.server.refusals.note(failed);
                }
                self.session.refuse(refusal, self.connection.output());
            }
        }
    }

    async fn open_maildrop(&self, login: Login) -> Result<(Lock, Maildrop), Refusal> {
        let peer = self.connection.peer().ip().to_string();
        let store = &self.server.store;
        let answer = store
            .authenticate(login.user, login.password, peer)
            .await
            .map_err(|error| refusal(&error))?;
        let Some(user) = answer.user else {
            return Err(match answer.retry_after_seconds {
                0 => Refusal::Wrong,
                seconds => Refusal::Slow(seconds),
            });
        };
        store
            .open(user.user_id)
            .await
            .map_err(|error| refusal(&error))
    }
}

fn refusal(error: &Status) -> Refusal {
    match error.code() {
        Code::FailedPrecondition => Refusal::InUse,
        // Such as a password of more octets than any user can have.
        Code::InvalidArgument => Refusal::Wrong,
        _ => {
            tracing::warn!(%error, "mailbox-store does not answer a login");
            Refusal::Unavailable
        }
    }
}
