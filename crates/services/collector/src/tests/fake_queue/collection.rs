//! `collection.v1`: claims, reports, the ledger.

use api::collection::v1::collection_server::Collection;
use api::collection::v1::*;
use api::grpc::{Request, Response, Status, async_trait};

use super::{Shared, State};

impl State {
    /// Applies a report to the state of the next poll.
    pub(in crate::tests) fn keep(&mut self, report: &ReportPollRequest) {
        self.reading = None;
        if let Some(uncollected) = &report.uncollected {
            self.uncollected.clone_from(&uncollected.messages);
        }
    }
}

#[async_trait]
impl Collection for Shared {
    async fn claim_account(
        &self,
        request: Request<ClaimAccountRequest>,
    ) -> Result<Response<ClaimAccountResponse>, Status> {
        let mut state = self.state.lock().unwrap();
        let waits = state.nothing_is_due && request.get_ref().interval_seconds > 0;
        let granted = state.grants > 0 && !waits;
        state.grants -= usize::from(granted);
        Ok(Response::new(ClaimAccountResponse {
            granted,
            retry_in_ms: 1,
        }))
    }

    async fn report_poll(
        &self,
        request: Request<ReportPollRequest>,
    ) -> Result<Response<ReportPollResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.state.lock().unwrap();
        state.keep(&request);
        state.reports.push_back(request);
        drop(state);
        self.changed.notify_waiters();
        Ok(Response::new(ReportPollResponse {}))
    }

    async fn begin_poll(
        &self,
        request: Request<BeginPollRequest>,
    ) -> Result<Response<BeginPollResponse>, Status> {
        let account = &request.get_ref().account;
        let state = self.state.lock().unwrap();
        let entries = state.ledger.keys().filter(|(of, _, _)| of == account);
        Ok(Response::new(BeginPollResponse {
            uncollected: state.uncollected.clone(),
            interrupted: state.reading.clone(),
            ledger_entries: entries.count() as u64,
            now_ms: crate::tests::now_ms() + state.clock_ahead_ms,
        }))
    }

    async fn note_message(
        &self,
        request: Request<NoteMessageRequest>,
    ) -> Result<Response<NoteMessageResponse>, Status> {
        self.state.lock().unwrap().reading = request.into_inner().message;
        Ok(Response::new(NoteMessageResponse {}))
    }

    async fn find_by_header(
        &self,
        request: Request<FindByHeaderRequest>,
    ) -> Result<Response<FindByHeaderResponse>, Status> {
        let request = request.into_inner();
        let state = self.state.lock().unwrap();
        let mut messages: Vec<CollectedMessage> = state
            .ledger
            .iter()
            .filter(|((account, _, hash), _)| {
                *account == request.account && hash[32..] == request.header_hash[..]
            })
            .map(|((_, uidl, hash), &at)| CollectedMessage {
                remote_id: uidl.clone(),
                content_hash: hash.clone().into(),
                collected_at_ms: at,
            })
            .collect();
        messages.sort_by_key(|message| message.collected_at_ms);
        Ok(Response::new(FindByHeaderResponse { messages }))
    }

    async fn rename_collected(
        &self,
        request: Request<RenameCollectedRequest>,
    ) -> Result<Response<RenameCollectedResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.state.lock().unwrap();
        let hash = request.content_hash.to_vec();
        let old = (request.account.clone(), request.remote_id, hash.clone());
        if let Some(at) = state.ledger.remove(&old) {
            let new = (request.account, request.new_remote_id, hash);
            state.ledger.insert(new, at);
        }
        Ok(Response::new(RenameCollectedResponse {}))
    }

    async fn find_collected(
        &self,
        request: Request<FindCollectedRequest>,
    ) -> Result<Response<FindCollectedResponse>, Status> {
        let request = request.into_inner();
        let state = self.state.lock().unwrap();
        let known = state.ledger.iter().filter(|((account, uidl, _), _)| {
            *account == request.account && request.remote_ids.contains(uidl)
        });
        let messages = known.map(|((_, uidl, hash), &at)| CollectedMessage {
            remote_id: uidl.clone(),
            content_hash: hash.clone().into(),
            collected_at_ms: at,
        });
        Ok(Response::new(FindCollectedResponse {
            messages: messages.collect(),
        }))
    }

    async fn forget_collected(
        &self,
        request: Request<ForgetCollectedRequest>,
    ) -> Result<Response<ForgetCollectedResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.state.lock().unwrap();
        state.ledger.retain(|(account, uidl, _), _| {
            *account != request.account || !request.remote_ids.contains(uidl)
        });
        Ok(Response::new(ForgetCollectedResponse {}))
    }

    async fn list_accounts(
        &self,
        _: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsResponse>, Status> {
        Err(Status::unimplemented("not part of the fake"))
    }
}
