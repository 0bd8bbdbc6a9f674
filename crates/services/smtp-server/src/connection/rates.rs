//! How much may come, and who must come twice.

use api::grpc::Status;
use api::policy_watch::PolicySnapshot;
use rules::{Counted, EmailAddress, ReversePath, Trust, Verdict};

use super::Connection;
use super::envelope::Transaction;

impl Connection {
    /// Counts what is about to be let in, or says why it is too much.
    pub(super) fn take_share(
        &self,
        snapshot: &PolicySnapshot,
        trust: &Trust,
        count: Counted,
        sender: Option<&ReversePath>,
    ) -> Option<Verdict> {
        let rates = snapshot.policy.shares(&self.facts, trust, count, sender);
        let used_up = self.server.throttle.admit(&rates).err()?;
        Some(used_up.refusal(trust))
    }

    /// Whether a recipient that would be accepted is to be asked for again later.
    pub(super) async fn postpone(
        &self,
        transaction: &Transaction,
        recipient: &EmailAddress,
    ) -> Result<Option<Verdict>, Status> {
        let Transaction {
            snapshot,
            trust,
            reverse_path,
            ..
        } = transaction;
        let policy = &snapshot.policy;
        if let Some((terms, visit)) =
            policy.greylisting(&self.facts, trust, reverse_path, recipient)
            && let Some(wait) = self.server.throttle.wait(terms, &visit).await?
        {
            return Ok(Some(terms.refusal(wait)));
        }
        Ok(self.take_share(snapshot, trust, Counted::Recipients, Some(reverse_path)))
    }
}
