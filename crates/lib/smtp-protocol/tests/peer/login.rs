//! The directory's side of logins: bob's password is "secret", his token "good".

use sasl::{Bindings, Exchange, Fault, Initiation, Response, Step, TokenFault, TokenRefusal};
use smtp_protocol::Reply;

use super::Server;

const FAILED: Reply = Reply::new(535, 7, 8, "Authentication failed");

/// The login under way, and what one can be bound to.
#[derive(Default)]
pub(crate) struct Login {
    pub(crate) bindings: Bindings,
    exchange: Option<Exchange>,
}

impl Server {
    /// What logins can be bound to from now on.
    #[allow(dead_code)] // Not every test binary has TLS.
    pub(crate) fn bind(&mut self, bindings: Bindings) {
        self.login.bindings = bindings;
    }

    pub(super) fn begin_login(&mut self, initiation: Initiation) {
        let bindings = self.login.bindings.clone();
        let exchange = Exchange::new(initiation.mechanism, bindings);
        let begun = exchange.begin();
        self.login.exchange = Some(exchange);
        match initiation.initial {
            Some(initial) => self.respond(initial),
            None => self.follow(Ok(begun)),
        }
    }

    pub(super) fn respond(&mut self, response: Response) {
        if let Some(exchange) = &mut self.login.exchange {
            let step = exchange.respond(&response.into_octets());
            self.follow(step);
        }
    }

    fn follow(&mut self, step: Result<Step, Fault>) {
        let Some(exchange) = &mut self.login.exchange else {
            return;
        };
        let output = &mut self.output;
        let holds = match step {
            Err(Fault::Malformed) => {
                self.log.push("refused malformed-login \"AUTH\"".to_owned());
                return self.session.refuse_malformed_response(output);
            }
            Err(Fault::Mismatch) => false,
            Ok(Step::Challenge(challenge)) => return self.session.challenge(&challenge, output),
            Ok(Step::Parameters(login)) => {
                self.log.push(format!("{login:?}"));
                let challenge = exchange.parameters(b"salt", 4096, "SERVER");
                return self
                    .session
                    .challenge(&challenge.unwrap_or_default(), output);
            }
            Ok(Step::Proof(proof)) => {
                self.log.push(format!("proof for {}", proof.auth_message));
                if proof.proof == b"good" {
                    let challenge = exchange.proved(b"ours").unwrap_or_default();
                    return self.session.challenge(&challenge, output);
                }
                false
            }
            Ok(Step::Token(token)) if token.token != "good" => {
                self.log.push(format!("refused {token:?}"));
                let refusal = TokenRefusal {
                    fault: TokenFault::Invalid,
                    scope: "mail".to_owned(),
                    configuration: String::new(),
                };
                let challenge = exchange.token_refused(&refusal).unwrap_or_default();
                return self
                    .session
                    .refuse_after_challenge(&challenge, FAILED, output);
            }
            Ok(Step::Token(token)) => {
                self.log.push(format!("Token({token:?})"));
                true
            }
            Ok(Step::External(name)) => {
                self.log.push(format!("External({name:?})"));
                name.is_empty() || name == "bob"
            }
            Ok(Step::Password(credentials)) => {
                self.log.push(format!("Authenticate({credentials:?})"));
                credentials.password == "secret"
            }
            Ok(Step::Done) => {
                self.log.push("logged in".to_owned());
                true
            }
        };
        match holds {
            true => self.session.accept(output),
            false => self.session.refuse(FAILED, output),
        }
    }
}
