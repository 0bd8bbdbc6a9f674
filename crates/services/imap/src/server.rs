//! The state shared by all sessions.

use std::time::Duration;

use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::{Channel, Request, Status, Streaming};
use api::login::LoginMechanisms;
use api::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use api::refusals::Refusals;
use service_kit::Service;
use tokio::time::timeout;

use crate::config::Config;
use crate::users::Users;
use crate::watch::Watch;

/// The largest answer of mailbox-store: the changes to a mailbox of a million messages.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Timeout of a call until its answer begins, and of each further piece.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Sent to a client that may have gone while the store works for it.
pub(crate) const STILL_THERE: &[u8] = b"* OK Still working.\r\n";

/// A request with a timeout: a store that hangs counts as unreachable.
pub(crate) fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// The next piece of a streamed answer; `None` at its end. The wait has a timeout.
pub(crate) async fn next<T>(answer: &mut Streaming<T>) -> Result<Option<T>, Status> {
    match timeout(CALL_TIMEOUT, answer.message()).await {
        Ok(piece) => piece,
        Err(_) => Err(Status::deadline_exceeded(
            "mailbox-store did not answer in time",
        )),
    }
}

/// The state shared by all sessions.
pub(crate) struct Server {
    channel: Channel,
    pub(crate) refusals: Refusals,
    pub(crate) watch: Watch,
    pub(crate) users: Users,
    pub(crate) mechanisms: LoginMechanisms,
    pub(crate) login_timeout: Duration,
    pub(crate) autologout: Duration,
    pub(crate) data_timeout: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) max_message_size: u64,
    pub(crate) max_bad_commands: u32,
    pub(crate) max_failed_logins: u32,
}

impl Server {
    pub(crate) fn new(config: &Config, service: &Service) -> anyhow::Result<Self> {
        let channel = service.mailbox_store_channel()?;
        Ok(Self {
            watch: Watch::start(channel.clone(), service.shutdown.clone()),
            mechanisms: LoginMechanisms::start(channel.clone(), service.shutdown.clone()),
            channel,
            users: Users::new(config.max_connections_per_user),
            refusals: Refusals::start(
                service.queue_channel_if_known()?,
                config.refusals_kept_a_minute,
            ),
            login_timeout: Duration::from_secs(config.login_timeout_seconds),
            autologout: Duration::from_secs(config.autologout_seconds),
            data_timeout: Duration::from_secs(config.data_timeout_seconds),
            keep_alive: Duration::from_secs(config.keep_alive_seconds),
            max_message_size: config.max_message_size,
            max_bad_commands: config.max_bad_commands,
            max_failed_logins: config.max_failed_logins,
        })
    }

    /// The mailboxes.
    pub(crate) fn store(&self) -> MailboxStoreClient<Channel> {
        MailboxStoreClient::new(self.channel.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    /// The directory.
    pub(crate) fn directory(&self) -> DirectoryClient<Channel> {
        DirectoryClient::new(self.channel.clone())
    }

    /// The channel, for uploads.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }
}
