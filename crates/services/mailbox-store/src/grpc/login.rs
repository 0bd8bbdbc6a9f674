//! The stream of Login: one step for each request, to the end of the exchange.

use std::sync::Arc;
use std::time::Duration;

use api::directory::v1::login_request::Step as Request;
use api::directory::v1::login_response::Step as Response;
use api::directory::v1::{
    LoginAccepted, LoginBegin, LoginRefusal, LoginRefused, LoginRequest, LoginResponse,
};
use api::grpc::{Status, Streaming};
use sasl::Bindings;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::users::{Connection, Exchange, Logins, Step};
use crate::{Error, Result};

/// Longest wait for a client's response; front ends have shorter timeouts.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(600);

/// Maximum size of a response; larger than a line of any exchange.
const LONGEST_RESPONSE: usize = 16 * 1024;

/// Conducts one login to its end, or until the front end cancels it.
pub(super) async fn serve(
    logins: Arc<Logins>,
    requests: Streaming<LoginRequest>,
    answers: mpsc::Sender<std::result::Result<LoginResponse, Status>>,
    shutdown: CancellationToken,
) {
    if let Err(error) = exchange(logins, requests, &answers, &shutdown).await {
        answers.send(Err(error.into())).await.ok();
    }
}

async fn exchange(
    logins: Arc<Logins>,
    mut requests: Streaming<LoginRequest>,
    answers: &mpsc::Sender<std::result::Result<LoginResponse, Status>>,
    shutdown: &CancellationToken,
) -> Result<()> {
    let Some(Request::Begin(begin)) = next(&mut requests, shutdown).await? else {
        return Err(Error::Invalid("a login begins with its mechanism".into()));
    };
    let peer = Peer {
        service: service_name(&begin.service),
        address: begin.peer_address.clone(),
    };
    let initial = begin.initial_response.clone();
    let Some(mut exchange) = Exchange::new(logins, connection(&begin), &begin.mechanism) else {
        let refused = Step::Refused(Box::new(LoginRefused {
            why: LoginRefusal::Mechanism.into(),
            ..LoginRefused::default()
        }));
        peer.note(&refused);
        answers.send(Ok(response(refused))).await.ok();
        return Ok(());
    };
    let mut step = match initial {
        Some(initial) => exchange.begin(Some(within_limit(&initial)?)).await?,
        None => exchange.begin(None).await?,
    };
    loop {
        peer.note(&step);
        let is_last = !matches!(step, Step::Challenge(_));
        if answers.send(Ok(response(step))).await.is_err() || is_last {
            return Ok(());
        }
        step = match next(&mut requests, shutdown).await? {
            Some(Request::Response(octets)) => exchange.respond(within_limit(&octets)?).await?,
            Some(Request::Begin(_)) => {
                return Err(Error::Invalid("a login begins once".into()));
            }
            // The client has cancelled the login.
            None => return Ok(()),
        };
    }
}

/// The next request; `None` at the end of the stream.
async fn next(
    requests: &mut Streaming<LoginRequest>,
    shutdown: &CancellationToken,
) -> Result<Option<Request>> {
    let message = timeout(RESPONSE_TIMEOUT, requests.message());
    match shutdown.run_until_cancelled(message).await {
        Some(Ok(Ok(request))) => Ok(request.and_then(|request| request.step)),
        // The front end or its client has gone.
        Some(Ok(Err(_)) | Err(_)) => Ok(None),
        None => Err(Error::Unavailable("mailbox-store is stopping".into())),
    }
}

fn within_limit(octets: &[u8]) -> Result<&[u8]> {
    match octets.len() {
        0..=LONGEST_RESPONSE => Ok(octets),
        _ => Err(Error::Invalid("a response is too long".into())),
    }
}

fn connection(begin: &LoginBegin) -> Connection {
    let binding = |octets: &[u8]| (!octets.is_empty()).then(|| octets.to_vec());
    Connection {
        peer: begin.peer_address.clone(),
        tls: begin.tls,
        bindings: Bindings {
            exporter: binding(&begin.tls_exporter),
            server_end_point: binding(&begin.tls_server_end_point),
        },
        certificate: begin.certificate_addresses.clone(),
    }
}

fn response(step: Step) -> LoginResponse {
    let step = match step {
        Step::Challenge(challenge) => Response::Challenge(challenge.into()),
        Step::Accepted(accepted) => Response::Accepted(*accepted),
        Step::Refused(refused) => Response::Refused(*refused),
    };
    LoginResponse { step: Some(step) }
}

/// The client of a login, for the log.
struct Peer {
    service: &'static str,
    address: String,
}

impl Peer {
    /// Counts and logs the end of a login. The log names the application password used.
    fn note(&self, step: &Step) {
        let outcome = match step {
            Step::Challenge(_) => return,
            Step::Accepted(_) => "accepted",
            Step::Refused(refused) if refused.why() == LoginRefusal::Later => "slowed",
            Step::Refused(_) => "refused",
        };
        let Self { service, address } = self;
        metrics::counter!("postern_mailbox_logins_total", "service" => *service, "outcome" => outcome)
            .increment(1);
        match step {
            Step::Accepted(accepted) => self.note_accepted(accepted),
            // The front end logs the refusal.
            Step::Refused(refused) => {
                let (why, cause) = (refused.why(), &refused.cause);
                tracing::debug!(service, peer = address, outcome, ?why, cause, "login");
            }
            Step::Challenge(_) => {}
        }
    }

    fn note_accepted(&self, accepted: &LoginAccepted) {
        let user_id = accepted.user_id;
        let Self { service, address } = self;
        match accepted.app_password.as_str() {
            "" => tracing::debug!(service, user_id, peer = address, "login"),
            name => tracing::info!(
                service,
                user_id,
                app_password = name,
                peer = address,
                "login"
            ),
        }
    }
}

/// The service's name as a metric label, from a closed list.
fn service_name(name: &str) -> &'static str {
    match name {
        "imap" => "imap",
        "pop3" => "pop3",
        "smtp" => "smtp",
        _ => "other",
    }
}
