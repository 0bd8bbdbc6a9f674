//! The server's side of SASL (RFC 4422) without input or output: PLAIN (RFC 4616), LOGIN, and
//! SCRAM (RFC 5802, RFC 7677) with channel binding (RFC 5929, RFC 9266).
//!
//! Responses go in as octets (a protocol takes its base64 off first), [`Step`]s come out. This
//! crate knows no keys and no passwords: whether a password or a proof holds is asked of the
//! driver, who asks where they are kept. So keys need not leave that place.
//!
//! ```text
//!  PLAIN, LOGIN   respond … → Step::Password        the driver says whether it holds
//!  SCRAM          respond   → Step::Parameters      [`Exchange::parameters`] is the next challenge
//!                 respond   → Step::Proof           [`Exchange::proved`] is the next challenge
//!                 respond   → Step::Done            logged in
//! ```

mod exchange;
mod mechanism;
mod passwords;
mod scram;

pub use exchange::{Exchange, Fault, Step};
pub use mechanism::{Hash, Mechanism};
pub use passwords::Credentials;
pub use scram::{Bindings, ScramLogin, ScramProof};
