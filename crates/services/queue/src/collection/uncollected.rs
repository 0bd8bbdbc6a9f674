//! Uncollected messages: conversion between the contract and the table.

use std::collections::HashMap;

use api::collection::v1::{AccountState, UncollectedMessage};

use super::{check_name, signed, unsigned};
use crate::error::{Error, Result};
use crate::quoted::quoted;
use crate::sql::accounts::Account;
use crate::sql::uncollected::Uncollected;

/// Maximum number of messages of one account.
const MAX_MESSAGES: usize = 1000;
/// Octets kept of a subject and of a reason.
const MAX_TEXT: usize = 1000;

/// Checks a collector's report; INVALID_ARGUMENT names the error.
pub(super) fn check(account: &str, messages: Vec<UncollectedMessage>) -> Result<Vec<Uncollected>> {
    if messages.len() > MAX_MESSAGES {
        return Err(Error::invalid(format!(
            "at most {MAX_MESSAGES} uncollected messages are taken of an account"
        )));
    }
    let checked = messages.into_iter().map(|message| {
        check_name("remote_id", &message.remote_id)?;
        Ok(Uncollected {
            account: account.to_owned(),
            remote_id: message.remote_id,
            size: signed(message.size),
            // Both quote text of strangers. Bad text is no reason to refuse the report.
            subject: quoted(message.subject, MAX_TEXT),
            reason: quoted(message.reason, MAX_TEXT),
            tries: i32::try_from(message.tries).unwrap_or(i32::MAX),
            first_at: message.first_at_ms,
            last_at: message.last_at_ms,
            retry_at: message.retry_at_ms,
            set_aside: message.set_aside,
        })
    });
    checked.collect()
}

pub(super) fn to_api(message: Uncollected) -> UncollectedMessage {
    UncollectedMessage {
        remote_id: message.remote_id,
        size: unsigned(message.size),
        subject: message.subject,
        reason: message.reason,
        tries: u32::try_from(message.tries).unwrap_or(0),
        first_at_ms: message.first_at,
        last_at_ms: message.last_at,
        retry_at_ms: message.retry_at,
        set_aside: message.set_aside,
    }
}

/// The accounts, each with its uncollected messages.
pub(super) fn states(accounts: Vec<Account>, messages: Vec<Uncollected>) -> Vec<AccountState> {
    let mut of: HashMap<String, Vec<UncollectedMessage>> = HashMap::new();
    for message in messages {
        let account = message.account.clone();
        of.entry(account).or_default().push(to_api(message));
    }
    let states = accounts.into_iter().map(|account| AccountState {
        last_poll_ms: account.last_poll,
        last_error: account.last_error,
        last_collected: u32::try_from(account.last_collected).unwrap_or(u32::MAX),
        total_collected: unsigned(account.total_collected),
        failures: u32::try_from(account.failures).unwrap_or(0),
        last_success_ms: account.last_success,
        left: unsigned(account.left_on_server),
        uncollected: of.remove(&account.account).unwrap_or_default(),
        account: account.account,
    });
    states.collect()
}
