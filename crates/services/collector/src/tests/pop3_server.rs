//! A scripted POP3 server with faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use pop3_protocol::dots::Stuffer;
use session_io::{Connection, ServerTls, SessionError};
use test_kit::TestCertificate;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(super) const PASSWORD: &str = "pass word";

#[derive(Default)]
pub(super) struct State {
    pub(super) messages: Vec<(String, Vec<u8>)>,
    /// Drop the connection after this many octets were sent.
    pub(super) cut_after: Option<usize>,
    /// Octets sent in the last session.
    pub(super) said: usize,
    pub(super) ignores_dele: bool,
    pub(super) knows_no_top: bool,
    pub(super) offers_no_stls: bool,
    /// The reply to this verb never ends.
    pub(super) endless: Option<&'static str>,
    /// The size that LIST gives for every message.
    pub(super) listed_size: Option<u64>,
    /// Lines of LIST and UIDL by number of the message, instead of the right ones.
    pub(super) odd_sizes: HashMap<usize, &'static [u8]>,
    pub(super) odd_uidls: HashMap<usize, Vec<u8>>,
    /// Commands that are refused.
    pub(super) refuses: Vec<&'static str>,
    /// RETR always returns this message, whatever `withholds` says.
    pub(super) gives: Option<usize>,
    /// RETR is refused for messages with this text.
    pub(super) withholds: Option<&'static str>,
    /// The message with this text is cut after this many octets, and the connection with it.
    pub(super) poisoned: Vec<(&'static str, usize)>,
    /// Messages with this text are sent unchanged, whatever their line ends and dots.
    pub(super) raw: Option<&'static str>,
    /// Sent unsolicited after the reply to DELE of this message.
    pub(super) unasked: HashMap<usize, &'static [u8]>,
    /// Each session has other UIDLs, which begin with this and its number.
    pub(super) renumbers: Option<&'static str>,
    pub(super) sessions: usize,
    /// Prepended to each message from the second session on.
    pub(super) grows: &'static str,
    pub(super) greeting: Option<String>,
    /// QUIT is refused.
    pub(super) refuses_quit: bool,
    /// Commands of all sessions.
    pub(super) commands: Vec<String>,
}

impl State {
    /// A message as this session returns it.
    fn shown(&self, bytes: &[u8]) -> Vec<u8> {
        let grown = if self.sessions > 1 { self.grows } else { "" };
        [grown.as_bytes(), bytes].concat()
    }

    /// How often this verb was received.
    pub(super) fn count(&self, verb: &str) -> usize {
        let said = self.commands.iter();
        said.filter(|command| command.split(' ').next() == Some(verb))
            .count()
    }
}

pub(super) struct Pop3Server {
    state: Arc<Mutex<State>>,
    port: u16,
    task: JoinHandle<()>,
}

impl Pop3Server {
    pub(super) async fn start(
        certificate: &TestCertificate,
        protocol: &str,
        messages: &[(&str, &[u8])],
    ) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        // `localhost` may be either.
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = certificate.server_config();
        let implicit = protocol == "pop3s";
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let connection = Connection::new(socket).unwrap();
                let mut session = Session::new(connection, Arc::clone(&shared), Arc::clone(&tls));
                // The client checks how it ends.
                let _ = session.run(implicit).await;
            }
        });
        let server = Self { state, port, task };
        for (uidl, bytes) in messages {
            server.put(uidl, bytes);
        }
        server
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn put(&self, uidl: &str, bytes: &[u8]) {
        self.state()
            .messages
            .push((uidl.to_owned(), bytes.to_vec()));
    }

    pub(super) fn uidls(&self) -> Vec<String> {
        let state = self.state();
        state
            .messages
            .iter()
            .map(|(uidl, _)| uidl.clone())
            .collect()
    }
}

impl Drop for Pop3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Session {
    connection: Connection,
    state: Arc<Mutex<State>>,
    tls: Arc<ServerTls>,
    messages: Vec<(String, Vec<u8>)>,
    deleted: Vec<bool>,
    said: usize,
}

impl Session {
    fn new(connection: Connection, state: Arc<Mutex<State>>, tls: Arc<ServerTls>) -> Self {
        let messages = {
            let mut state = state.lock().unwrap();
            state.sessions += 1;
            state.messages.clone()
        };
        Self {
            deleted: vec![false; messages.len()],
            connection,
            state,
            tls,
            messages,
            said: 0,
        }
    }

    async fn run(&mut self, implicit: bool) -> Result<(), SessionError> {
        if implicit {
            self.connection.start_tls(&self.tls).await?;
        }
        let greeting = self.state.lock().unwrap().greeting.clone();
        let greeting = greeting.unwrap_or_else(|| "+OK scripted\r\n".to_owned());
        self.say(greeting.as_bytes()).await?;
        loop {
            let Some(line) = self.line().await? else {
                return Ok(());
            };
            self.state.lock().unwrap().commands.push(line.clone());
            let endless = self.state.lock().unwrap().endless;
            if endless.is_some_and(|verb| line.starts_with(verb)) {
                self.say(b"+OK\r\n").await?;
                let much = b"X: y\r\n".repeat(1000);
                // Until the client has gone.
                loop {
                    self.say(&much).await?;
                }
            }
            let answer = self.answer(&line);
            let cut = self.cut(&line, &answer);
            self.say(&answer[..cut.unwrap_or(answer.len())]).await?;
            if cut.is_some() {
                return Err(SessionError::Closed);
            }
            self.say_unasked(&line).await?;
            match line.as_str() {
                "STLS" => self.connection.start_tls(&self.tls).await?,
                "QUIT" => return Ok(()),
                _ => {}
            }
        }
    }

