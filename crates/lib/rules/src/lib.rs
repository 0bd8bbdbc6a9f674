//! The administrator's decisions, as values and functions.
//!
//! A [`Policy`] is compiled from one TOML document ([`Policy::parse`]); it is immutable, cheap to
//! share (`Arc<Policy>`) and answers from hash tables. Every answer is a pure function of facts: this crate
//! opens no socket, reads no clock and queries no directory.
//!
//! ```text
//!  connect                         interface_of(local, &interfaces, &settings) → SessionInterface
//!                                  Policy::asks_reverse_name(&facts)         → bool
//!                                  Admission::connect, Admission::talk       → Verdict
//!  connect, HELO, STARTTLS, AUTH   Policy::trust(&facts)                     → Trust
//!  the answer to EHLO              Policy::offer(&facts, &trust)             → Offer
//!  MAIL FROM                       Policy::trust_of_sender(&facts, &path)    → Trust
//!                                  Admission::mail                           → Verdict
//!  RCPT TO                         Admission::rcpt                           → Verdict
//!  end of the message              Admission::content                        → Verdict, Taken
//!  ETRN                            Policy::accept_queue_run(&trust, &domain) → Verdict
//!  delivery                        Policy::plan(&recipient)                  → Plan
//! ```
//!
//! If an answer depends on who has a mailbox here, it names the user and the alternative
//! ([`RecipientVerdict::AcceptIfUser`], [`Route::Mailbox`]): the caller looks the user up.
//!
//! - Addresses: [`Domain`], [`Host`], [`EmailAddress`], [`ReversePath`]: parsed once, canonical
//!   (domains are lower-case A-labels, local parts unquoted), never re-checked as strings.
//! - Every refusal is a [`Verdict`] with a name, the reply for the peer, and the reasons for the
//!   administrator.
//! - Invariant I9 (no open relay) lives in [`Policy::accept_recipient`]; `tests/no_open_relay.rs`
//!   defends it over arbitrary policies.
//! - [`explain`] plays one simulated session; a [`Script`] plays many, and compares the results.
//!
//! The modules form layers, each of which knows only those before it: `values` are the facts and the
//! results; `document` reads them from TOML; `decide` makes one decision each; [`admission`] is the order
//! of the decisions in a session; `explain` and `script` admit simulated sessions.
//!
//! `document/default.toml` lists the vocabulary of the document. Unknown or unsupported words are refused
//! with line and reason.

pub mod admission;
mod decide;
mod document;
mod explain;
mod script;
mod values;

pub use decide::interface::{classify, interface_of};
pub use decide::leniency::{InFull, LENIENT_MAY_TAKE_IT, ONLY_LENIENT_TAKES_IT, WrittenSender};
pub use decide::references::{NamedMailbox, NamedSecret};
pub use document::reference::settings_reference;
pub use explain::assumptions::{
    Assumptions, Attachment, Attachments, EarlyTalk, GreylistState, ListEntry, RateState,
};
pub use explain::content::MessageEnd;
pub use explain::facts::Fact;
pub use explain::play::{Play, Screen};
pub use explain::recipient::RecipientStory;
pub use explain::session::{Explanation, explain};
pub use explain::step::Step;
pub use script::{Checked, Expected, Found, Script, ScriptError};
pub use values::address::EmailAddress;
pub use values::attachments::{AttachmentAction, BlockedAttachments, Screened, Unwanted};
pub use values::authentication::{
    Action, AuthenticationFacts, AuthenticationResult, DmarcRequest, Finding,
};
pub use values::authentication_rules::{AuthenticationRules, DmarcRules, MethodRules};
pub use values::collect::{CollectAccount, CollectProtocol, LeaveOnServer};
pub use values::content::Taken;
pub use values::delivery::{DeliverySettings, Remote};
pub use values::dns::{DnsList, DnsRules, DomainStanding, Listing};
pub use values::domain::{Domain, Host};
pub use values::domain_rule::{Delivery, DomainRule, Handler, HandlerAction, Unmatched};
pub use values::duration::{format_duration, parse_duration};
pub use values::error::{AddressError, PolicyError, PolicyErrors};
pub use values::facts::{
    Early, ListenerClass, ListenerRole, ReverseName, SessionFacts, supposed_local,
};
pub use values::gateway::{Gateway, GatewayHost, GatewayTls, Login};
pub use values::interface::{Interface, InterfaceSetting, NetworkClass, SessionInterface};
pub use values::network::{Network, is_internal};
pub use values::path::{ForwardPath, ReversePath, local_part_alone, path_within};
pub use values::pattern::Pattern;
pub use values::plan::{Derivation, Plan};
pub use values::policy::Policy;
pub use values::quarantine::QuarantineSettings;
pub use values::rate::{Counted, Greylisting, Per, Rate};
pub use values::receiving::{ReceivingRules, SendAs};
pub use values::route::{NoUser, RecipientVerdict, Route};
pub use values::size::{format_size, parse_size};
pub use values::timing::{Offer, Timing};
pub use values::trust::{Trust, TrustAction};
pub use values::verdict::Verdict;
