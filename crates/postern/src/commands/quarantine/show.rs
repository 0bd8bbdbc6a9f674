//! `postern quarantine show`: one message, before somebody decides about it.

use std::time::Duration;

use api::queue::v1::{QueuedMessage, ReadMessageRequest};
use tokio::time::timeout;

use super::{Serialize, harmless};
use crate::commands::message_name::MessageName;
use crate::commands::queue;
use crate::commands::queue::json::Message;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, Times};
use crate::system::{Asked, System};

/// How long the queue may take for the next piece of a message.
const NEXT_PIECE: Duration = Duration::from_secs(10);

/// Octets of a message that are shown at most.
const MOST_SHOWN: usize = 1 << 20;

/// `postern quarantine show`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The number that `quarantine list` gives, or the id with which it was accepted
    message: MessageName,
    /// Its text too, as it came: it may be what somebody must not open
    #[arg(long)]
    text: bool,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    message: Message<'a>,
    /// The header section; with `--text` the whole message.
    content: &'a str,
}

pub(super) async fn run(
    arguments: &Arguments,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let id = arguments.message.number(system).await?;
    let found = queue::show(system, id).await?.message;
    let Some(message) = found.filter(|message| message.quarantine.is_some()) else {
        return Err(Failure::refused(format!(
            "message {id} is not in quarantine; postern queue show {id} tells where it is, and \
             postern quarantine list shows what is there"
        )));
    };
    let (content, more) = read(system, id, !arguments.text).await?;
    let content = String::from_utf8_lossy(&content);
    let shown = Shown {
        message: Message::from(&message),
        content: &content,
    };
    screen.show(&shown, || text(&message, &content, &screen.times));
    if more {
        screen.remark("There is more of it: only the first MiB is shown.");
    }
    Ok(Outcome::Done)
}

/// The message's octets from its beginning, and whether there are more.
async fn read(system: &System, id: i64, header_only: bool) -> Result<(Vec<u8>, bool), Failure> {
    let failed = |status| Failure::call("the queue", &status);
    let request = ReadMessageRequest {
        message_id: id,
        header_only,
    };
    let mut client = system.queue(Asked::Question)?;
    let answer = client.read_message(request).await.map_err(failed)?;
    let mut chunks = answer.into_inner();
    let mut content = Vec::new();
    loop {
        let next = timeout(NEXT_PIECE, chunks.message()).await;
        let next = next.map_err(|_| Failure::silent("the queue"))?;
        let Some(chunk) = next.map_err(failed)? else {
            return Ok((content, false));
        };
        content.extend_from_slice(&chunk.data);
        if content.len() > MOST_SHOWN {
            content.truncate(MOST_SHOWN);
            return Ok((content, true));
        }
    }
}

fn text(message: &QueuedMessage, content: &str, times: &Times) -> String {
    let envelope = harmless(&queue::waiting(message, times));
    format!("{envelope}\n{}", harmless(content))
}
