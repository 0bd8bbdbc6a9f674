//! The chain of ARC sets (RFC 8617).

use mail_auth::AuthenticatedMessage;
use rules::AuthenticationResult;

use crate::dkim::of_result;
use crate::findings::{Method, Reported};
use crate::shared::Shared;

pub(crate) async fn verify(by: &Shared, message: &AuthenticatedMessage<'_>) -> Reported {
    let check = by.memory.with(&by.memory.keys, message);
    let output = by.inner.verify_arc(check).await;
    let (result, reason) = of_result(output.result());
    // RFC 8617 §4.4: a chain passes, fails or does not exist.
    let result = match result {
        AuthenticationResult::Pass
        | AuthenticationResult::None
        | AuthenticationResult::TempError => result,
        _ => AuthenticationResult::Fail,
    };
    let sealer = output.sets().last().map_or("", |set| &set.seal.header.d);
    Reported::new(Method::Arc, result, sealer).because(reason)
}
