//! What an admission asks, answered from the world: the volume, what came before, the DNS, the
//! directory. In which order it asks, and what follows, is `rules`'.

use api::grpc::Status;
use rules::admission::connect::{self, Connect, Shares};
use rules::admission::mail::{self, Mail};
use rules::admission::rcpt::{self, Rcpt};
use rules::admission::{Admission, Answer, Next};
use rules::{DnsList, Domain, DomainStanding, Listing, Rate, Verdict};

use super::Connection;

impl Connection {
    /// Whether a client that has connected is greeted.
    pub(super) async fn admit_connection(&self, mut admission: Admission<Connect<'_>>) -> Verdict {
        loop {
            match admission.proceed() {
                Next::Ask(connect::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(&shares).await);
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    /// Whether a sender is let in.
    pub(super) async fn admit_sender(&self, mut admission: Admission<Mail<'_>>) -> Verdict {
        loop {
            match admission.proceed() {
                Next::Ask(mail::Question::FreeSpace) => {
                    admission.free_space(self.server.free_space.current());
                }
                Next::Ask(mail::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(&shares).await);
                }
                Next::Ask(mail::Question::Dns { lists, domain }) => {
                    let (listings, standing) = self.ask_dns(lists, domain).await;
                    admission.dns(Some(listings), standing);
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    /// Whether a recipient is let in.
    pub(super) async fn admit_recipient(
        &self,
        admission: &mut Admission<Rcpt<'_>>,
    ) -> Result<Verdict, Status> {
        loop {
            match admission.proceed() {
                Next::Ask(rcpt::Question::User(user)) => {
                    admission.user(self.server.users.exists(&user.to_string()).await?);
                }
                Next::Ask(rcpt::Question::Greylisting(terms, visit)) => {
                    let wait = self.server.throttle.wait(terms, &visit).await?;
                    admission.wait(Answer::Is(wait));
                }
                Next::Ask(rcpt::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(&shares).await);
                }
                Next::End(verdict) => return Ok(verdict),
            }
        }
    }

    /// Counts what is about to be let in, or nothing and gives the rate that is used up.
    async fn used_up(&self, shares: &Shares<'_>) -> Answer<Option<Rate>> {
        Answer::Is(self.server.throttle.admit(shares).await.err().copied())
    }

    /// What the DNS says of the peer and of the sender's domain, looked up side by side.
    async fn ask_dns<'a>(
        &self,
        lists: &'a [DnsList],
        domain: Option<&Domain>,
    ) -> (Vec<Listing<'a>>, Option<DomainStanding>) {
        let authenticator = &self.server.authenticator;
        tokio::join!(authenticator.listings(self.facts.peer, lists), async {
            Some(authenticator.standing(domain?).await)
        })
    }
}
