//! Messages on their way in, from octets to what the queue and mailbox-store take: scanned, screened for
//! attachments, their text uploaded when it is large.
//!
//! It stands between the contracts (`api`), the format (`message`) and the policy (`rules`), none of which knows
//! the others.

mod authors;
mod content;
mod intake;
mod screening;
mod summary;

pub use authors::authors;
pub use content::content;
pub use intake::{Intake, IntakeError, Screened, Seen};
pub use screening::{screened, unwanted};
pub use summary::summary;
