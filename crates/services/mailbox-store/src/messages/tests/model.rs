//! Any sequence of operations leaves what a simple model says, and a client that only asks for
//! changes always knows what one that opens the mailbox anew knows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const NAMES: [&str; 2] = ["INBOX", "Junk"];

#[derive(Debug, Clone)]
enum Step {
    Append {
        mailbox: usize,
        system: i32,
    },
    Deliver {
        mailbox: usize,
        again: bool,
    },
    Store {
        mailbox: usize,
        uids: Vec<u32>,
        mode: Mode,
        system: i32,
    },
    Expunge {
        mailbox: usize,
        uids: Vec<u32>,
    },
    Copy {
        from: usize,
        to: usize,
        uids: Vec<u32>,
    },
    Move {
        from: usize,
        to: usize,
        uids: Vec<u32>,
    },
    /// The client asks for changes.
    Look {
        mailbox: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mailbox = 0..NAMES.len();
    let set = || prop::collection::vec(1u32..12, 0..6);
    let mode = prop_oneof![Just(Mode::Replace), Just(Mode::Add), Just(Mode::Remove)];
    let system = || (0i32..4).prop_map(|n| [0, flag::SEEN, flag::DELETED, 9][n as usize]);
    let step = prop_oneof![
        3 => (mailbox.clone(), system()).prop_map(|(mailbox, system)| Step::Append { mailbox, system }),
        3 => (mailbox.clone(), any::<bool>()).prop_map(|(mailbox, again)| Step::Deliver { mailbox, again }),
        4 => (mailbox.clone(), set(), mode, system())
            .prop_map(|(mailbox, uids, mode, system)| Step::Store { mailbox, uids, mode, system }),
        2 => (mailbox.clone(), set()).prop_map(|(mailbox, uids)| Step::Expunge { mailbox, uids }),
        2 => (mailbox.clone(), mailbox.clone(), set()).prop_map(|(from, to, uids)| Step::Copy { from, to, uids }),
        2 => (mailbox.clone(), mailbox.clone(), set()).prop_map(|(from, to, uids)| Step::Move { from, to, uids }),
        4 => mailbox.prop_map(|mailbox| Step::Look { mailbox }),
    ];
    prop::collection::vec(step, 1..25)
}

/// A mailbox as it should be: flags by UID.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    messages: BTreeMap<u32, i32>,
    given: u32,
}

impl Model {
    fn add(&mut self, system: i32) -> u32 {
        self.given += 1;
        self.messages.insert(self.given, system);
        self.given
    }

    fn named(&self, uids: &[u32]) -> Vec<u32> {
        self.messages
            .keys()
            .filter(|uid| uids.contains(uid))
            .copied()
            .collect()
    }
}

/// What a client knows that was told changes alone.
#[derive(Debug, Default)]
struct Client {
    modseq: u64,
    messages: BTreeMap<u32, i32>,
}

struct World {
    kit: TestStore,
    user: i64,
    ids: Vec<i64>,
    models: Vec<Model>,
    clients: Vec<Client>,
    body: i64,
    last_delivery: Option<(crate::deliver::Delivery, u32)>,
}

impl World {
    async fn start(kit: TestStore, round: u32) -> Self {
        let address = format!("bob{round}@example.test");
        let user = kit.user(&address).await;
        let body = kit.body(MESSAGE).await;
        let mut ids = Vec::new();
        for mailbox in NAMES {
            ids.push(kit.mailbox_id(user, mailbox).await);
        }
        Self {
            kit,
            user,
            ids,
            models: vec![Model::default(); NAMES.len()],
            clients: NAMES.map(|_| Client::default()).into(),
            body,
            last_delivery: None,
        }
    }

    async fn take(&mut self, address: &str, step: Step) {
        match step {
            Step::Append { mailbox, system } => {
                let uid = self
                    .kit
                    .append_with(self.user, NAMES[mailbox], MESSAGE, system, &[])
                    .await;
                assert_eq!(uid, self.models[mailbox].add(system));
            }
            Step::Deliver { mailbox, again } => self.deliver(address, mailbox, again).await,
            Step::Store {
                mailbox,
                uids: set,
                mode,
                system,
            } => {
                self.kit
                    .flag(self.ids[mailbox], &uids(&set), mode, system)
                    .await;
                for uid in self.models[mailbox].named(&set) {
                    let flags = self.models[mailbox].messages.get_mut(&uid).unwrap();
                    *flags = match mode {
                        Mode::Replace => system,
                        Mode::Add => *flags | system,
                        Mode::Remove => *flags & !system,
                    };
                }
            }
            Step::Expunge { mailbox, uids: set } => {
                let set = uids(&set);
                let gone = expunge(&self.kit.store, self.ids[mailbox], &set)
                    .await
                    .unwrap()
                    .uids;
                let mut expected = Vec::new();
                self.models[mailbox].messages.retain(|uid, flags| {
                    let goes = set.contains(*uid) && *flags & flag::DELETED != 0;
                    expected.extend(goes.then_some(*uid));
                    !goes
                });
                assert_eq!(gone, expected);
            }
            Step::Copy { from, to, uids } => self.transfer(from, to, &uids, false).await,
            Step::Move { from, to, uids } => self.transfer(from, to, &uids, true).await,
            Step::Look { mailbox } => self.look(mailbox).await,
        }
    }

