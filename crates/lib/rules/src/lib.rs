//! What the administrator decided, as values and functions.
//!
//! A [`Policy`] is compiled from one TOML document ([`Policy::parse`]); it is immutable, cheap to
//! share (`Arc<Policy>`) and answers from hash tables. Every answer is a pure function of facts:
//! this crate opens no socket, reads no clock, asks no directory.
//!
//! ```text
//!  connect                         interface_of(local, &interfaces, &settings) → SessionInterface
//!                                  Policy::asks_reverse_name(&facts)         → bool
//!  connect, HELO, STARTTLS, AUTH   Policy::trust(&facts)                      → Trust
//!  the answer to EHLO              Policy::offer(&facts, &trust)              → Offer
//!  MAIL FROM                       Policy::trust_of_sender(&facts, &path)     → Trust
//!                                  Policy::accept_timing(&facts, &trust, &timing) → Verdict
//!                                  Policy::accept_sender(&facts, &trust, &path, size) → Verdict
//!                                  Policy::accept_sender_domain, accept_listings  → Verdict
//!  RCPT TO                         Policy::accept_forward_path(&facts, &trust, &path, text)
//!                                                            → EmailAddress, RecipientVerdict
//!  end of the message              Policy::accept_authentication(&trust, &facts)  → AuthenticationVerdict
//!  delivery                        Policy::route(&recipient)                  → Route
//! ```
//!
//!  the greeting                    Policy::accept_early_talker(&trust, when)  → Verdict
//!  MAIL FROM                       Policy::accept_free_space(&trust, free)    → Verdict
//!  ETRN                            Policy::accept_queue_run(&trust, &domain)  → Verdict
//!  the message                     BlockedAttachments::{by_name, by_type}, blocked_attachment(…)
//!
//! Where an answer depends on who has a mailbox here, it names the user and says what holds
//! otherwise ([`RecipientVerdict::AcceptIfUser`], [`Route::Mailbox`]): the caller looks the user up.
//!
//! - Addresses: [`Domain`], [`Host`], [`EmailAddress`], [`ReversePath`]: parsed once, canonical
//!   (domains are lower-case A-labels, local parts unquoted), never re-checked as strings.
//! - Every refusal is a [`Verdict`] with a name, the reply for the peer, and the reasons for us.
//! - Invariant I9 (no open relay) lives in [`Policy::accept_recipient`]; `tests/no_open_relay.rs`
//!   defends it over arbitrary policies.
//! - [`explain`] plays a session that has not happened; a [`Script`] plays many, and compares.
//!
//! The document's vocabulary is announced in `default.toml` and refused, with line and reason,
//! where it says something that is not known or not supported yet.

mod address;
mod attachments;
mod authentication;
mod circumstances;
mod dns;
mod document;
mod domain;
mod duration;
mod error;
mod explain;
mod facts;
mod interface;
mod leniency;
mod network;
mod ownership;
mod path;
mod pattern;
mod plan;
mod policy;
mod rate;
mod receiving;
mod references;
mod routing;
mod script;
mod size;
mod timing;
mod trust;
mod verdict;

pub use address::EmailAddress;
pub use attachments::{
    AttachmentAction, BlockedAttachments, blocked_attachment, unclear_attachments,
};
pub use authentication::{
    Action, AuthenticationFacts, AuthenticationResult, AuthenticationVerdict, DmarcRequest, Finding,
};
pub use circumstances::{
    Attachment, Attachments, Circumstances, Listed, Screened, Share, Talk, Unwanted, Visitor,
};
pub use dns::{DomainStanding, Listing};
pub use document::{
    AuthenticationRules, CollectAccount, CollectProtocol, DeliverySettings, DmarcRules, DnsList,
    DnsRules, Gateway, GatewayHost, GatewayTls, LeaveOnServer, Login, MethodRules,
    QuarantineSettings, ReceivingRules, Remote, SendAs,
};
pub use domain::{Domain, Host};
pub use duration::{format_duration, parse_duration};
pub use error::{AddressError, PolicyError, PolicyErrors};
pub use explain::{Explanation, Fact, MessageEnd, Play, RecipientStory, Screen, Step, explain};
pub use facts::{ListenerClass, ListenerRole, ReverseName, SessionFacts, supposed_local};
pub use interface::{
    Interface, InterfaceSetting, NetworkClass, SessionInterface, classify, interface_of,
};
pub use leniency::{InFull, LENIENT_MAY_TAKE_IT, ONLY_LENIENT_TAKES_IT, WrittenSender};
pub use network::{Network, is_internal};
pub use path::{ForwardPath, ReversePath, local_part_alone};
pub use pattern::Pattern;
pub use plan::{Derivation, Plan};
pub use policy::{Delivery, DomainRule, Handler, HandlerAction, Policy, Unmatched};
pub use rate::{Counted, Greylisting, Per, Rate};
pub use receiving::Early;
pub use references::{NamedMailbox, NamedSecret};
pub use routing::{NoUser, Route};
pub use script::{Checked, Expected, Found, Script, ScriptError};
pub use size::{format_size, parse_size};
pub use timing::{Offer, Timing};
pub use trust::{Trust, TrustAction};
pub use verdict::{RecipientVerdict, Verdict};
