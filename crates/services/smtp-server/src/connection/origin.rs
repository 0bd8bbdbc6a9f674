//! The origin of a session: peer, interface, proxy, and the peer's name.

use std::net::SocketAddr;
use std::sync::Arc;

use rules::{ReverseName, SessionFacts};
use sasl::Bindings;
use smtp_protocol::server::Xclient;

use super::Connection;
use super::refusal::RefusalContext;
use crate::replies;
use crate::server::{Listener, Server};

/// The facts about a new connection.
pub(super) fn facts(
    server: &Server,
    listener: &Listener,
    io: &session_io::Connection,
) -> SessionFacts {
    let network = server.network.current();
    let (peer, local) = (
        io.peer().ip().to_canonical(),
        io.local().ip().to_canonical(),
    );
    let mut facts = SessionFacts::new(Arc::clone(&listener.name), peer, local);
    facts.class = listener.own.class;
    facts.role = listener.own.role;
    // A proxy that has to send XCLIENT and has not speaks for no client yet.
    let silent = (listener.proxies_use_command() && listener.proxies.are(peer)).then_some(peer);
    facts.proxy = io.proxy().or(silent);
    // Behind a proxy, the local address is one of another machine.
    if facts.proxy.is_none() {
        facts.interface = Some(network.interface_of(local, &server.interfaces));
    }
    facts.gateways = Arc::clone(&network.gateway_addresses);
    facts
}

impl Connection {
    /// Whether the peer may send XCLIENT: a named proxy that has not sent it yet. After XCLIENT, commands
    /// come from its client.
    pub(super) fn may_override_peer(&self) -> bool {
        let first = self.io.proxy().is_none();
        self.listener.proxies_use_command() && first && self.listener.proxies.are(self.facts.peer)
    }

    /// Whether a proxy has named its client. A later TLS handshake may be the proxy's or its client's.
    pub(super) fn has_named_client(&self) -> bool {
        self.listener.proxies_use_command() && self.io.proxy().is_some()
    }

    /// Handles XCLIENT. The session starts anew with the client that the proxy has named.
    pub(super) async fn xclient(&mut self, xclient: Xclient) {
        if !self.may_override_peer() {
            self.refuse_for_now(
                replies::UNAVAILABLE,
                &"XCLIENT from a client that may not send it",
            );
            return;
        }
        let proxy = self.io.peer();
        let peer = xclient.address.map_or(proxy, |ip| SocketAddr::new(ip, 0));
        let local = xclient.destination.map(|ip| SocketAddr::new(ip, 0));
        if let Err(error) = self.io.set_peer(peer, local) {
            tracing::info!(peer = %peer.ip(), proxy = %proxy.ip(), %error, "refused");
            let reason = format!("for {}: {error}", peer.ip());
            self.keep_refusal("too-many-connections", &[reason.into()]);
            self.session.refuse(replies::NO_ROOM, self.io.output());
            return;
        }
        // Certificate and channel bindings belong to the proxy's TLS session, not to its client.
        self.certificate.clear();
        self.bindings = Bindings::default();
        let tls = self.facts.tls;
        self.facts = facts(&self.server, &self.listener, &self.io);
        self.facts.tls = tls;
        self.facts.login = xclient.login;
        self.context = RefusalContext::default();
        self.forget_transaction();
        self.look_up_name().await;
        if let Err(verdict) = self.is_greeted().await {
            self.note_refusal(verdict.name, &verdict.reasons);
            let reply = replies::of_verdict(&verdict);
            self.session.close(&reply, self.io.output());
            return;
        }
        self.session.accept(self.io.output());
        self.set_terms();
    }

    /// Looks up the peer's name, once, if a policy needs it.
    pub(super) async fn look_up_name(&mut self) {
        let Some(snapshot) = self.server.policy.current() else {
            return;
        };
        if self.facts.reverse_name == ReverseName::NotAsked
            && !self.facts.peer_is_proxy()
            && snapshot.policy.asks_reverse_name(&self.facts)
        {
            let peer = self.facts.peer;
            self.facts.reverse_name = self.server.reverse_names.of(peer).await;
        }
    }
}
