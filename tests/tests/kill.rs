//! I11: any process may be killed at any time, Postgres included.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::harness::{Imap, Process, Smtp, System};

const MESSAGES: usize = 2_000;
const SENDERS: usize = 10;
const USERS: usize = 20;
/// Minimum duration of the load, so that there is something to kill.
const LASTS: Duration = Duration::from_secs(30);
const BETWEEN_KILLS: Duration = Duration::from_secs(1);

fn user(number: usize) -> String {
    format!("user{}@kill.test", number % USERS)
}

/// The state shared by the senders.
struct Load {
    next: AtomicUsize,
    /// Subjects of messages that got 250, by recipient.
    accepted: Mutex<BTreeMap<String, BTreeSet<String>>>,
    started: Instant,
}

impl Load {
    /// Sends until 2,000 messages have been accepted, spread over the time.
    fn send(&self, system: &System) {
        let mut connection = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= MESSAGES {
                return;
            }
            let due = LASTS.mul_f64(number as f64 / MESSAGES as f64);
            std::thread::sleep(due.saturating_sub(self.started.elapsed()));
            self.send_one(system, &mut connection, number);
        }
    }

    /// Tries until a 250 comes. A message without a reply may or may not have been accepted: each attempt is
    /// a message of its own.
    fn send_one(&self, system: &System, connection: &mut Option<Smtp>, number: usize) {
        let recipient = user(number);
        for attempt in 0.. {
            assert!(
                self.started.elapsed() < Duration::from_secs(300),
                "message {number}: still not accepted"
            );
            if connection.is_none() {
                *connection = Smtp::hello(system.smtp()).ok();
            }
            let subject = format!("m{number}-{attempt}");
            let message = format!("Subject: {subject}\r\n\r\n{}\r\n", "x".repeat(200));
            let sent = connection
                .as_mut()
                .map(|smtp| smtp.send("a@x.test", &[&recipient], message.as_bytes()));
            match sent {
                Some(Ok(reply)) if reply.code == 250 => {
                    self.accepted
                        .lock()
                        .unwrap()
                        .entry(recipient)
                        .or_default()
                        .insert(subject);
                    return;
                }
                // Refused temporarily, or disconnected: again on a new connection, a moment later.
                _ => *connection = None,
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn i11_two_thousand_messages_survive_a_kill_every_second() {
    let system = System::start();
    system.add_domain("kill.test");
    for number in 0..USERS {
        system.add_users(&[&user(number)]);
    }
    let load = Load {
        next: AtomicUsize::new(0),
        accepted: Mutex::default(),
        started: Instant::now(),
    };
    let done = AtomicBool::new(false);
    let killed = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| scope.spawn(|| load.send(&system)))
            .collect();
        let killer = scope.spawn(|| kill_until(&system, &done));
        let sent: Vec<_> = senders
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::SeqCst);
        let killed = killer.join().unwrap();
        assert!(sent.iter().all(Result::is_ok));
        killed
    });
    assert!(killed >= 20, "only {killed} processes were killed");

    // Whatever was being written when a process died is finished now, or never.
    system.await_empty_queue();
    let accepted = load.accepted.into_inner().unwrap();
    assert_eq!(
        accepted.values().map(BTreeSet::len).sum::<usize>(),
        MESSAGES
    );
    for (user, wanted) in accepted {
        let mut imap = Imap::inbox(system.ports().imap, &user).unwrap();
        let found = imap.field_of_all("Subject").unwrap();
        let distinct: BTreeSet<&String> = found.iter().collect();
        assert_eq!(
            distinct.len(),
            found.len(),
            "{user}: something was delivered twice"
        );
        let missing: Vec<&String> = wanted
            .iter()
            .filter(|subject| !distinct.contains(subject))
            .collect();
        assert!(missing.is_empty(), "{user}: accepted and lost: {missing:?}");
    }
}

/// Kills a random process each second; returns the number of kills.
fn kill_until(system: &System, done: &AtomicBool) -> usize {
    let mut random = StdRng::seed_from_u64(11);
    let mut killed = 0;
    while !done.load(Ordering::SeqCst) {
        std::thread::sleep(BETWEEN_KILLS);
        let process = Process::ALL[random.random_range(0..Process::ALL.len())];
        killed += usize::from(system.kill(process));
    }
    killed
}
