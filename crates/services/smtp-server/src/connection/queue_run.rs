//! ETRN: trusted clients may have a domain's waiting mail tried, other clients may not (RFC 1985 §5.2, §6).

use api::actor::v1::Actor;
use api::queue_run::RetryTarget;
use rules::Domain;
use smtp_protocol::server::{Node, QueueRun};

use super::Connection;
use crate::queue_runs::Run;
use crate::replies;

impl Connection {
    pub(super) async fn queue_run(&mut self, node: Node) {
        let Some(snapshot) = self.server.policy.current() else {
            self.refuse_for_now(replies::NO_QUEUE_RUN, &"no policy");
            return;
        };
        let Ok(domain) = Domain::parse(&node.domain) else {
            self.note_refusal(
                "malformed-command",
                &[format!("said: ETRN {}", node.domain).into()],
            );
            self.session.refuse(replies::NO_DOMAIN, self.io.output());
            return;
        };
        let trust = snapshot.policy.trust(&self.facts);
        let verdict = snapshot.policy.accept_queue_run(&trust, &domain);
        if !verdict.is_accepted() {
            self.refuse(&verdict);
            return;
        }
        let wanted = RetryTarget::Domain {
            name: domain.to_string(),
            subdomains: node.subdomains,
        };
        let actor = Actor::peer(self.facts.peer, self.facts.login.as_deref());
        let run = match self.server.queue_runs.run(actor, wanted).await {
            Ok(Run::Started(started)) if started.more => QueueRun::SomeWait,
            Ok(Run::Started(started)) if started.recipients == 0 => QueueRun::NothingWaits,
            Ok(Run::Started(started)) => QueueRun::Wait(started.messages),
            Ok(Run::LatelyBegun) => QueueRun::Begun,
            Ok(Run::Busy) => {
                self.refuse_for_now(replies::NO_QUEUE_RUN, &"too many runs of the queue");
                return;
            }
            Err(status) => {
                self.refuse_for_now(replies::NO_QUEUE_RUN, &status);
                return;
            }
        };
        tracing::debug!(peer = %self.facts.peer, %domain, subdomains = node.subdomains, ?run, "ETRN");
        self.session.queue_run(run, self.io.output());
    }
}
