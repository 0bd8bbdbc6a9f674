//! Model test: any sequence of calls has the same results from mailbox-store on Postgres as from the
//! mailboxes in memory (`fakes::Mailboxes`). A client that only asks for changes always knows the same as one
//! that opens the mailbox anew.

mod calls;
mod steps;

use std::collections::BTreeMap;

use api::grpc::Code;
use api::mailbox::v1 as proto;
use fakes::Mailboxes;
use proptest::test_runner::{Config, TestRunner};
use tokio_util::sync::CancellationToken;

use self::calls::{Call, CallResult, Ids};
use self::steps::{MESSAGES, Step, steps};
use super::*;
use crate::grpc::MailboxService;

/// The state of a client that has only received changes: flags by UID.
#[derive(Debug, Default)]
struct Client {
    modseq: u64,
    messages: BTreeMap<u32, proto::Flags>,
}

/// A mailbox in both stores, and the client's state of it.
#[derive(Debug)]
struct Known {
    real: i64,
    fake: i64,
    client: Client,
}

struct World {
    kit: TestStore,
    real: MailboxService,
    fake: Mailboxes,
    address: String,
    /// Ids of the user.
    real_user: i64,
    fake_user: i64,
    /// Present and former mailboxes, the usual ones first.
    known: Vec<Known>,
    bodies: Vec<i64>,
    /// First recipient id of this case.
    first_recipient: i64,
}

impl World {
    async fn start(kit: TestStore, round: u32) -> Self {
        let address = format!("bob{round}@example.test");
        let fake = Mailboxes::default();
        let fake_user = fake.add_user(&address, fakes::USUAL);
        let mut bodies = Vec::new();
        for message in MESSAGES {
            let body = kit.body(message).await;
            fake.add_body(body, message);
            bodies.push(body);
        }
        // A missing body.
        bodies.push(i64::MAX);
        let mut world = Self {
            real_user: kit.user(&address).await,
            real: MailboxService::new(kit.store.clone(), CancellationToken::new()),
            kit,
            fake,
            address,
            fake_user,
            known: Vec::new(),
            bodies,
            first_recipient: i64::from(round) * 1_000,
        };
        world.list().await;
        world
    }

    fn ids(&self, real: bool) -> Ids {
        let id = |known: &Known| if real { known.real } else { known.fake };
        Ids {
            user: if real { self.real_user } else { self.fake_user },
            mailboxes: self.known.iter().map(id).collect(),
        }
    }

