//! Rates by address, network, login or sender, and greylisting.
//!
//! Each subject of a rate has a bucket: accepted events fill it, time empties it evenly. So `limit` events
//! may come at once and then `limit` in each period, and never more than twice as many in one period. The
//! caller keeps the buckets: this crate counts nothing.

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
    /// The counted subject, as a key that is equal for equal subjects of the same rate. `None` if the
    /// session has none: no login, or the null reverse-path.
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

    /// The verdict if the rate is used up.
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
    /// The rates that count this event.
    pub fn rates(&self, trust: &Trust, count: Counted) -> impl Iterator<Item = &Rate> {
        let rates = &self.receiving(trust.trusted).rates;
        rates.iter().filter(move |rate| rate.count == count)
    }

    /// The rates that apply to this session, each with its subject.
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

    /// Whether this session is greylisted, and the key that identifies its next attempt.
    pub fn greylisting(
        &self,
        facts: &SessionFacts,
        trust: &Trust,
        sender: &ReversePath,
        recipient: &EmailAddress,
    ) -> Option<(Greylisting, String)> {
        let terms = self.receiving(trust.trusted).greylisting?;
        // Large senders retry from neighbouring addresses.
        let network = network(facts.peer, 24, 64);
        let visit = format!("{network} {sender} {recipient}").to_lowercase();
        Some((terms, visit))
    }
}

impl Greylisting {
    /// The verdict for a client that has to wait.
    pub fn refusal(&self, wait: Duration) -> Verdict {
        refusals::GREYLISTED.because(format!(
            "`greylisting`: not seen before; to be let in in {}",
            format_duration(wait)
        ))
    }
}

/// The first address of the network that contains an address.
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
