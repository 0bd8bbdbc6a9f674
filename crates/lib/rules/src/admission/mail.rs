//! The MAIL stage: the checks of a sender.

use crate::admission::Admission;
use crate::admission::check::{Answer, Check, Rule, Stage, unless};
use crate::admission::connect::{Shares, some_shares, unknown_history, within};
use crate::decide::dns::judge_domain;
use crate::values::dns::{DnsList, DomainStanding, Listing};
use crate::values::domain::Domain;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::rate::{Counted, Rate};
use crate::values::timing::Timing;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// The setting that lowers a priority.
pub(crate) const MAX_PRIORITY: &str = "max-priority";

/// Why a rule that asks the DNS is not evaluated.
pub(super) const DNS: &str = "it needs the DNS";

/// Why a rule about logins is not evaluated.
pub(super) const NO_LOGIN: &str = "nobody has logged in";

/// The parameters of MAIL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The declared size.
    pub size: Option<u64>,
    /// Requests about time and priority.
    pub timing: Timing,
    /// The session that parsed the parameters has already refused those not offered.
    pub read_by_session: bool,
}

/// A sender being admitted.
#[derive(Debug)]
pub struct Mail<'a> {
    policy: &'a Policy,
    facts: &'a SessionFacts,
    trust: &'a Trust,
    sender: &'a ReversePath,
    parameters: Parameters,
    free: Option<Answer<u64>>,
    used_up: Option<Answer<Option<Rate>>>,
    listings: Option<Answer<Vec<Listing<'a>>>>,
    standing: Option<Answer<DomainStanding>>,
}

/// The questions about a sender.
#[derive(Debug)]
pub enum Question<'a> {
    /// Free octets of the mail volume.
    FreeSpace,
    /// Counts one message under each of these rates unless one is used up. The answer is the used-up rate.
    Rates(Shares<'a>),
    /// DNS look-ups, to be made in parallel.
    Dns {
        /// The lists to query for the peer.
        lists: &'a [DnsList],
        /// The domain that must accept mail.
        domain: Option<&'a Domain>,
    },
}

impl<'a> Admission<Mail<'a>> {
    /// Starts the stage for MAIL. `trust` is the trust of the session with this sender.
    pub fn mail(
        policy: &'a Policy,
        facts: &'a SessionFacts,
        trust: &'a Trust,
        sender: &'a ReversePath,
        parameters: Parameters,
    ) -> Self {
        Self::new(Mail {
            policy,
            facts,
            trust,
            sender,
            parameters,
            free: None,
            used_up: None,
            listings: None,
            standing: None,
        })
    }

    /// The free octets, if known.
    pub fn free_space(&mut self, free: Option<u64>) {
        self.stage.free = Some(free.map_or(Answer::Unknown, Answer::Is));
    }

    /// The used-up rate; none if the message has been counted.
    pub fn used_up(&mut self, rate: Answer<Option<Rate>>) {
        self.stage.used_up = Some(rate);
    }

    /// The DNS answers; none for look-ups that were not made.
    pub fn dns(&mut self, listings: Option<Vec<Listing<'a>>>, standing: Option<DomainStanding>) {
        self.stage.listings = Some(listings.map_or(Answer::Unknown, Answer::Is));
        self.stage.standing = Some(standing.map_or(Answer::Unknown, Answer::Is));
    }
}

type Row<'a> = Check<Mail<'a>, Question<'a>>;