    async fn say_unasked(&mut self, line: &str) -> Result<(), SessionError> {
        let number = line
            .strip_prefix("DELE ")
            .and_then(|number| number.parse().ok());
        let unasked = number.and_then(|number: usize| {
            let state = self.state.lock().unwrap();
            state.unasked.get(&number).copied()
        });
        match unasked {
            Some(unasked) => self.say(unasked).await,
            None => Ok(()),
        }
    }

    async fn line(&mut self) -> Result<Option<String>, SessionError> {
        loop {
            let input = self.connection.input();
            if let Some(end) = input.iter().position(|&byte| byte == b'\n') {
                let line = input.split_to(end + 1);
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            if self.connection.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Sends as much as the script allows.
    async fn say(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let left = {
            let mut state = self.state.lock().unwrap();
            let left = state.cut_after.map(|cut| cut - self.said);
            self.said += bytes.len().min(left.unwrap_or(usize::MAX));
            state.said = self.said;
            left
        };
        match left {
            Some(left) if left < bytes.len() => {
                self.connection.write(&bytes[..left]).await?;
                Err(SessionError::Closed)
            }
            _ => self.connection.write(bytes).await,
        }
    }

    fn answer(&mut self, line: &str) -> Vec<u8> {
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default();
        let index = words.next().and_then(|word| word.parse::<usize>().ok());
        let state = self.state.lock().unwrap();
        let ok = || b"+OK\r\n".to_vec();
        let refused = || b"-ERR no\r\n".to_vec();
        match (verb, index) {
            _ if state.refuses.contains(&verb) => refused(),
            ("QUIT", _) if state.refuses_quit => refused(),
            ("CAPA", _) if state.offers_no_stls => b"+OK\r\nUIDL\r\n.\r\n".to_vec(),
            ("CAPA", _) => b"+OK\r\nUIDL\r\nSTLS\r\n.\r\n".to_vec(),
            ("PASS", _) if line != format!("PASS {PASSWORD}") => b"-ERR [AUTH] no\r\n".to_vec(),
            ("STLS" | "USER" | "PASS", _) => ok(),
            ("UIDL", _) => self.listing(|number, (uidl, _)| match state.renumbers {
                _ if state.odd_uidls.contains_key(&number) => state.odd_uidls[&number].clone(),
                Some(prefix) => format!("{number} {prefix}{}-{number}", state.sessions).into(),
                None => format!("{number} {uidl}").into(),
            }),
            ("LIST", _) => self.listing(|number, (_, bytes)| {
                if let Some(odd) = state.odd_sizes.get(&number) {
                    return odd.to_vec();
                }
                let size = state.listed_size.unwrap_or(bytes.len() as u64);
                format!("{number} {size}").into()
            }),
            ("TOP", _) if state.knows_no_top => refused(),
            ("TOP", Some(number)) => {
                let bytes = state.shown(&self.messages[number - 1].1);
                let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                multiline(&bytes[..end.map_or(bytes.len(), |end| end + 4)])
            }
            ("RETR", Some(number)) => {
                let bytes = state.shown(&self.messages[number - 1].1);
                match state.raw {
                    _ if state.gives != Some(number)
                        && state.withholds.is_some_and(|word| has(&bytes, word)) =>
                    {
                        refused()
                    }
                    Some(raw) if has(&bytes, raw) => [b"+OK\r\n", &bytes[..]].concat(),
                    _ => multiline(&bytes),
                }
            }
            ("RSET", _) => {
                self.deleted.fill(false);
                ok()
            }
            ("DELE", Some(number)) => {
                self.deleted[number - 1] = !state.ignores_dele;
                ok()
            }
            ("QUIT", _) => {
                drop(state);
                self.commit();
                ok()
            }
            _ => refused(),
        }
    }

    fn listing(&self, line: impl Fn(usize, &(String, Vec<u8>)) -> Vec<u8>) -> Vec<u8> {
        let mut answer = b"+OK\r\n".to_vec();
        for (index, message) in self.messages.iter().enumerate() {
            answer.extend(line(index + 1, message));
            answer.extend_from_slice(b"\r\n");
        }
        answer.extend_from_slice(b".\r\n");
        answer
    }

    /// Where the reply to RETR ends early.
    fn cut(&self, line: &str, answer: &[u8]) -> Option<usize> {
        if !line.starts_with("RETR ") {
            return None;
        }
        let state = self.state.lock().unwrap();
        let mut poisoned = state.poisoned.iter();
        let (_, after) = poisoned.find(|(octets, _)| has(answer, octets))?;
        Some(*after)
    }

    fn commit(&self) {
        let mut state = self.state.lock().unwrap();
        let listed = self.messages.iter().zip(&self.deleted);
        for (message, _) in listed.filter(|(_, deleted)| **deleted) {
            state.messages.retain(|kept| kept != message);
        }
    }
}

fn has(bytes: &[u8], part: &str) -> bool {
    let mut windows = bytes.windows(part.len());
    windows.any(|window| window == part.as_bytes())
}

fn multiline(bytes: &[u8]) -> Vec<u8> {
    let mut answer = "+OK\r\n".into();
    let mut stuffer = Stuffer::default();
    stuffer.push(bytes, &mut answer);
    stuffer.finish(&mut answer);
    answer.to_vec()
}
