//! Gateways: servers named by the policy, in its order; and the report whether they work.

use std::sync::Arc;

use api::grpc::Code;
use api::policy::v1::{RevealSecretRequest, policy_client::PolicyClient};
use rules::{Gateway, GatewayTls};
use smtp_protocol::client::{Login, TlsUse};
use tokio::time::Instant;

use super::hops::Plan;
use super::state::Remote;
use super::trail::is_insecure;
use crate::fate::Failure;

/// How to reach a gateway, including its password.
pub(super) async fn plan(
    remote: &Remote,
    gateway: &Arc<Gateway>,
    asked: Option<Instant>,
) -> Result<Plan, Failure> {
    let mut hops = Vec::with_capacity(gateway.hosts.len());
    let mut unresolved = Vec::new();
    for host in &gateway.hosts {
        let server = remote.setup.resolver.server(&host.host, host.port, asked);
        match server.await {
            Ok(hop) => hops.push(hop),
            // An error in the policy or the DNS must not cost mail.
            Err(failure) => unresolved.push(Failure {
                permanent: false,
                status: "4.4.4".into(),
                ..failure
            }),
        }
    }
    Ok(Plan {
        hops,
        unresolved,
        secured: false,
        gateway: Some(Arc::clone(gateway)),
        tls: match gateway.tls {
            GatewayTls::None => TlsUse::Never,
            GatewayTls::Opportunistic => TlsUse::IfOffered,
            GatewayTls::Required => TlsUse::Required,
        },
        login: login(remote, gateway).await?,
    })
}

async fn login(remote: &Remote, gateway: &Gateway) -> Result<Option<Login>, Failure> {
    let Some(login) = &gateway.login else {
        return Ok(None);
    };
    let request = RevealSecretRequest {
        name: login.secret.clone(),
    };
    let revealed = PolicyClient::new(remote.setup.queue.clone())
        .reveal_secret(request)
        .await;
    let code = match revealed {
        Ok(response) => match String::from_utf8(response.into_inner().value.to_vec()) {
            Ok(password) => {
                return Ok(Some(Login {
                    user: login.user.clone(),
                    password,
                }));
            }
            Err(_) => Code::FailedPrecondition,
        },
        Err(status) => status.code(),
    };
    tracing::error!(
        gateway = %gateway.name,
        secret = login.secret,
        %code,
        "the gateway's password could not be read"
    );
    let reason = format!("There is no password for the gateway {}.", gateway.name);
    let failure = Failure::temporary("4.7.0", reason);
    // With any other code the queue is at fault, not the gateway.
    if matches!(code, Code::NotFound | Code::FailedPrecondition) {
        report(remote, gateway, Some(&failure));
    }
    Err(failure)
}

/// Reports that a gateway works: one of its hosts answered in a session, whatever it said about the message
/// or its recipients.
pub(super) fn works(remote: &Remote, plan: &Plan) {
    if let Some(gateway) = &plan.gateway {
        report(remote, gateway, None);
    }
}

/// Reports that a gateway fails: none of its hosts was usable, for this reason.
pub(super) fn fails(remote: &Remote, plan: &Plan, failure: &Failure) {
    // REQUIRETLS concerns one message only, not the gateway.
    let refused = plan.secured && is_insecure(failure);
    if let Some(gateway) = plan.gateway.as_ref().filter(|_| !refused) {
        report(remote, gateway, Some(failure));
    }
}

fn report(remote: &Remote, gateway: &Gateway, failure: Option<&Failure>) {
    let reason = failure.map(|failure| &*failure.reason);
    let completer = &remote.setup.finisher.completer;
    completer.gateway(&gateway.name, reason);
}
