//! The server's side of SASL (RFC 4422) without input or output: PLAIN (RFC 4616), LOGIN,
//! SCRAM (RFC 5802, RFC 7677) with channel binding (RFC 5929, RFC 9266), EXTERNAL (RFC 4422
//! appendix A) and OAUTHBEARER (RFC 7628) with XOAUTH2.
//!
//! Responses go in as octets (a protocol takes its base64 off first), [`Step`]s come out. This
//! crate knows no keys and no passwords: whether a password, a proof or a token holds is asked of
//! the driver, who asks where they are kept. So keys need not leave that place.
//!
//! ```text
//!  PLAIN, LOGIN   respond … → Step::Password        the driver says whether it holds
//!  SCRAM          respond   → Step::Parameters      [`Exchange::parameters`] is the next challenge
//!                 respond   → Step::Proof           [`Exchange::proved`] is the next challenge
//!                 respond   → Step::Done            logged in
//!  EXTERNAL       respond   → Step::External        the driver says whether it holds
//!  OAUTHBEARER    respond   → Step::Token           the driver says whether it holds; if not,
//!                                                   [`Exchange::token_refused`] is the challenge
//!                 respond   → Fault::Refused        the client has read it
//! ```

mod bearer;
mod exchange;
mod mechanism;
mod passwords;
mod scram;

pub use bearer::{BearerToken, TokenFault, TokenRefusal};
pub use exchange::{Exchange, Fault, Step};
pub use mechanism::{Dialect, Hash, Mechanism, Offer};
pub use passwords::Credentials;
pub use scram::{Bindings, ScramLogin, ScramProof};
