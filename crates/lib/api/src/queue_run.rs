//! Having mail tried that waits for its next attempt: a page at a time, so that no call is long.

use channel::Channel;
use tonic::Status;

use crate::queue::v1::RetryNowRequest;
use crate::queue::v1::queue_client::QueueClient;

/// What is to be tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Everything that waits.
    All,
    /// What waits of one message.
    Message(i64),
    /// What waits for a domain (A-labels, lower case).
    Domain {
        /// Its name.
        name: String,
        /// And what waits for those below it.
        subdomains: bool,
    },
}

/// What is being tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// Recipients.
    pub recipients: u64,
    /// Messages that they are recipients of. One that lies on two pages counts twice.
    pub messages: u64,
    /// There are more, behind as many pages as were asked for.
    pub more: bool,
}

/// Has it tried, at most so many pages of it.
///
/// # Errors
/// What the queue says; what came before is being tried all the same.
pub async fn retry_now(
    client: &mut QueueClient<Channel>,
    wanted: Wanted,
    most_pages: usize,
) -> Result<Started, Status> {
    let mut request = match wanted {
        Wanted::All => RetryNowRequest::default(),
        Wanted::Message(message_id) => RetryNowRequest {
            message_id,
            ..RetryNowRequest::default()
        },
        Wanted::Domain { name, subdomains } => RetryNowRequest {
            domain: name,
            subdomains,
            ..RetryNowRequest::default()
        },
    };
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
