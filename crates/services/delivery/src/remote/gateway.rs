//! Gateways: servers that the policy names, in its order.

use api::policy::v1::{RevealSecretRequest, policy_client::PolicyClient};
use rules::{Gateway, GatewayTls};
use smtp_protocol::client::{Login, TlsUse};
use tokio::time::Instant;

use super::Remote;
use super::hops::Plan;
use crate::work::Failure;

/// How a gateway is reached, its password included.
pub(super) async fn plan(
    remote: &Remote,
    gateway: &Gateway,
    asked: Option<Instant>,
) -> Result<Plan, Failure> {
    let mut hops = Vec::with_capacity(gateway.hosts.len());
    let mut unresolved = Vec::new();
    for host in &gateway.hosts {
        let server = remote.setup.resolver.server(&host.host, host.port, asked);
        match server.await {
            Ok(hop) => hops.push(hop),
            // The policy is mistaken, or the DNS is: neither may cost mail.
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
    let password = match revealed {
        Ok(response) => String::from_utf8(response.into_inner().value.to_vec()).ok(),
        Err(status) => {
            tracing::error!(
                gateway = %gateway.name,
                secret = login.secret,
                code = %status.code(),
                "the gateway's password cannot be had"
            );
            None
        }
    };
    let password = password.ok_or_else(|| {
        let reason = format!("There is no password for the gateway {}.", gateway.name);
        Failure::temporary("4.7.0", reason)
    })?;
    Ok(Some(Login {
        user: login.user.clone(),
        password,
    }))
}
