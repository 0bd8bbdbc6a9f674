//! The rules that a session of one class is held to.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::values::attachments::BlockedAttachments;
use crate::values::authentication_rules::AuthenticationRules;
use crate::values::dns::DnsRules;
use crate::values::pattern::Pattern;
use crate::values::rate::{Greylisting, Rate};

/// The rules that a session of one class is held to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceivingRules {
    /// Whether mail may be sent on to anywhere. Never for untrusted sessions (I9).
    pub relay: bool,
    /// Largest message taken, in octets.
    pub max_size: u64,
    /// Most recipients of a message.
    pub max_recipients: u32,
    /// Whether the null reverse-path is refused. Failure notices need it.
    pub refuse_blank_reverse_path: bool,
    /// Whether senders with an address literal for a domain are refused.
    pub refuse_address_literal_senders: bool,
    /// Whether senders of our own domains are refused.
    pub refuse_spoofed_senders: bool,
    /// How much may come, of whom.
    pub rates: Vec<Rate>,
    /// Whether, and how, who was never here before is told to come again.
    pub greylisting: Option<Greylisting>,
    /// Whether who has logged in sends in their own name alone.
    pub senders_must_belong_to_login: bool,
    /// Exceptions from that.
    pub send_as: Vec<SendAs>,
    /// Attachments that are not taken.
    pub attachments: Arc<BlockedAttachments>,
    /// Free octets of the volume that mail is stored on, below which none is taken; none: it is not
    /// looked at.
    pub min_free_space: Option<u64>,
    /// How long a sender may have a message held (FUTURERELEASE). Never for untrusted sessions.
    pub max_hold: Option<Duration>,
    /// How soon a sender may want a message delivered or returned (DELIVERBY). Of trusted sessions
    /// alone: others cannot ask.
    pub min_deliver_by: Duration,
    /// The highest priority that a sender may give a message (MT-PRIORITY). 0 for untrusted sessions.
    pub max_priority: i8,
    /// Refused commands after which the connection is closed.
    pub max_refusals: u32,
    /// Whether what devices say against the grammar is taken (EHLO with any name, addresses without a
    /// domain, lines that end in LF alone). Never of untrusted sessions.
    pub lenient: bool,
    /// Whether clients are refused that speak before they are answered.
    pub refuse_early_talkers: bool,
    /// How long the greeting is held back. None for trusted sessions.
    pub greeting_delay: Duration,
    /// What the DNS is asked about peer and sender.
    pub dns: DnsRules,
    /// What is checked of who vouches for the sender.
    pub authentication: AuthenticationRules,
}

/// Logins that may send in other names than their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SendAs {
    /// Which logins.
    pub logins: Vec<Pattern>,
    /// In which names.
    pub senders: Vec<Pattern>,
}
