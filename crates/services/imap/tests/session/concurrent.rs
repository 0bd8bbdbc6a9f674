//! Several sessions change one mailbox at once. Each client counts by the responses; in the end all must see
//! the same as a new client.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::running::Running;

const SESSIONS: u64 = 5;
const STEPS: u32 = 60;

/// A client that applies every untagged response.
struct Counting {
    client: Client,
    /// UIDs by sequence number; 0 where none is known.
    uids: Vec<u32>,
    /// The message that the client means in the running command: the one with this number when it wrote the
    /// command, whatever it learns meanwhile (RFC 3501 §7.4.1).
    meant: u32,
    /// How often a response named the intended message.
    named: usize,
    flags: BTreeMap<u32, String>,
    random: u64,
}

impl Counting {
    async fn open(running: &Running, seed: u64) -> Self {
        let mut counting = Self {
            client: running.log_in().await,
            uids: Vec::new(),
            meant: 0,
            named: 0,
            flags: BTreeMap::new(),
            random: seed,
        };
        counting.command("SELECT INBOX").await;
        counting
    }

    /// A number below `limit`; the same on every run.
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    async fn command(&mut self, command: &str) {
        self.client.send(format!("a {command}\r\n")).await;
        loop {
            let line = self.client.line().await.expect("an answer");
            if let Some(answer) = line.strip_prefix("a ") {
                let gone = answer.starts_with("NO [EXPUNGEISSUED]");
                assert!(answer.starts_with("OK") || gone, "{command}: {line}");
                return;
            }
            self.believe(command, &line);
        }
    }

    fn believe(&mut self, command: &str, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match *words.as_slice() {
            ["*", "OK", "[COPYUID", _, from, ..] | ["*", "SEARCH", from] => {
                // In an empty mailbox no message was meant.
                if self.meant != 0 {
                    assert_eq!(from, self.meant.to_string(), "{command}: {line}");
                    self.named += 1;
                }
                return;
            }
            _ => {}
        }
        let Some(number) = words.get(1).and_then(|word| word.parse::<usize>().ok()) else {
            return;
        };
        match words[2] {
            "EXISTS" => {
                assert!(number >= self.uids.len(), "{command}: {line}");
                self.uids.resize(number, 0);
            }
            "EXPUNGE" => {
                let by_place = ["FETCH", "STORE", "SEARCH"];
                let forbidden = by_place.iter().any(|verb| command.starts_with(verb));
                assert!(!forbidden, "{command}: {line}");
                self.uids.remove(number - 1);
            }
            "FETCH" => {
                let told = line.split_once("UID ").map(|(_, behind)| behind);
                let uid = told.and_then(|told| told.split([' ', ')']).next()?.parse().ok());
                let Some(uid) = uid else { return };
                let known = &mut self.uids[number - 1];
                assert!(*known == 0 || *known == uid, "{command}: {line}");
                *known = uid;
                if let Some((_, flags)) = line.split_once("FLAGS (") {
                    let flags = flags.split(')').next().unwrap_or_default();
                    // `\Recent` differs between sessions.
                    let shared = flags.split(' ').filter(|flag| *flag != "\\Recent");
                    self.flags.insert(uid, shared.collect::<Vec<_>>().join(" "));
                }
            }
            _ => {}
        }
    }

    /// Finds out the UID at a sequence number if it is unknown. The numbers stay: no FETCH sends an EXPUNGE,
    /// and those held back apply to the next command.
    async fn mean(&mut self, place: u64) {
        let at = place as usize - 1;
        if self.uids.get(at) == Some(&0) {
            self.command(&format!("FETCH {place} (UID)")).await;
        }
        self.meant = self.uids.get(at).copied().unwrap_or(0);
    }

    async fn step(&mut self) {
        let place = 1 + self.below(self.uids.len().max(1) as u64);
        self.mean(place).await;
        let command = match self.below(11) {
            0..=2 => "APPEND INBOX {3+}\r\nx: ".to_owned(),
            3 => format!("STORE {place} +FLAGS (\\Deleted)"),
            4 => format!("STORE {place}:* FLAGS ($A)"),
            5 => "EXPUNGE".to_owned(),
            6 => format!("FETCH {place} (UID BODY[TEXT]<0.1>)"),
            7 | 8 => format!("MOVE {place} Trash"),
            9 => format!("UID SEARCH {place}"),
            _ => format!("UID FETCH {place}:* (FLAGS)"),
        };
        self.command(&command).await;
    }

    /// The client's state once everything has been reported.
    async fn belief(&mut self) -> (Vec<u32>, Vec<String>) {
        self.command("NOOP").await;
        self.command("FETCH 1:* (UID FLAGS)").await;
        let flags = self.uids.iter().map(|uid| self.flags[uid].clone());
        (self.uids.clone(), flags.collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_change_a_mailbox_at_once_agree_in_the_end() {
    let running = Running::start().await;
    let mut tasks = Vec::new();
    for seed in 0..SESSIONS {
        let mut counting = Counting::open(&running, seed).await;
        tasks.push(tokio::spawn(async move {
            for _ in 0..STEPS {
                counting.step().await;
            }
            counting
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    // Otherwise nothing was compared.
    let named: usize = all.iter().map(|counting| counting.named).sum();
    assert!(named > 0);
    let expected = Counting::open(&running, 0).await.belief().await;
    for counting in &mut all {
        assert_eq!(counting.belief().await, expected);
    }
}
