//! A minimal IMAP client, for frequent queries and for use under load. Features of real clients are tested
//! with real clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// A session with INBOX selected.
#[derive(Debug)]
pub struct Imap {
    reader: BufReader<TcpStream>,
    tag: u32,
}

impl Imap {
    /// Logs in with the password `secret` and selects INBOX.
    pub fn inbox(port: u16, user: &str) -> std::io::Result<Self> {
        Self::inbox_by(port, user, "secret")
    }

    /// The same with another password.
    pub fn inbox_by(port: u16, user: &str, password: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut imap = Self {
            reader: BufReader::new(stream),
            tag: 0,
        };
        imap.line()?;
        imap.command(&format!("LOGIN {user} {password}"))?;
        imap.command("SELECT INBOX")?;
        Ok(imap)
    }

    /// Sends a command; returns everything before its OK.
    pub fn command(&mut self, command: &str) -> std::io::Result<Vec<u8>> {
        self.tag += 1;
        let tag = format!("a{} ", self.tag);
        self.reader
            .get_mut()
            .write_all(format!("{tag}{command}\r\n").as_bytes())?;
        let mut all = Vec::new();
        loop {
            let line = self.line()?;
            if let Some(result) = line.strip_prefix(tag.as_bytes()) {
                if result.starts_with(b"OK") {
                    return Ok(all);
                }
                let result = String::from_utf8_lossy(result).into_owned();
                return Err(std::io::Error::other(format!("{command}: {result}")));
            }
            let literal = literal_length(&line);
            all.extend_from_slice(&line);
            if let Some(length) = literal {
                let start = all.len();
                all.resize(start + length, 0);
                self.reader.read_exact(&mut all[start..])?;
            }
        }
    }

    fn line(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line)
    }

    /// All UIDs of the mailbox.
    pub fn uids(&mut self) -> std::io::Result<Vec<u32>> {
        let answer = self.command("UID SEARCH ALL")?;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let found = text.lines().find_map(|line| line.strip_prefix("* SEARCH"));
        Ok(found
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|uid| uid.parse().ok())
            .collect())
    }

    /// The octets of the only literal in the response.
    fn literal(&mut self, command: &str) -> std::io::Result<Vec<u8>> {
        let answer = self.command(command)?;
        let line_end = answer
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        let length = literal_length(&answer[..line_end])
            .ok_or_else(|| std::io::Error::other(format!("{command}: no literal")))?;
        Ok(answer[line_end..line_end + length].to_vec())
    }

    /// A whole message.
    pub fn message(&mut self, uid: u32) -> std::io::Result<Vec<u8>> {
        self.literal(&format!("UID FETCH {uid} BODY.PEEK[]"))
    }

    /// The content of a part, still encoded.
    pub fn part(&mut self, uid: u32, path: &str) -> std::io::Result<Vec<u8>> {
        self.literal(&format!("UID FETCH {uid} BODY.PEEK[{path}]"))
    }

    /// The values of one header field, of all messages.
    pub fn field_of_all(&mut self, name: &str) -> std::io::Result<Vec<String>> {
        let answer = self.command(&format!("UID FETCH 1:* BODY.PEEK[HEADER.FIELDS ({name})]"))?;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let start = format!("{}:", name.to_ascii_lowercase());
        Ok(text
            .lines()
            .filter(|line| line.to_ascii_lowercase().starts_with(&start))
            .map(|line| line[start.len()..].trim().to_owned())
            .collect())
    }
}

fn literal_length(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let at = line.iter().rposition(|&byte| byte == b'{')?;
    std::str::from_utf8(&line[at + 1..]).ok()?.parse().ok()
}
