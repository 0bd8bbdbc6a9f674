//! Mailboxes by name: list, create, delete, rename, subscribe, status; and the lock required to change the
//! contents of one.

mod create;
mod delete;
mod list;
pub mod lock;
mod rename;
mod status;
mod subscribe;

#[cfg(test)]
mod tests;

pub use create::{create, insert_usual};
pub use delete::{delete, delete_all_of};
pub use list::list;
pub use rename::rename;
pub use status::status;
pub use subscribe::set_subscribed;
