//! The policy document as read from TOML: each value checked by itself, with the line it stands on.
//! What one value says about another is checked in `policy`.

mod authentication;
mod collect;
mod delivery;
mod dns_rules;
mod domains;
mod gateway;
mod quarantine;
mod rates;
mod read;
mod receiving;
mod trust;

pub use authentication::{AuthenticationRules, DmarcRules, MethodRules};
pub use collect::{CollectAccount, CollectProtocol, LeaveOnServer};
pub use delivery::{DeliverySettings, Remote};
pub use dns_rules::{DnsList, DnsRules};
pub use gateway::{Gateway, GatewayHost, GatewayTls, Login};
pub use quarantine::QuarantineSettings;
pub use receiving::{ReceivingRules, SendAs};

pub(crate) use delivery::DeliverySection;
pub(crate) use domains::{
    Deliver, DomainSection, From, HandlerDeliver, HandlerSection, MailboxName, UnmatchedWord,
};
pub(crate) use read::{Located, Reader};
pub(crate) use trust::TrustSection;

use collect::CollectSection;
use gateway::GatewaySection;
use read::Keys;
use receiving::Receiving;

/// A whole document.
pub(crate) struct Document {
    pub(crate) delivery: DeliverySection,
    pub(crate) trust: Vec<TrustSection>,
    pub(crate) receiving: Receiving,
    pub(crate) quarantine: QuarantineSettings,
    pub(crate) gateways: Vec<GatewaySection>,
    pub(crate) domains: Vec<DomainSection>,
    pub(crate) collect: Vec<CollectSection>,
}

const TOP: Keys = Keys {
    known: &[
        "delivery",
        "trust",
        "receiving",
        "quarantine",
        "gateway",
        "domain",
        "collect",
    ],
    planned: &[],
};

impl Document {
    /// Reads a document; what is wrong is told to `reader` and left out.
    pub(crate) fn read(reader: &Reader<'_>) -> Option<Self> {
        let table = reader.parse()?;
        let top = reader.section(&table, "the policy", &TOP);
        Some(Self {
            delivery: DeliverySection::read(&top),
            trust: TrustSection::read_all(&top),
            receiving: Receiving::read(&top),
            quarantine: QuarantineSettings::read(&top),
            gateways: GatewaySection::read_all(&top),
            domains: DomainSection::read_all(&top),
            collect: CollectSection::read_all(&top),
        })
    }
}
