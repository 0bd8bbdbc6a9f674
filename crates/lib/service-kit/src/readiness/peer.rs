//! Another service as a dependency: it is there while it reports that it is ready.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::timeout;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Dependency;
use crate::config::InternalTlsConfig;
use crate::grpc::{CallTimeouts, open_channel_within};
use crate::health::{describe, reason_in};
use crate::{Channel, Endpoint};

/// Pause before a missing service is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Timeout of the first answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A service that hangs counts as gone after this time: it answers no ping.
const SILENCE: Duration = Duration::from_secs(20);

/// Watches whether the service at `endpoints` is ready, for as long as the process lives. One ready replica
/// suffices.
///
/// A service that ends reports that before it goes, and another replica may have taken over. It is lost only
/// when no replica is there.
pub(crate) async fn follow(
    dependency: Dependency,
    endpoints: Vec<Endpoint>,
    tls: Option<InternalTlsConfig>,
) {
    let timeouts = CallTimeouts {
        answer: None,
        silence: SILENCE,
    };
    let shown = endpoints.iter().map(ToString::to_string);
    let shown = shown.collect::<Vec<_>>().join(", ");
    let mut was_ready = false;
    let mut several = None;
    loop {
        let reached = &mut false;
        let why = match several.take() {
            Some(channel) => Ok(channel),
            None => open_channel_within(&endpoints, tls.as_ref(), timeouts),
        };
        let why = match why {
            Ok(channel) => {
                let watched = watch(&dependency, &channel, &shown, reached).await;
                // The next attempt uses the next replica. If there is one address, which may lead to another
                // replica, it uses a new connection.
                several = Some(channel).filter(|channel| channel.connections().len() > 1);
                match watched {
                    Ok(never) => match never {},
                    Err(why) => why,
                }
            }
            Err(error) => error.to_string(),
        };
        was_ready |= *reached;
        if std::mem::take(&mut was_ready) {
            continue;
        }
        dependency.absent(why);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Watches over one connection. Ends with the reason why the service is missing or not ready.
async fn watch(
    dependency: &Dependency,
    channel: &Channel,
    endpoint: &str,
    reached: &mut bool,
) -> Result<Infallible, String> {
    let request = HealthCheckRequest::default();
    let mut client = HealthClient::new(channel.clone());
    let asked = timeout(ANSWER_TIMEOUT, client.watch(request)).await;
    let response = asked
        .map_err(|_| format!("{endpoint} does not answer"))?
        .map_err(|status| format!("{endpoint} cannot be reached: {}", describe(&status)))?;
    let reason = reason_in(response.metadata());
    let mut states = response.into_inner();
    loop {
        let state = states.message().await;
        let state = state.map_err(|status| format!("{endpoint} is gone: {}", describe(&status)))?;
        match state.map(|state| state.status()) {
            Some(ServingStatus::Serving) => {
                *reached = true;
                dependency.present();
            }
            Some(_) => {
                let reason = reason.filter(|_| !*reached);
                let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                return Err(format!("it is not ready{why}"));
            }
            None => return Err("it has ended".to_owned()),
        }
    }
}
