//! Channels to the services, and time limits for answers.

use std::time::Duration;

use api::collection::v1::collection_client::CollectionClient;
use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::Channel;
use api::mailbox::v1::upkeep_client::UpkeepClient;
use api::policy::v1::policy_client::PolicyClient;
use api::queue::v1::GetFreeSpaceRequest;
use api::queue::v1::quarantine_client::QuarantineClient;
use api::queue::v1::queue_client::QueueClient;
use api::queue::v1::refusals_client::RefusalsClient;
use api::queue::v1::storage_client::StorageClient;
use service_kit::{CallTimeouts, Endpoint, open_channel_within, survey};

use super::System;
use crate::Error;

/// The largest answers are lists of a thousand messages with their recipients.
const ANSWER_LIMIT: usize = 64 << 20;

/// Time limit for a simple query.
const QUESTION: Duration = Duration::from_secs(10);

/// Time limit for a search.
const SEARCH: Duration = Duration::from_secs(60);

/// Time limit without a sign of life, for any call.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// The time limit of a call, by its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    /// A query by key.
    Question,
    /// A search, possibly among millions of rows.
    Search,
    /// An operation without a time limit.
    Work,
}

impl System {
    pub(crate) fn queue_channel(&self, deadline: Deadline) -> Result<Channel, Error> {
        self.channel(&self.queue, deadline)
    }

    pub(crate) fn queue(&self, deadline: Deadline) -> Result<QueueClient<Channel>, Error> {
        let channel = self.queue_channel(deadline)?;
        Ok(QueueClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    pub(crate) fn quarantine(&self) -> Result<QuarantineClient<Channel>, Error> {
        let channel = self.queue_channel(Deadline::Search)?;
        Ok(QuarantineClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    /// Free octets of the mail volume, if the queue knows them.
    pub(crate) async fn free_space(&self) -> Result<Option<u64>, Error> {
        let answer = StorageClient::new(self.queue_channel(Deadline::Question)?)
            .get_free_space(GetFreeSpaceRequest {})
            .await;
        let answer = answer.map_err(|status| Error::call("the queue", &status))?;
        Ok(answer.into_inner().free_octets)
    }

    pub(crate) fn refusals(&self) -> Result<RefusalsClient<Channel>, Error> {
        let channel = self.queue_channel(Deadline::Search)?;
        Ok(RefusalsClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    pub(crate) fn policy(&self, deadline: Deadline) -> Result<PolicyClient<Channel>, Error> {
        let client = PolicyClient::new(self.queue_channel(deadline)?);
        Ok(client
            .max_decoding_message_size(ANSWER_LIMIT)
            .max_encoding_message_size(ANSWER_LIMIT))
    }

    pub(crate) fn collection(&self) -> Result<CollectionClient<Channel>, Error> {
        let channel = self.queue_channel(Deadline::Question)?;
        Ok(CollectionClient::new(channel))
    }

    pub(crate) fn directory(&self, deadline: Deadline) -> Result<DirectoryClient<Channel>, Error> {
        let channel = self.channel(&self.mailbox_store, deadline)?;
        Ok(DirectoryClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    pub(crate) fn upkeep(&self, deadline: Deadline) -> Result<UpkeepClient<Channel>, Error> {
        let channel = self.channel(&self.mailbox_store, deadline)?;
        Ok(UpkeepClient::new(channel))
    }

    /// All replicas of the queue, as far as its name resolves to them.
    pub(crate) async fn queues(&self) -> Result<Vec<QueueClient<Channel>>, Error> {
        let endpoints = parsed(&self.queue)?;
        let timeouts = self.timeouts(Deadline::Question);
        let tls = self.internal_tls.as_ref();
        let channels = survey::open_channels_within(&endpoints, tls, timeouts).await;
        let channels = channels.map_err(|error| Error::Configuration(error.to_string()))?;
        Ok(channels.into_iter().map(QueueClient::new).collect())
    }

    fn channel(&self, endpoint: &str, deadline: Deadline) -> Result<Channel, Error> {
        self.require_folder()?;
        let endpoints = parsed(endpoint)?;
        open_channel_within(
            &endpoints,
            self.internal_tls.as_ref(),
            self.timeouts(deadline),
        )
        .map_err(|error| Error::Configuration(format!("{error}")))
    }

    fn timeouts(&self, deadline: Deadline) -> CallTimeouts {
        CallTimeouts {
            answer: match deadline {
                Deadline::Question => Some(QUESTION),
                Deadline::Search => Some(SEARCH),
                Deadline::Work => None,
            },
            silence: self.silence,
        }
    }
}

fn parsed(endpoints: &str) -> Result<Vec<Endpoint>, Error> {
    Endpoint::several(endpoints).map_err(|error| Error::Configuration(format!("{error}")))
}
