//! Retries waiting mail now: one page at a time, so that each call is short.

use channel::Channel;
use tonic::Status;

use crate::actor::v1::Actor;
use crate::queue::v1::RetryNowRequest;
use crate::queue::v1::queue_client::QueueClient;

/// The recipients to retry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RetryTarget {
    /// All waiting recipients.
    All,
    /// The waiting recipients of one message.
    Message(i64),
    /// The waiting recipients of a domain (A-labels, lower case).
    Domain {
        /// Its name.
        name: String,
        /// Includes its subdomains.
        subdomains: bool,
    },
}

/// The result of a retry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// Recipients.
    pub recipients: u64,
    /// Their messages. A message on two pages counts twice.
    pub messages: u64,
    /// There are more than the given number of pages.
    pub more: bool,
}

/// Retries at most this number of pages.
///
/// # Errors
/// The queue's error; earlier pages are retried nevertheless.
pub async fn retry_now(
    client: &mut QueueClient<Channel>,
    actor: Option<Actor>,
    wanted: RetryTarget,
    most_pages: usize,
) -> Result<Started, Status> {
    let mut request = match wanted {
        RetryTarget::All => RetryNowRequest::default(),
        RetryTarget::Message(message_id) => RetryNowRequest {
            message_id,
            ..RetryNowRequest::default()
        },
        RetryTarget::Domain { name, subdomains } => RetryNowRequest {
            domain: name,
            subdomains,
            ..RetryNowRequest::default()
        },
    };
    request.actor = actor;
    let mut started = Started::default();
    for _ in 0..most_pages {
        let page = client.retry_now(request.clone()).await?.into_inner();
        started.recipients += u64::from(page.recipients);
        started.messages += u64::from(page.messages);
        started.more = page.next != 0;
        if !started.more {
            break;
        }
        request.after = page.next;
    }
    Ok(started)
}
