//! How much may come from one address, network, login or sender, and who must come twice.
//!
//! A rate is kept by a bucket for each subject: what is let in fills it, time empties it evenly. So
//! `limit` may come at once, and from then on `limit` a period; in no period more than twice as
//! many. The buckets are the caller's: this crate counts nothing.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::values::address::EmailAddress;
use crate::values::duration::format_duration;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::rate::{Counted, Greylisting, Per, Rate};
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Rate {
    /// Who is counted, in words that are the same for the same subject of the same rate. `None`
    /// where the session has no such thing: no login, or the null reverse-path.
    pub fn subject(&self, facts: &SessionFacts, sender: Option<&ReversePath>) -> Option<String> {
        let who: Cow<'_, str> = match self.per {
            Per::Address => network(facts.peer, 32, 64).to_string().into(),
            Per::Network => network(facts.peer, 24, 48).to_string().into(),
            Per::Login => facts.login.as_deref()?.into(),
            Per::Sender => sender?.address()?.to_string().to_lowercase().into(),
        };
        Some(format!(
            "{:?} {:?} {} {} {who}",
            self.count,
            self.per,
            self.limit,
            self.period.as_millis()
        ))
    }

    /// What is said when it is used up.
    pub fn refusal(&self, trust: &Trust) -> Verdict {
        let refusal = match self.count {
            Counted::Connections => refusals::CONNECTION_RATE,
            Counted::Messages | Counted::Recipients => refusals::RATE,
        };
        refusal.because(format!(
            "`rates` for {}: {} {:?} in {} per {:?}",
            trust.class(),
            self.limit,
            self.count,
            format_duration(self.period),
            self.per
        ))
    }
}

impl Policy {
    /// The rates for what is counted now.
    pub fn rates(&self, trust: &Trust, count: Counted) -> impl Iterator<Item = &Rate> {
        let rates = &self.receiving(trust.trusted).rates;
        rates.iter().filter(move |rate| rate.count == count)
    }

    /// Those of them that this session falls under, each with who is counted.
    pub fn shares(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        count: Counted,
        sender: Option<&ReversePath>,
    ) -> Vec<(&Rate, String)> {
        self.rates(trust, count)
            .filter_map(|rate| Some((rate, rate.subject(facts, sender)?)))
            .collect()
    }

    /// Whether this session is greylisted, and by which words a visit is known again.
    pub fn greylisting(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        sender: &ReversePath,
        recipient: &EmailAddress,
    ) -> Option<(Greylisting, String)> {
        let terms = self.receiving(trust.trusted).greylisting?;
        // Large senders come back from a neighbouring address.
        let network = network(facts.peer, 24, 64);
        let visit = format!("{network} {sender} {recipient}").to_lowercase();
        Some((terms, visit))
    }
}

impl Greylisting {
    /// What is said to one who has to wait.
    pub fn refusal(&self, wait: Duration) -> Verdict {
        refusals::GREYLISTED.because(format!(
            "`greylisting`: not seen before; to be let in in {}",
            format_duration(wait)
        ))
    }
}

/// The first address of the network that an address lies in.
fn network(address: IpAddr, v4: u32, v6: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - v4).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - v6).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}
