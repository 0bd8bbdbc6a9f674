//! `collection.v1`: claims, reports, the ledger.

use api::collection::v1::collection_server::Collection;
use api::collection::v1::*;
use api::grpc::{Request, Response, Status, async_trait};

use super::Shared;

#[async_trait]
impl Collection for Shared {
    async fn claim_account(
        &self,
        _: Request<ClaimAccountRequest>,
    ) -> Result<Response<ClaimAccountResponse>, Status> {
        let mut state = self.state.lock().unwrap();
        let granted = state.grants > 0;
        state.grants = state.grants.saturating_sub(1);
        Ok(Response::new(ClaimAccountResponse {
            granted,
            retry_in_ms: 1,
        }))
    }

    async fn report_poll(
        &self,
        request: Request<ReportPollRequest>,
    ) -> Result<Response<ReportPollResponse>, Status> {
        let mut state = self.state.lock().unwrap();
        state.reports.push_back(request.into_inner());
        drop(state);
        self.changed.notify_waiters();
        Ok(Response::new(ReportPollResponse {}))
    }

    async fn find_collected(
        &self,
        request: Request<FindCollectedRequest>,
    ) -> Result<Response<FindCollectedResponse>, Status> {
        let request = request.into_inner();
        let state = self.state.lock().unwrap();
        let known = state.ledger.iter().filter(|((account, uidl, _), _)| {
            *account == request.account && request.uidls.contains(uidl)
        });
        let messages = known.map(|((_, uidl, hash), &at)| CollectedMessage {
            uidl: uidl.clone(),
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
            *account != request.account || !request.uidls.contains(uidl)
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
