//! Reads secrets: from standard input, or from a terminal without echo.

use std::io::{BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// Longer than any secret that the services accept.
const LONGEST: u64 = 64 << 10;

/// Reads a new password: all of standard input if requested, otherwise by asking twice.
pub(crate) fn new_password(from_stdin: bool, of: &str) -> Result<String, Failure> {
    if from_stdin {
        return password(std::io::stdin().lock(), of);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "there is no terminal to ask for the password of {of}: give it by --password-stdin"
        )));
    }
    let first = ask(&format!("Password for {of}: "))?;
    let again = ask("Again: ")?;
    if first != again {
        return Err(Failure::refused(
            "the two passwords differ; nothing was changed",
        ));
    }
    not_empty(first, &format!("the password of {of}"), BY_STDIN)
}

/// Reads a secret as octets: all of standard input if it is no terminal, otherwise by asking.
pub(crate) fn secret(of: &str) -> Result<Vec<u8>, Failure> {
    let stdin = std::io::stdin();
    let text = if stdin.is_terminal() {
        ask(&format!("Value of {of}: "))?
    } else {
        return octets(stdin.lock(), &format!("the value of {of}"), BY_PIPE);
    };
    not_empty(text, &format!("the value of {of}"), BY_PIPE).map(String::into_bytes)
}

/// The remedy for an empty one.
const BY_STDIN: &str = "type one, or give it on standard input with --password-stdin";
const BY_PIPE: &str =
    "type one, or give it on standard input: printf %s \"$SECRET\" | postern secret set NAME";

/// The line end is not part of the password: `echo`, `pass` and editors add it.
fn password(input: impl Read, of: &str) -> Result<String, Failure> {
    let what = format!("the password of {of}");
    let octets = octets(input, &what, BY_STDIN)?;
    String::from_utf8(octets)
        .map_err(|_| Failure::refused(format!("{what} is not UTF-8 text; nothing was changed")))
}

fn octets(input: impl Read, what: &str, cure: &str) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    input
        .take(LONGEST + 1)
        .read_to_end(&mut octets)
        .map_err(|error| Failure::System(format!("standard input cannot be read: {error}")))?;
    if octets.len() as u64 > LONGEST {
        return Err(Failure::refused(format!(
            "{what} is longer than 64 KiB; nothing was changed"
        )));
    }
    if octets.ends_with(b"\n") {
        octets.pop();
        if octets.ends_with(b"\r") {
            octets.pop();
        }
    }
    if octets.is_empty() {
        return Err(empty(what, cure));
    }
    Ok(octets)
}

fn empty(what: &str, cure: &str) -> Failure {
    Failure::refused(format!("{what} is empty; nothing was changed: {cure}"))
}

fn not_empty(text: String, what: &str, cure: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(empty(what, cure));
    }
    Ok(text)
}

/// Asks on the terminal, whose settings are restored even if reading fails.
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
            let read = password(text.as_bytes(), "bob@example.test");
            assert_eq!(read.unwrap(), "open sesame");
        }
        let read = password("a\n\n".as_bytes(), "bob@example.test");
        assert_eq!(read.unwrap(), "a\n");
    }

    #[test]
    fn nothing_too_much_and_no_utf8_are_refused() {
        let too_long = vec![b'a'; 70_000];
        let rows = [
            (&b""[..], "is empty; nothing was changed: type one"),
            (b"\n", "is empty"),
            (b"\xff", "is not UTF-8"),
            (&too_long, "is longer than 64 KiB"),
        ];
        for (input, expected) in rows {
            let told = password(input, "bob@example.test").unwrap_err().to_string();
            assert!(
                told.starts_with("the password of bob@example.test "),
                "{told}"
            );
            assert!(told.contains(expected), "{told}");
        }
        let told = octets(&b""[..], "the value of isp", BY_PIPE).unwrap_err();
        assert!(told.to_string().starts_with("the value of isp is empty"));
    }
}