    async fn deliver(&mut self, address: &str, mailbox: usize, again: bool) {
        if let (true, Some((delivery, uid))) = (again, self.last_delivery.clone()) {
            let results = self.kit.deliver(vec![delivery]).await;
            assert_eq!(results[0].uid, uid);
            return;
        }
        let mut delivery = self.kit.delivery(address, self.body);
        delivery.mailbox = name(NAMES[mailbox]);
        let uid = self.kit.deliver(vec![delivery.clone()]).await[0].uid;
        assert_eq!(uid, self.models[mailbox].add(0));
        self.last_delivery = Some((delivery, uid));
    }

    async fn transfer(&mut self, from: usize, to: usize, set: &[u32], removing: bool) {
        let (store, id, target) = (&self.kit.store, self.ids[from], name(NAMES[to]));
        let set = uids(set);
        let done = if removing {
            move_messages(store, id, &set, self.user, &target)
                .await
                .unwrap()
        } else {
            copy(store, id, &set, self.user, &target).await.unwrap()
        };
        let named: Vec<(u32, i32)> = self.models[from]
            .messages
            .iter()
            .filter(|(uid, _)| set.contains(**uid))
            .map(|(uid, flags)| (*uid, *flags))
            .collect();
        let to_uids: Vec<u32> = named
            .iter()
            .map(|(_, flags)| self.models[to].add(*flags))
            .collect();
        let from_uids: Vec<u32> = named.iter().map(|(uid, _)| *uid).collect();
        if removing {
            self.models[from]
                .messages
                .retain(|uid, _| !from_uids.contains(uid));
        }
        assert_eq!((done.from_uids, done.to_uids), (from_uids, to_uids));
    }

    /// The client takes in what changed; then it knows all.
    async fn look(&mut self, mailbox: usize) {
        let client = &mut self.clients[mailbox];
        let told = changes(&self.kit.store, self.ids[mailbox], client.modseq)
            .await
            .unwrap();
        let gone = UidSet::parse(&told.expunged).unwrap();
        client.messages.retain(|uid, _| !gone.contains(*uid));
        for message in told.changed {
            assert!(message.modseq > client.modseq);
            let flags = message.flags.unwrap();
            client
                .messages
                .insert(message.uid, i32::try_from(flags.system).unwrap());
        }
        client.modseq = told.state.unwrap().highest_modseq;
        assert_eq!(client.messages, self.models[mailbox].messages);
    }

    async fn check(&mut self) {
        for (mailbox, name) in NAMES.into_iter().enumerate() {
            self.look(mailbox).await;
            let selected = self.kit.select(self.user, name).await;
            let seen: BTreeMap<u32, i32> = selected
                .messages
                .iter()
                .map(|message| {
                    let flags = message.flags.as_ref().unwrap();
                    (message.uid, i32::try_from(flags.system).unwrap())
                })
                .collect();
            assert_eq!(seen, self.models[mailbox].messages);
            assert_eq!(selected.state.uid_next, self.models[mailbox].given + 1);
            counters_are_right(&self.kit, self.user, name).await;
        }
    }
}

#[test]
fn any_sequence_of_operations_leaves_what_the_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kit = Some(runtime.block_on(TestStore::start()));
    let kit = std::cell::RefCell::new(kit);
    let round = std::cell::Cell::new(0);
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            round.set(round.get() + 1);
            let address = format!("bob{}@example.test", round.get());
            // One database for all cases, a user for each; a case that failed takes it with it.
            let taken = kit.borrow_mut().take();
            runtime.block_on(async {
                let own = match taken {
                    Some(kit) => kit,
                    None => TestStore::start().await,
                };
                let mut world = World::start(own, round.get()).await;
                for step in steps {
                    world.take(&address, step).await;
                }
                world.check().await;
                *kit.borrow_mut() = Some(world.kit);
            });
            Ok(())
        })
        .unwrap();
}
