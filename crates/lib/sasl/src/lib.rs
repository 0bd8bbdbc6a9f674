//! The server's side of SASL (RFC 4422) without input or output: PLAIN (RFC 4616), LOGIN,
//! SCRAM (RFC 5802, RFC 7677) with channel binding (RFC 5929, RFC 9266), EXTERNAL (RFC 4422
//! appendix A) and OAUTHBEARER (RFC 7628) with XOAUTH2.
//!
//! Responses go in as octets (a protocol takes its base64 off by [`Response::read`]), [`Step`]s come
//! out. This crate knows no keys and no passwords: whether a password, a proof or a token holds is
//! asked of the driver, who keeps them. Front ends know of an exchange only its octets, and which
//! [`Mechanisms`] a connection has.
//!
//! ```text
//!  PLAIN, LOGIN   respond … → Step::Password        the driver says whether it holds
//!  SCRAM          respond   → Step::Parameters      [`Exchange::parameters`] is the next challenge
//!                 respond   → Step::Proof           [`Exchange::proved`] is the next challenge
//!                 respond   → Step::Done            logged in
//!  EXTERNAL       respond   → Step::External        the driver says whether it holds
//!  OAUTHBEARER    respond   → Step::Token           the driver says whether it holds; if not,
//!                                                   [`Exchange::token_refused`] is a last challenge
//! ```

mod bearer;
mod exchange;
mod fault;
mod mechanism;
mod passwords;
mod response;
mod scram;

pub use bearer::{BearerToken, TokenFault, TokenRefusal};
pub use exchange::{Exchange, Step};
pub use fault::Fault;
pub use mechanism::{ConnectionState, Dialect, Hash, Mechanism, Mechanisms};
pub use passwords::Credentials;
pub use response::{Initiation, LINE_LIMIT, LineFault, Response, encode};
pub use scram::{Bindings, ScramLogin, ScramProof};
