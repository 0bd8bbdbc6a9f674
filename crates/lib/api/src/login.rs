//! Logins at the directory, for front ends of every protocol: the SASL exchange passes through them as
//! octets, and the directory reports the result.

mod mechanisms;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use sasl::{Bindings, ConnectionState, Initiation};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use crate::directory::v1::directory_client::DirectoryClient;
use crate::directory::v1::login_request::Step as Request;
use crate::directory::v1::login_response::Step as Response;
use crate::directory::v1::{
    LoginAccepted, LoginBegin, LoginRefusal, LoginRefused, LoginRequest, LoginResponse,
};
use crate::grpc::{Channel, Status, Streaming};

pub use mechanisms::LoginMechanisms;

/// Time limit for one step, which may include waiting for an argon2 slot and the argon2 run.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// The facts about a client's connection that decide which mechanisms are offered and what a login is bound
/// to.
#[derive(Clone, Debug)]
pub struct ClientConnection {
    /// The protocol: "imap", "pop3", "smtp".
    pub service: &'static str,
    /// The client's address.
    pub peer: IpAddr,
    /// The connection is protected by TLS.
    pub tls: bool,
    /// The channel bindings of the TLS session.
    pub bindings: Bindings,
    /// The mail addresses of the client's certificate, verified by TLS.
    pub certificate: Vec<String>,
}

impl ClientConnection {
    /// A connection that this service has just accepted.
    pub fn unprotected(service: &'static str, peer: IpAddr) -> Self {
        Self {
            service,
            peer,
            tls: false,
            bindings: Bindings::default(),
            certificate: Vec::new(),
        }
    }

    /// The state that the choice of mechanisms depends on.
    pub fn state(&self) -> ConnectionState {
        ConnectionState {
            tls: self.tls,
            bindings: self.bindings.is_some(),
            certificate: !self.certificate.is_empty(),
        }
    }

    fn begin(&self, initiation: Initiation) -> LoginBegin {
        let binding = |octets: &Option<Vec<u8>>| Bytes::from(octets.clone().unwrap_or_default());
        let initial = initiation.initial.map(sasl::Response::into_octets);
        LoginBegin {
            mechanism: initiation.mechanism.name().to_owned(),
            initial_response: initial.map(Bytes::from),
            service: self.service.to_owned(),
            peer_address: self.peer.to_canonical().to_string(),
            tls: self.tls,
            tls_exporter: binding(&self.bindings.exporter),
            tls_server_end_point: binding(&self.bindings.server_end_point),
            certificate_addresses: self.certificate.clone(),
        }
    }
}

/// A login in progress. Dropping it aborts the login.
#[derive(Debug)]
pub struct Login {
    requests: mpsc::Sender<LoginRequest>,
    answers: Streaming<LoginResponse>,
}

/// An answer of the directory.
#[derive(Debug)]
pub enum Step {
    /// A challenge for the client; its response goes to [`Login::respond`].
    Challenge(Bytes),
    /// The user is authenticated. The login is over.
    Accepted(LoginAccepted),
    /// The login failed and is over.
    Refused(LoginRefused),
}

impl Login {
    /// Starts a login; returns the first step.
    pub async fn begin(
        mut directory: DirectoryClient<Channel>,
        connection: &ClientConnection,
        initiation: Initiation,
    ) -> Result<(Self, Step), Status> {
        let (requests, queued) = mpsc::channel(1);
        let first = LoginRequest {
            step: Some(Request::Begin(connection.begin(initiation))),
        };
        // The channel has room for one request.
        requests.send(first).await.map_err(|_| closed())?;
        let opened = directory.login(ReceiverStream::new(queued));
        let opened = timeout(STEP_TIMEOUT, opened).await.map_err(|_| silent())?;
        let mut login = Self {
            requests,
            answers: opened?.into_inner(),
        };
        let step = login.next().await?;
        Ok((login, step))
    }

    /// Passes the client's response on; returns the next step.
    pub async fn respond(&mut self, response: sasl::Response) -> Result<Step, Status> {
        let request = LoginRequest {
            step: Some(Request::Response(response.into_octets().into())),
        };
        // If the directory has ended the login, its answer gives the reason.
        let _ = self.requests.send(request).await;
        self.next().await
    }

    async fn next(&mut self) -> Result<Step, Status> {
        let answer = timeout(STEP_TIMEOUT, self.answers.message());
        let answer = answer.await.map_err(|_| silent())??.ok_or_else(closed)?;
        match answer.step {
            Some(Response::Challenge(challenge)) => Ok(Step::Challenge(challenge)),
            Some(Response::Accepted(accepted)) => Ok(Step::Accepted(accepted)),
            Some(Response::Refused(refused)) => Ok(Step::Refused(refused)),
            None => Err(Status::internal("the directory's answer is empty")),
        }
    }
}

fn silent() -> Status {
    Status::deadline_exceeded("the directory does not answer")
}

fn closed() -> Status {
    Status::unavailable("the directory has ended the login")
}

impl LoginRefused {
    /// The verdict in the list of refusals.
    pub fn verdict(&self) -> &'static str {
        match self.why() {
            LoginRefusal::Unspecified | LoginRefusal::Wrong => "login-failed",
            LoginRefusal::Later => "login-throttled",
            LoginRefusal::ForAnother => "login-for-another",
            LoginRefusal::Token => "token-refused",
            LoginRefusal::Certificate => "certificate-refused",
            LoginRefusal::Malformed => "malformed-login",
            LoginRefusal::Mechanism => "mechanism-not-offered",
        }
    }

    /// The reasons in the list of refusals.
    pub fn reasons(&self) -> Vec<Cow<'static, str>> {
        match self.cause.as_str() {
            "" => Vec::new(),
            cause => vec![Cow::from(cause.to_owned())],
        }
    }
}
