//! A session to play, and its answers to the questions of an admission.

use std::sync::Arc;

use crate::admission::connect::Shares;
use crate::admission::{Admission, Answer, Next, connect, content, mail, rcpt, talk};
use crate::explain::assumptions::{Assumptions, GreylistState, RateState};
use crate::values::address::EmailAddress;
use crate::values::attachments::{BlockedAttachments, Screened};
use crate::values::dns::{DnsList, Listing};
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::rate::{Counted, Rate};
use crate::values::timing::Timing;
use crate::values::verdict::Verdict;

/// Screens a message for attachments.
pub type Screen<'a> = dyn Fn(&Arc<BlockedAttachments>) -> Screened + 'a;

/// The session to play.
pub struct Play<'a> {
    /// Its facts.
    pub facts: &'a SessionFacts,
    /// MAIL FROM.
    pub sender: &'a ReversePath,
    /// The declared size of MAIL.
    pub size: Option<u64>,
    /// The requests of MAIL about time and priority.
    pub timing: Timing,
    /// The forward-paths of RCPT, as the client writes them.
    pub recipients: &'a [String],
    /// Recipients that the message already has.
    pub taken: usize,
    /// Whether a user has a mailbox. Called only for [`Policy::users_asked`](crate::Policy::users_asked).
    pub has_user: &'a dyn Fn(&EmailAddress) -> bool,
    /// The assumptions about the world.
    pub assumptions: &'a Assumptions,
    /// Screens the real message for blocked attachments, if there is one; has precedence over the assumed
    /// attachments.
    pub screen: Option<&'a Screen<'a>>,
}

impl Play<'_> {
    /// The result of screening the attachments; none if they are unknown.
    pub(super) fn screened(&self, rules: &Arc<BlockedAttachments>) -> Option<Screened> {
        match (self.screen, &self.assumptions.attachments) {
            (Some(screen), _) => Some(screen(rules)),
            (None, Some(attachments)) => Some(attachments.screened(rules)),
            (None, None) => None,
        }
    }

    pub(super) fn connect(&self, admission: &mut Admission<connect::Connect<'_>>) -> Verdict {
        loop {
            match admission.proceed() {
                Next::Ask(connect::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(Counted::Connections, &shares));
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    pub(super) fn talk(
        &self,
        admission: &mut Admission<talk::Talk<'_>>,
        early: Answer<bool>,
    ) -> Verdict {
        loop {
            match admission.proceed() {
                Next::Ask(talk::Question::Speaks { .. }) => admission.spoke(early),
                Next::End(verdict) => return verdict,
            }
        }
    }

    pub(super) fn mail(&self, admission: &mut Admission<mail::Mail<'_>>) -> Verdict {
        loop {
            match admission.proceed() {
                Next::Ask(mail::Question::FreeSpace) => admission.free_space(self.assumptions.free),
                Next::Ask(mail::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(Counted::Messages, &shares));
                }
                Next::Ask(mail::Question::Dns { lists, domain }) => {
                    let standing = self.assumptions.standing.filter(|_| domain.is_some());
                    admission.dns(self.listings(lists), standing);
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    /// `users` receives the looked-up users, in order, each with whether it exists.
    pub(super) fn rcpt(
        &self,
        admission: &mut Admission<rcpt::Rcpt<'_>>,
        users: &mut Vec<(EmailAddress, bool)>,
    ) -> Verdict {
        loop {
            match admission.proceed() {
                Next::Ask(rcpt::Question::User(user)) => {
                    let exists = (self.has_user)(&user);
                    admission.user(exists);
                    users.push((user, exists));
                }
                Next::Ask(rcpt::Question::Greylisting(terms, _)) => {
                    admission.wait(match self.assumptions.visitor {
                        Some(GreylistState::New) => Answer::Is(Some(terms.delay)),
                        Some(GreylistState::Known) => Answer::Is(None),
                        None => Answer::Unknown,
                    });
                }
                Next::Ask(rcpt::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(Counted::Recipients, &shares));
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    pub(super) fn content(
        &self,
        admission: &mut Admission<content::Content<'_>>,
        screened: Option<&Screened>,
    ) -> Verdict {
        loop {
            match admission.proceed() {
                Next::Ask(content::Question::Attachments) => {
                    admission.attachments(match screened {
                        Some(screened) => Answer::Is(screened.unwanted.clone()),
                        None => Answer::Unknown,
                    });
                }
                Next::Ask(content::Question::Authentication) => {
                    let (peer, helo) = (self.facts.peer, self.facts.helo.as_deref());
                    admission.authentication(self.assumptions.vouched_for(peer, helo, self.sender));
                }
                Next::Ask(content::Question::Authors) => {
                    let authors = self.assumptions.authors.clone();
                    admission.authors(authors.map_or(Answer::Unknown, Answer::Is));
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    fn used_up(&self, count: Counted, shares: &Shares<'_>) -> Answer<Option<Rate>> {
        match self.assumptions.share(count) {
            Some(RateState::UsedUp) => Answer::Is(shares.first().map(|(rate, _)| **rate)),
            Some(RateState::Left) => Answer::Is(None),
            None => Answer::Unknown,
        }
    }

    fn listings<'p>(&self, lists: &'p [DnsList]) -> Option<Vec<Listing<'p>>> {
        let listed = self.assumptions.listed.as_ref()?;
        let listing = |list: &'p DnsList| Listing {
            list,
            answers: listed
                .iter()
                .filter(|listed| listed.zone == list.zone)
                .flat_map(|listed| listed.answers.iter().copied())
                .collect(),
        };
        Some(lists.iter().map(listing).collect())
    }
}