    /// Makes a call to both stores, and checks that the results are equal except for ids.
    async fn call(&self, call: &Call) -> Result<CallResult, Code> {
        let real = calls::make(&self.real, call, &self.ids(true)).await;
        let fake = calls::make(&self.fake, call, &self.ids(false)).await;
        let call_result = real.map(|call_result| {
            call_result.with_ids(|id| {
                let known = self.known.iter().find(|known| known.real == id);
                known.map_or(id, |known| known.fake)
            })
        });
        assert_eq!(call_result, fake, "{call:?}");
        call_result
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Deliver(deliveries) => self.deliver(&deliveries).await,
            Step::Look(mailbox) => self.look(mailbox % self.known.len()).await,
            Step::Call(Call::Create { .. } | Call::Rename { .. }) if self.known.len() > 30 => {}
            Step::Call(call @ (Call::Create { .. } | Call::Rename { .. })) => {
                let done = self.call(&call).await;
                if done.is_ok() {
                    self.list().await;
                }
            }
            Step::Call(call) => drop(self.call(&call).await),
        }
    }

    /// Adds new mailboxes.
    async fn list(&mut self) {
        let [real, fake] = [
            calls::make(&self.real, &Call::List, &self.ids(true)).await,
            calls::make(&self.fake, &Call::List, &self.ids(false)).await,
        ];
        let (Ok(CallResult::Mailboxes(real)), Ok(CallResult::Mailboxes(fake))) = (real, fake)
        else {
            panic!("both list mailboxes");
        };
        for (one, other) in real.iter().zip(&fake) {
            assert_eq!(one.name, other.name);
            let is_known = self.known.iter().any(|known| known.real == one.mailbox_id);
            if one.mailbox_id != 0 && !is_known {
                self.known.push(Known {
                    real: one.mailbox_id,
                    fake: other.mailbox_id,
                    client: Client::default(),
                });
            }
        }
        self.call(&Call::List).await.unwrap();
    }

    async fn deliver(&self, deliveries: &[(i64, usize, String)]) {
        let mut real = Vec::new();
        let mut fake = Vec::new();
        for (recipient, body, mailbox) in deliveries {
            let mut delivery = self.kit.delivery(&self.address, self.bodies[*body]);
            delivery.recipient_id = self.first_recipient + recipient;
            delivery.mailbox = name(mailbox);
            fake.push(proto::Delivery {
                recipient_id: delivery.recipient_id,
                body_id: delivery.body_id,
                user: delivery.user.clone(),
                mailbox: mailbox.clone(),
                prefix: delivery.prefix.clone(),
                received_at_ms: delivery.received_at,
            });
            real.push(delivery);
        }
        let expected = self.fake.deliver_all(fake);
        assert_eq!(self.kit.deliver(real).await, expected, "{deliveries:?}");
    }

    /// The client asks for changes; then it knows the whole state.
    async fn look(&mut self, mailbox: usize) {
        let since = self.known[mailbox].client.modseq;
        let call_result = self.changes(mailbox, since).await;
        let anew = self.changes(mailbox, 0).await;
        let client = &mut self.known[mailbox].client;
        let gone = UidSet::parse(&call_result.expunged).unwrap();
        client.messages.retain(|uid, _| !gone.contains(*uid));
        for message in call_result.changed {
            assert!(message.modseq > since);
            client.messages.insert(message.uid, message.flags.unwrap());
        }
        let Some(state) = call_result.state else {
            return assert!(call_result.deleted);
        };
        client.modseq = state.highest_modseq;
        let anew = anew.changed.into_iter();
        let anew: BTreeMap<_, _> = anew
            .map(|message| (message.uid, message.flags.unwrap()))
            .collect();
        assert_eq!(client.messages, anew);
    }

    async fn changes(&self, mailbox: usize, since: u64) -> proto::GetChangesResponse {
        match self.call(&Call::Changes { mailbox, since }).await {
            Ok(CallResult::Changes(changes)) => changes,
            other => panic!("{other:?}"),
        }
    }

    /// Checks that both stores hold the same.
    async fn check(&mut self) {
        self.list().await;
        for mailbox in 0..self.known.len() {
            self.look(mailbox).await;
        }
        let Ok(CallResult::Mailboxes(mailboxes)) = self.call(&Call::List).await else {
            panic!("both list mailboxes");
        };
        for mailbox in mailboxes.iter().filter(|mailbox| mailbox.mailbox_id != 0) {
            let name = mailbox.name.clone();
            self.call(&Call::Select { name }).await.unwrap();
            counters_are_right(&self.kit, self.real_user, &mailbox.name).await;
        }
    }
}

#[test]
fn any_sequence_of_calls_has_the_answers_of_the_mailboxes_in_memory() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kit = Some(runtime.block_on(TestStore::start()));
    let kit = std::cell::RefCell::new(kit);
    let round = std::cell::Cell::new(0);
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            round.set(round.get() + 1);
            // All cases share a database, with a user each; a failed case takes the database with it.
            let taken = kit.borrow_mut().take();
            runtime.block_on(async {
                let own = match taken {
                    Some(kit) => kit,
                    None => TestStore::start().await,
                };
                let mut world = World::start(own, round.get()).await;
                for step in steps {
                    world.take(step).await;
                }
                world.check().await;
                *kit.borrow_mut() = Some(world.kit);
            });
            Ok(())
        })
        .unwrap();
}
