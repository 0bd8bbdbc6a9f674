//! The receiving rules of one class of sessions.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::values::attachments::BlockedAttachments;
use crate::values::authentication_rules::AuthenticationRules;
use crate::values::dns::DnsRules;
use crate::values::pattern::Pattern;
use crate::values::rate::{Greylisting, Rate};

/// The receiving rules of one class of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceivingRules {
    /// Whether mail may be relayed to any domain. Never for untrusted sessions (I9).
    pub relay: bool,
    /// Maximum message size in octets.
    pub max_size: u64,
    /// Maximum number of recipients of a message.
    pub max_recipients: u32,
    /// Whether the null reverse-path is refused. Failure notices need it.
    pub refuse_blank_reverse_path: bool,
    /// Whether senders with an address literal as domain are refused.
    pub refuse_address_literal_senders: bool,
    /// Whether senders of our own domains are refused.
    pub refuse_spoofed_senders: bool,
    /// The rates.
    pub rates: Vec<Rate>,
    /// Greylisting, if it is on.
    pub greylisting: Option<Greylisting>,
    /// Whether logged-in clients must send under their own addresses.
    pub senders_must_belong_to_login: bool,
    /// Exceptions from that.
    pub send_as: Vec<SendAs>,
    /// Blocked attachments.
    pub attachments: Arc<BlockedAttachments>,
    /// Free octets of the mail volume below which no mail is accepted; none: not checked.
    pub min_free_space: Option<u64>,
    /// Maximum time to hold a message (FUTURERELEASE). None for untrusted sessions.
    pub max_hold: Option<Duration>,
    /// Minimum delivery time that a sender may request (DELIVERBY). Only for trusted sessions: others
    /// cannot request it.
    pub min_deliver_by: Duration,
    /// The maximum priority that a sender may request (MT-PRIORITY). 0 for untrusted sessions.
    pub max_priority: i8,
    /// Refused commands after which the connection is closed.
    pub max_refusals: u32,
    /// Whether deviations of devices from the grammar are accepted (EHLO with any name, addresses without a
    /// domain, lines that end with LF alone). Never for untrusted sessions.
    pub lenient: bool,
    /// Whether clients that speak too early are refused.
    pub refuse_early_talkers: bool,
    /// The greeting delay. None for trusted sessions.
    pub greeting_delay: Duration,
    /// The DNS rules for peer and sender.
    pub dns: DnsRules,
    /// The rules of sender authentication.
    pub authentication: AuthenticationRules,
}

/// Logins that may send under other addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SendAs {
    /// The logins.
    pub logins: Vec<Pattern>,
    /// The permitted senders.
    pub senders: Vec<Pattern>,
}
