//! COPY and MOVE.

use api::grpc::Status;
use api::mailbox::v1::{CopyRequest, CopyResponse};

use super::mailbox::UID_VALIDITY;
use super::state::{State, user};

/// Target UIDs and source UIDs.
type Pairs = (Vec<u32>, Vec<u32>);

impl State {
    /// Also returns the changed mailboxes with their MODSEQs.
    pub(super) fn copy(
        &mut self,
        request: &CopyRequest,
        removing: bool,
    ) -> Result<(CopyResponse, Vec<(i64, u64)>), Status> {
        let user_id = user(request.actor.as_ref())?;
        let to = self.id_of(user_id, &request.to)?;
        let uids = self
            .owned(user_id, request.mailbox_id)?
            .within(&request.uids);
        let ((from_uids, to_uids), changed) =
            self.transfer(request.mailbox_id, to, &uids, removing)?;
        let response = CopyResponse {
            uid_validity: UID_VALIDITY,
            from_uids,
            to_uids,
            mailbox_id: to,
        };
        Ok((response, changed))
    }

    /// Copies existing messages, and removes them from the source for a MOVE.
    pub(super) fn transfer(
        &mut self,
        from: i64,
        to: i64,
        uids: &[u32],
        removing: bool,
    ) -> Result<(Pairs, Vec<(i64, u64)>), Status> {
        if uids.is_empty() {
            return Ok(((Vec::new(), Vec::new()), Vec::new()));
        }
        let source = self.by_id(from)?;
        let messages: Vec<_> = uids
            .iter()
            .map(|uid| source.messages[uid].clone())
            .collect();
        let target = self.by_id(to)?;
        let modseq = target.modseq + 1;
        let added = messages.into_iter();
        let added = added.map(|message| target.add_as(target.uid_next, modseq, message));
        let to_uids = added.collect();
        let mut changed = vec![(to, modseq)];
        if removing {
            let source = self.by_id(from)?;
            source.remove(uids);
            changed.push((from, source.modseq));
        }
        Ok(((uids.to_vec(), to_uids), changed))
    }
}
