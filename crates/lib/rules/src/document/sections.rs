//! All sections of a document.

use crate::document::collect::CollectSection;
use crate::document::delivery::DeliverySection;
use crate::document::domains::DomainSection;
use crate::document::gateway::GatewaySection;
use crate::document::read::{Keys, Reader};
use crate::document::receiving::Receiving;
use crate::document::trust::TrustSection;
use crate::values::quarantine::QuarantineSettings;

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
    /// Reads a document; errors are reported to `reader`, and wrong values are left out.
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
