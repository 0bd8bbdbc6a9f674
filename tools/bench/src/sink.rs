//! An SMTP server that accepts and discards everything: the target of relayed mail.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

/// A running sink; its threads end with the process.
pub(crate) struct Sink {
    port: u16,
    received: Arc<AtomicUsize>,
}

impl Sink {
    /// Listens on a port chosen by the system.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || {
                    // A closed connection is no error.
                    let _ = serve(stream, &counter);
                });
            }
        });
        Ok(Self { port, received })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Messages received so far.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}

fn serve(stream: TcpStream, counter: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut line = Vec::new();
    writer.write_all(b"220 sink.test ESMTP\r\n")?;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_slice() {
            b"EHLO" => writer.write_all(b"250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n")?,
            b"DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                loop {
                    line.clear();
                    if reader.read_until(b'\n', &mut line)? == 0 {
                        return Ok(());
                    }
                    if line == b".\r\n" {
                        break;
                    }
                }
                counter.fetch_add(1, Ordering::Relaxed);
                writer.write_all(b"250 2.0.0 gone\r\n")?;
            }
            b"QUIT" => {
                writer.write_all(b"221 2.0.0 bye\r\n")?;
                return Ok(());
            }
            _ => writer.write_all(b"250 2.0.0 ok\r\n")?,
        }
    }
}