impl<'a> Stage<'a> for Mail<'a> {
    type Question = Question<'a>;
    const CHECKS: &'a [Check<Self, Question<'a>>] = &[
        Row::new(Rule::Everybody("login on submission ports"), |mail| {
            mail.policy.judge_login(mail.facts)
        })
        .idle(|mail| {
            let needed = mail.facts.role.needs_login();
            unless(needed, "the listener is for other servers")
        }),
        Row::new(
            Rule::Everybody("only parameters that EHLO offers"),
            Self::is_offered,
        )
        .idle(|mail| {
            let Timing {
                hold,
                deliver_by,
                priority,
                ..
            } = mail.parameters.timing;
            let asked = hold.is_some() || deliver_by.is_some() || priority.is_some();
            unless(asked, "no restricted parameter is used")
        }),
        Row::new(Rule::Setting("max-hold"), |mail| {
            mail.policy.judge_hold(mail.parameters.timing.hold)
        })
        .idle(|mail| {
            let asked = mail.parameters.timing.hold.is_some();
            unless(asked, "no holding time is requested")
        })
        .hinging_on_trust(),
        Row::new(Rule::Setting("min-deliver-by"), |mail| {
            mail.policy.judge_deliver_by(&mail.parameters.timing)
        })
        .idle(|mail| {
            let asked = mail.parameters.timing.or_return;
            unless(asked, "no delivery time is requested")
        })
        .hinging_on_trust(),
        Row::new(Rule::Everybody("hold within deliver-by"), |mail| {
            mail.parameters.timing.judge_hold_within_deliver_by()
        })
        .idle(|mail| {
            let Timing {
                hold, deliver_by, ..
            } = mail.parameters.timing;
            let both = hold.is_some() && deliver_by.is_some();
            unless(both, "it has no holding time together with a delivery time")
        })
        .hinging_on_trust(),
        // MAX-PRIORITY refuses nothing: it lowers the priority.
        Row::new(Rule::Setting(MAX_PRIORITY), |_| Ok(())).idle(|mail| {
            let asked = mail.parameters.timing.priority.is_some();
            unless(asked, "no priority is requested")
        }),
        Row::new(Rule::Setting("min-free-space"), |mail| {
            match mail.free.as_ref().and_then(Answer::known) {
                Some(free) => mail.policy.judge_free_space(mail.trust, *free),
                None => Ok(()),
            }
        })
        .asks(|mail| {
            let wanted = mail.rules().min_free_space.is_some() && mail.free.is_none();
            wanted.then_some(Question::FreeSpace)
        })
        .idle(|mail| {
            let unknown = matches!(mail.free, Some(Answer::Unknown));
            unless(!unknown, "it depends on the free space")
        }),
        Row::new(Rule::Setting("max-size"), |mail| {
            mail.policy.judge_size(mail.trust, mail.parameters.size)
        })
        .idle(|mail| unless(mail.parameters.size.is_some(), "no size is declared"))
        .hinging_on_trust(),
        Row::new(Rule::Setting("refuse-blank-reverse-path"), |mail| {
            mail.policy.judge_blank(mail.trust, mail.sender)
        })
        .hinging_on_trust(),
        Row::new(Rule::Setting("refuse-address-literal-senders"), |mail| {
            mail.policy.judge_literal(mail.trust, mail.sender)
        })
        .hinging_on_trust(),
        Row::new(Rule::Setting("refuse-spoofed-senders"), |mail| {
            mail.policy
                .judge_spoofed(mail.facts, mail.trust, mail.sender)
        })
        .hinging_on_trust(),
        Row::new(Rule::Setting("senders-must-belong-to-login"), |mail| {
            mail.policy.judge_own_name(mail.facts, mail.sender)
        })
        .idle(|mail| unless(mail.facts.login.is_some(), NO_LOGIN))
        .hinging_on_trust(),
        Row::new(Rule::Rates(Counted::Messages), |mail| {
            within(mail.used_up.as_ref(), mail.trust)
        })
        .asks(Self::rates)
        .idle(|mail| unknown_history(mail.used_up.as_ref())),
        Row::new(Rule::Setting("dns-lists"), |mail| {
            match mail.listings.as_ref().and_then(Answer::known) {
                Some(listings) => mail.policy.judge_listings(mail.trust, listings),
                None => Ok(()),
            }
        })
        .asks(Self::dns)
        .idle(|mail| {
            let unknown = matches!(mail.listings, Some(Answer::Unknown));
            unless(!unknown, DNS)
        }),
        Row::new(
            Rule::Setting("sender-domain-must-exist"),
            Self::domain_stands,
        )
        .asks(Self::dns)
        .idle(|mail| {
            let unknown = matches!(mail.standing, Some(Answer::Unknown));
            unless(!unknown, DNS)
        }),
    ];

    fn policy(&self) -> &'a Policy {
        self.policy
    }

    fn trust(&self) -> &'a Trust {
        self.trust
    }
}

impl<'a> Mail<'a> {
    /// Parameters that are not offered are refused. A session that parsed them has refused most of them
    /// already, but the sender may be less trusted than the session, and the policy newer than EHLO.
    fn is_offered(&self) -> Result<(), Verdict> {
        let Parameters {
            timing,
            read_by_session,
            ..
        } = &self.parameters;
        if !read_by_session {
            // The session parses the parameters before the sender is known.
            let trust = self.policy.trust(self.facts);
            self.policy.judge_parameters(self.facts, &trust, timing)?;
        }
        self.policy
            .judge_parameters_of_sender(self.facts, self.trust, timing)
    }

    fn rates(&self) -> Option<Question<'a>> {
        let shares = || {
            let (count, sender) = (Counted::Messages, Some(self.sender));
            self.policy.shares(self.facts, self.trust, count, sender)
        };
        some_shares(self.used_up.as_ref(), shares).map(Question::Rates)
    }

    /// One question for both checks that need the DNS.
    fn dns(&self) -> Option<Question<'a>> {
        let lists = self.rules().dns.lists.as_slice();
        let domain = self.policy.domain_to_ask(self.trust, self.sender);
        let wanted = !lists.is_empty() || domain.is_some();
        let asked = self.listings.is_some() || self.standing.is_some();
        (wanted && !asked).then_some(Question::Dns { lists, domain })
    }

    fn domain_stands(&self) -> Result<(), Verdict> {
        let domain = self.policy.domain_to_ask(self.trust, self.sender);
        match (domain, self.standing.as_ref().and_then(Answer::known)) {
            (Some(domain), Some(standing)) => judge_domain(domain, *standing),
            _ => Ok(()),
        }
    }
}
