//! The submission of a message to the queue.

use api::message::v1::Content;
use api::queue::v1::{Recipient, Submission};
use api::queue_client::EnqueueError;
use intake::{Intake, IntakeError};
use rules::EmailAddress;

use super::{Envelope, Source};
use crate::{Deadline, Error, System};

/// A message in the form that the queue expects.
pub(super) struct Taken {
    content: Content,
    eight_bit: bool,
    utf8_header: bool,
}

pub(super) async fn take(mut source: Source, system: &System) -> Result<Taken, Error> {
    let unread = |error: std::io::Error| {
        Error::Failed(format!("the message cannot be read to its end: {error}"))
    };
    let failed = |error: IntakeError| match error {
        IntakeError::Scan(error) => Error::Refused(error.to_string()),
        IntakeError::Blocked(blocked) => Error::Refused(blocked.to_string()),
        // As SMTP refuses it: 5.6.0 reports a content error (RFC 3463 §3.7).
        error @ IntakeError::Nul => Error::Refused(format!("{error} (5.6.0)")),
        IntakeError::Upload(status) => Error::call("the queue", &status),
    };
    let utf8_header = !source.header().is_ascii();
    let mut eight_bit = utf8_header;
    let mut intake = Intake::to_queue(system.queue_channel(Deadline::Work)?);
    intake.push(source.header()).await.map_err(failed)?;
    while let Some(piece) = source.next().map_err(unread)? {
        eight_bit = eight_bit || !piece.is_ascii();
        intake.push(&piece).await.map_err(failed)?;
    }
    Ok(Taken {
        content: intake.finish().await.map_err(failed)?,
        eight_bit,
        utf8_header,
    })
}

pub(super) fn submission(envelope: &Envelope, taken: Taken) -> Submission {
    let utf8_address = envelope
        .sender
        .address()
        .into_iter()
        .chain(&envelope.recipients)
        .any(EmailAddress::needs_smtputf8);
    let recipients = envelope.recipients.iter().map(|address| Recipient {
        address: address.to_string(),
        notify: envelope.notify,
        ..Recipient::default()
    });
    Submission {
        reverse_path: envelope.sender.to_string(),
        recipients: recipients.collect(),
        content: Some(taken.content),
        eight_bit: taken.eight_bit,
        smtputf8: utf8_address || taken.utf8_header,
        envelope_id: envelope.envelope_id.clone(),
        return_content: envelope.return_content.into(),
        hold_until_ms: envelope.hold_until_ms,
        options: envelope.options.clone(),
        ..Submission::default()
    }
}

pub(super) fn refused(error: EnqueueError) -> Error {
    match error {
        EnqueueError::Refused(_) => Error::Refused(error.to_string()),
        EnqueueError::Unavailable(_) => Error::Unavailable(format!(
            "{error}; is the system running? Start it by `postern up`, or say where it is by \
             --data or --config"
        )),
    }
}
