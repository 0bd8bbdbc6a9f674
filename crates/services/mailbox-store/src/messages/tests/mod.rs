#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::sync::Arc;

use api::mailbox::v1::UidRange;
use futures::TryStreamExt;

use super::*;
use crate::mailboxes;
use crate::room::Room;
use crate::test_store::{TestStore, all, content, name, uids};
use crate::values::{UidSet, flag};
use crate::{Error, Result};

mod appends;
mod expunges;
mod flags;
mod model;
mod owners;
mod transfers;

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nworld\r\n";

async fn flags_of(kit: &TestStore, user_id: i64, mailbox: &str) -> Vec<(u32, u32, Vec<String>)> {
    let selected = kit.select(user_id, mailbox).await;
    selected
        .messages
        .into_iter()
        .map(|message| {
            let flags = message.flags.unwrap();
            (message.uid, flags.system, flags.keywords)
        })
        .collect()
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn counters_are_right(kit: &TestStore, user_id: i64, mailbox: &str) {
    let selected = kit.select(user_id, mailbox).await;
    let count = |bit: u32, set: bool| {
        let with = selected
            .messages
            .iter()
            .filter(|message| (message.flags.as_ref().unwrap().system & bit != 0) == set);
        u32::try_from(with.count()).unwrap()
    };
    let state = &selected.state;
    assert_eq!(
        state.messages as usize,
        selected.messages.len(),
        "{mailbox}"
    );
    assert_eq!(state.unseen, count(1, false), "{mailbox}");
    assert_eq!(state.deleted, count(8, true), "{mailbox}");
}
