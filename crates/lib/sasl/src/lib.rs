//! The server's side of SASL (RFC 4422) without I/O: PLAIN (RFC 4616), LOGIN,
//! SCRAM (RFC 5802, RFC 7677) with channel binding (RFC 5929, RFC 9266), EXTERNAL (RFC 4422
//! appendix A) and OAUTHBEARER (RFC 7628) with XOAUTH2.
//!
//! Responses go in as octets (a protocol decodes base64 with [`Response::read`]), [`Step`]s come out. This
//! crate knows no keys and no passwords: whether a password, a proof or a token is valid is a question to
//! the driver. Front ends know only the octets of an exchange, and the [`Mechanisms`] of a connection.
//!
//! ```text
//!  PLAIN, LOGIN   respond … → Step::Password        the driver decides
//!  SCRAM          respond   → Step::Parameters      [`Exchange::parameters`] is the next challenge
//!                 respond   → Step::Proof           [`Exchange::proved`] is the next challenge
//!                 respond   → Step::Done            logged in
//!  EXTERNAL       respond   → Step::External        the driver decides
//!  OAUTHBEARER    respond   → Step::Token           the driver decides; for a refusal
//!                                                   [`Exchange::token_refused`] is a last challenge
//! ```

mod bearer;
mod exchange;
mod fault;
mod login_fault;
mod mechanism;
mod passwords;
mod response;
mod scram;

pub use bearer::{BearerToken, TokenFault, TokenRefusal};
pub use exchange::{Exchange, Step};
pub use fault::Fault;
pub use login_fault::{LoginFault, shown_mechanism};
pub use mechanism::{ConnectionState, Dialect, Hash, Mechanism, Mechanisms};
pub use passwords::Credentials;
pub use response::{Initiation, LINE_LIMIT, LineFault, Response, encode};
pub use scram::{Bindings, ScramLogin, ScramProof};
