//! The background work of mailbox-store.

use api::mailbox::v1::{GetUpkeepRequest, GetUpkeepResponse};
use serde::Serialize;

use crate::{Deadline, Error, System};

/// Message summaries of an older version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Upkeep {
    /// Still to renew.
    pub outdated_summaries: u64,
    /// Renewed since mailbox-store started.
    pub renewed_summaries: u64,
    /// Kept since mailbox-store started because their messages cannot be read.
    pub unreadable_messages: u64,
}

pub(super) async fn ask(system: &System) -> Result<Upkeep, Error> {
    let answer = system
        .upkeep(Deadline::Question)?
        .get_upkeep(GetUpkeepRequest {})
        .await;
    answer
        .map(|answer| Upkeep::from(answer.into_inner()))
        .map_err(|status| Error::call("mailbox-store", &status))
}

impl From<GetUpkeepResponse> for Upkeep {
    fn from(answer: GetUpkeepResponse) -> Self {
        Self {
            outdated_summaries: answer.outdated_summaries,
            renewed_summaries: answer.renewed_summaries,
            unreadable_messages: answer.unreadable_bodies,
        }
    }
}
