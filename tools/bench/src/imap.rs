//! A minimal IMAP client for measurements.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A logged-in IMAP connection.
pub(crate) struct Imap {
    reader: BufReader<TcpStream>,
    line: String,
}

impl Imap {
    /// Connects and logs in.
    pub(crate) fn login(port: u16, user: &str) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut imap = Self {
            reader: BufReader::new(stream),
            line: String::new(),
        };
        imap.read()?;
        imap.command(&format!("LOGIN \"{user}\" \"pw\""))?;
        Ok(imap)
    }

    /// Runs one command; returns its untagged lines.
    pub(crate) fn command(&mut self, command: &str) -> Result<Vec<String>> {
        self.write(&format!("tag-1 {command}\r\n"))?;
        let mut untagged = Vec::new();
        loop {
            self.read()?;
            if let Some(rest) = self.line.strip_prefix("tag-1 ") {
                if !rest.starts_with("OK") {
                    bail!("{command}: {}", rest.trim_end());
                }
                return Ok(untagged);
            }
            untagged.push(self.line.clone());
        }
    }

    /// Messages in INBOX.
    pub(crate) fn count(&mut self) -> Result<usize> {
        let lines = self.command("STATUS INBOX (MESSAGES)")?;
        lines
            .iter()
            .find_map(|line| {
                line.split_once("MESSAGES ")?
                    .1
                    .split(')')
                    .next()?
                    .parse()
                    .ok()
            })
            .context("STATUS without MESSAGES")
    }

    /// Starts IDLE.
    pub(crate) fn idle(&mut self) -> Result<()> {
        self.write("i IDLE\r\n")?;
        while !self.line.starts_with('+') {
            self.read()?;
        }
        Ok(())
    }

    /// Waits for a new message while idling.
    pub(crate) fn await_exists(&mut self) -> Result<()> {
        loop {
            self.read()?;
            if self.line.trim_end().ends_with(" EXISTS") {
                return Ok(());
            }
        }
    }

    /// Ends IDLE.
    pub(crate) fn done(&mut self) -> Result<()> {
        self.write("DONE\r\n")?;
        while !self.line.starts_with("i ") {
            self.read()?;
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<()> {
        Ok(self.reader.get_mut().write_all(text.as_bytes())?)
    }

    fn read(&mut self) -> Result<()> {
        self.line.clear();
        if self.reader.read_line(&mut self.line)? == 0 {
            bail!("the IMAP server closed the connection");
        }
        Ok(())
    }
}
