//! Reading secrets: from standard input, or from a terminal without echo.

use std::io::{BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// Longer than any secret the services take.
const LONGEST: u64 = 64 << 10;

/// Reads a new password: all of standard input when told so, else by asking twice.
pub(crate) fn new_password(from_stdin: bool, of: &str) -> Result<String, Failure> {
    if from_stdin {
        return password(std::io::stdin().lock());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "there is no terminal to ask on; give the password by --password-stdin".to_owned(),
        ));
    }
    let first = ask(&format!("Password for {of}: "))?;
    let again = ask("Again: ")?;
    if first != again {
        return Err(Failure::refused(
            "the passwords differ; nothing was changed",
        ));
    }
    not_empty(first)
}

/// Reads a secret as octets: all of standard input when it is no terminal, else by asking.
pub(crate) fn secret(of: &str) -> Result<Vec<u8>, Failure> {
    let stdin = std::io::stdin();
    let text = if stdin.is_terminal() {
        ask(&format!("Value of {of}: "))?
    } else {
        return octets(stdin.lock());
    };
    not_empty(text).map(String::into_bytes)
}

/// A line's end is not part of the password: `echo`, `pass` and editors add it.
fn password(input: impl Read) -> Result<String, Failure> {
    let octets = octets(input)?;
    String::from_utf8(octets).map_err(|_| Failure::refused("the password is not UTF-8"))
}

fn octets(input: impl Read) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    input
        .take(LONGEST + 1)
        .read_to_end(&mut octets)
        .map_err(|error| Failure::System(format!("standard input cannot be read: {error}")))?;
    if octets.len() as u64 > LONGEST {
        return Err(Failure::refused("that is longer than 64 KiB"));
    }
    if octets.ends_with(b"\n") {
        octets.pop();
        if octets.ends_with(b"\r") {
            octets.pop();
        }
    }
    if octets.is_empty() {
        return Err(Failure::refused("that is empty"));
    }
    Ok(octets)
}

fn not_empty(text: String) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::refused("that is empty; nothing was changed"));
    }
    Ok(text)
}

/// Asks on the terminal, which is set back to how it was even when reading fails.
fn ask(question: &str) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::System(format!("the terminal: {error}"));
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin).map_err(|error| failed(error.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    let mut stderr = std::io::stderr();
    write!(stderr, "{question}")
        .and_then(|()| stderr.flush())
        .map_err(failed)?;
    tcsetattr(&stdin, OptionalActions::Flush, &silent).map_err(|error| failed(error.into()))?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Now, &before).map_err(|error| failed(error.into()))?;
    read.map_err(failed)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn the_end_of_the_line_is_no_part_of_a_password() {
        for text in ["open sesame", "open sesame\n", "open sesame\r\n"] {
            assert_eq!(password(text.as_bytes()).unwrap(), "open sesame");
        }
        assert_eq!(password("a\n\n".as_bytes()).unwrap(), "a\n");
    }

    #[test]
    fn nothing_too_much_and_no_utf8_are_refused() {
        assert!(password(&b""[..]).is_err());
        assert!(password(&b"\n"[..]).is_err());
        assert!(password(&b"\xff"[..]).is_err());
        assert!(password(&vec![b'a'; 70_000][..]).is_err());
    }
}
