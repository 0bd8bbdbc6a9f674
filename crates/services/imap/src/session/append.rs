//! APPEND.

use api::mailbox::v1::{AppendRequest, GetStatusRequest};
use api::text_upload::INLINE_LIMIT;
use imap_protocol::Event;
use imap_protocol::command::AppendHead;
use imap_protocol::response::{Code, put_continuation};
use intake::{Intake, IntakeError};

use super::Session;
use super::store::wire_flags;
use super::sync::Sync;
use crate::answer::{Answer, Stop, refusal, try_create};
use crate::server::timed;

impl Session {
    pub(super) async fn append(&mut self, head: AppendHead) -> Result<(), Stop> {
        self.bad_commands = 0;
        metrics::counter!("postern_imap_commands_total").increment(1);
        let answer = match self.append_message(&head).await {
            Ok(answer) | Err(Stop::Answer(answer)) => answer,
            Err(Stop::Said) => return Ok(()),
            Err(Stop::Lost) => return Err(Stop::Lost),
        };
        self.sync(Sync::ALL).await;
        self.tagged(&head.tag, &answer);
        self.flush_if_large().await
    }

    async fn append_message(&mut self, head: &AppendHead) -> Result<Answer, Stop> {
        if let Err(stop) = self.may_append(head).await {
            self.reader.refuse();
            return Err(stop);
        }
        self.reader.accept();
        if head.synchronizing {
            put_continuation(self.io.output(), "Go on.");
        }
        let mut intake = Ok(Intake::to_mailbox_store(self.server.channel()));
        if !self.receive(&mut intake).await? {
            return Err(Stop::Said);
        }
        let content = intake?.finish().await.map_err(of_intake)?;
        let request = AppendRequest {
            actor: Some(self.actor()?),
            mailbox: head.mailbox.to_string(),
            content: Some(content),
            flags: Some(wire_flags(&head.flags)),
            internal_date_ms: head.internal_date.map_or(0, |date| date.0),
        };
        let mut store = self.server.store();
        let appended = store
            .append(timed(request))
            .await
            .map_err(try_create)?
            .into_inner();
        if let Some(open) = self.open.as_deref_mut() {
            open.note_filled(appended.mailbox_id);
        }
        let code = Code::AppendUid(appended.uid_validity, appended.uid);
        Ok(Answer::ok_with(code, "Append completed."))
    }

    /// Checks that the message may be appended. A large message for a missing mailbox is refused at once.
    async fn may_append(&mut self, head: &AppendHead) -> Result<(), Stop> {
        if head.size > self.server.max_message_size {
            return Err(Answer::no_with(Code::TooBig, "The message is too large.").into());
        }
        if head.size == 0 {
            return Err(Answer::no_with(Code::Cannot, "The message is empty.").into());
        }
        if head.size > INLINE_LIMIT as u64 {
            let request = GetStatusRequest {
                actor: Some(self.actor()?),
                names: vec![head.mailbox.to_string()],
            };
            let mut store = self.server.store();
            store.get_status(timed(request)).await.map_err(try_create)?;
        }
        Ok(())
    }

    /// Passes the message to the intake; after a failure the rest is skipped. False when the session ends, or
    /// when the command turned out to be invalid and the response was sent.
    async fn receive(&mut self, intake: &mut Result<Intake, Answer>) -> Result<bool, Stop> {
        loop {
            match self.reader.next(self.io.input()) {
                Event::Data(octets) => {
                    if let Ok(taking) = intake
                        && let Err(error) = taking.push(&octets).await
                    {
                        *intake = Err(of_intake(error));
                    }
                }
                Event::AppendEnd => return Ok(true),
                Event::NeedInput => {
                    self.io.flush().await?;
                    if !self.wait_at_most(self.server.data_timeout).await? {
                        self.ended = true;
                        return Ok(false);
                    }
                }
                Event::Invalid(tag, error) => {
                    self.invalid(tag.as_ref(), error);
                    return Ok(false);
                }
                _ => return Err(Stop::Lost),
            }
        }
    }
}

fn of_intake(error: IntakeError) -> Answer {
    match error {
        IntakeError::Scan(_) => Answer::no_with(Code::Limit, "The message's header is too large."),
        IntakeError::Blocked(_) => Answer::no("The message has a blocked attachment."),
        // Only literals of BINARY, which is not announced, may contain NUL (RFC 3501 §4.3, RFC 3516 §4.2).
        IntakeError::Nul => Answer::no_with(Code::Cannot, "The message holds a NUL octet."),
        IntakeError::Upload(status) => refusal(&status),
    }
}
