//! Answers the questions of an admission: free space, counts, DNS, directory. `rules` decides their order and
//! the result.

use api::grpc::Status;
use rules::admission::connect::{self, Connect, Shares};
use rules::admission::mail::{self, Mail};
use rules::admission::rcpt::{self, Rcpt};
use rules::admission::{Admission, Answer, Next};
use rules::{DnsList, Domain, DomainStanding, Listing, Rate, Verdict};

use super::Connection;

impl Connection {
    /// Decides whether a new client is greeted.
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

    /// Decides whether a sender is accepted.
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

    /// Decides whether a recipient is accepted.
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

    /// Counts an event under all its rates. If one is used up, counts nothing and returns that rate.
    async fn used_up(&self, shares: &Shares<'_>) -> Answer<Option<Rate>> {
        Answer::Is(self.server.throttle.admit(shares).await.err().copied())
    }

    /// DNS facts about the peer and the sender's domain, looked up concurrently.
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
