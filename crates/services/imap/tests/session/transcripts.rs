//! Transcripts. `C:` and `S:` are the first client, `C2:` and `S2:` the second; both are logged in unless the
//! transcript does so by `X: log in`. `C-` sends without a line end. `X:` is an event of the store, or `X:
//! closed`: the server has closed the connection. `…` stands for any text.

use std::collections::HashMap;
use std::path::Path;

use crate::client::Client;
use crate::fake::messages;
use crate::running::Running;

struct Play {
    running: Running,
    clients: HashMap<String, Client>,
    unsent: Vec<(String, Vec<u8>)>,
    by_octet: bool,
}

impl Play {
    async fn client(&mut self, number: &str) -> &mut Client {
        if !self.clients.contains_key(number) {
            let client = self.running.connect().await;
            self.clients.insert(number.to_owned(), client);
        }
        self.clients.get_mut(number).unwrap()
    }

    fn say(&mut self, number: &str, octets: &[u8]) {
        match self.unsent.last_mut() {
            Some((last, unsent)) if last == number => unsent.extend_from_slice(octets),
            _ => self.unsent.push((number.to_owned(), octets.to_vec())),
        }
    }

    /// Sends adjacent lines in one piece, like a client that pipelines.
    async fn send(&mut self) {
        for (number, octets) in std::mem::take(&mut self.unsent) {
            let step = if self.by_octet { 1 } else { octets.len() };
            for piece in octets.chunks(step) {
                self.client(&number).await.send(piece).await;
            }
        }
    }

    async fn line(&mut self, line: &str) {
        let (word, text) = line.split_once([':', '-']).unwrap();
        let text = text.strip_prefix(' ').unwrap_or(text);
        match word.split_at(1) {
            ("C", number) if line[word.len()..].starts_with('-') => {
                self.say(number, &unescaped(text));
            }
            ("C", number) => self.say(number, &[&unescaped(text), &b"\r\n"[..]].concat()),
            ("S", number) => {
                self.send().await;
                self.client(number).await.expect(text).await;
            }
            ("X", number) => {
                self.send().await;
                self.event(number, text).await;
            }
            _ => panic!("what is {line:?}?"),
        }
    }

    async fn event(&mut self, number: &str, text: &str) {
        let words: Vec<&str> = text.split(' ').collect();
        let store = self.running.store.clone();
        match *words.as_slice() {
            ["log", "in"] => {
                let client = self.running.log_in().await;
                self.clients.insert(number.to_owned(), client);
            }
            ["closed"] => {
                let line = self.client(number).await.line().await;
                assert_eq!(line, None, "the server goes on");
            }
            ["deliver", mailbox, name] => store.deliver(mailbox, &messages::named(name)),
            ["expunge", mailbox, uid] => store.remove(mailbox, uid.parse().unwrap()),
            ["flag", mailbox, uid, bits] => {
                store.flag(mailbox, uid.parse().unwrap(), bits.parse().unwrap());
            }
            ["keyword", mailbox, uid, keyword] => {
                store.keyword(mailbox, uid.parse().unwrap(), keyword);
            }
            ["drop", mailbox] => store.drop_mailbox(mailbox),
            ["down"] => store.faults().down = true,
            ["up"] => store.faults().down = false,
            ["fetch", "fails"] => store.faults().fetch_fails = true,
            ["fetch", "works"] => store.faults().fetch_fails = false,
            ["hush"] => store.faults().hushed = true,
            ["break", "watch"] => store.break_watch(),
            ["shut", "down"] => self.running.shut_down(),
            ["count"] => store.forget_calls(),
            ["calls", expected] => {
                let calls = self.running.store.calls();
                assert_eq!(calls.to_string(), expected, "calls of the store");
            }
            _ => panic!("what is {text:?}?"),
        }
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\\x") {
        octets.extend_from_slice(before.as_bytes());
        let (digits, behind) = behind.split_at(2);
        octets.push(u8::from_str_radix(digits, 16).unwrap());
        rest = behind;
    }
    octets.extend_from_slice(rest.as_bytes());
    octets
}

async fn play(path: &Path, by_octet: bool) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut play = Play {
        running: Running::start().await,
        clients: HashMap::new(),
        unsent: Vec::new(),
        by_octet,
    };
    for line in text.lines() {
        if !(line.is_empty() || line.starts_with('#')) {
            play.line(line).await;
        }
    }
    play.send().await;
    for (_, client) in play.clients {
        client.expect_end().await;
    }
}

async fn play_all(by_octet: bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut failed = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let played = tokio::spawn(async move { play(&path, by_octet).await });
        if played.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "these fail: {failed:#?}");
}

#[tokio::test]
async fn sessions_go_as_written() {
    play_all(false).await;
}

#[tokio::test]
async fn sessions_go_as_written_octet_by_octet() {
    play_all(true).await;
}
