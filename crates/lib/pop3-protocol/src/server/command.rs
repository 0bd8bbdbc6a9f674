//! The commands of a client, and the states that allow them.

/// A command with its arguments.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))] // Holds passwords: production code has no way to show one.
pub(super) enum Command {
    Capa,
    Noop,
    Quit,
    Stls,
    User(String),
    Pass(String),
    /// Without a mechanism: list the mechanisms.
    Auth(Option<Auth>),
    Stat,
    List(Option<u32>),
    Uidl(Option<u32>),
    Retr(u32),
    Top(u32, u64),
    Dele(u32),
    Rset,
}

#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Auth {
    /// In capitals.
    pub(super) mechanism: String,
    /// The initial response (RFC 5034 §4).
    pub(super) initial: Option<String>,
}

/// The states that allow a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Any,
    Authorization,
    Transaction,
}

/// The reason why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandError {
    Unknown,
    Arguments,
    /// The same, of AUTH.
    AuthArguments,
}

impl Command {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Capa | Self::Quit => Phase::Any,
            Self::Stls | Self::User(_) | Self::Pass(_) | Self::Auth(_) => Phase::Authorization,
            Self::Noop
            | Self::Stat
            | Self::List(_)
            | Self::Uidl(_)
            | Self::Retr(_)
            | Self::Top(..)
            | Self::Dele(_)
            | Self::Rset => Phase::Transaction,
        }
    }

    /// Parses a line without its end. Verbs are case-insensitive.
    pub(super) fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let line = std::str::from_utf8(line).map_err(|_| CommandError::Unknown)?;
        if line.contains('\0') {
            return Err(CommandError::Unknown);
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "CAPA" => alone(rest, Self::Capa),
            "NOOP" => alone(rest, Self::Noop),
            "QUIT" => alone(rest, Self::Quit),
            "STLS" => alone(rest, Self::Stls),
            "STAT" => alone(rest, Self::Stat),
            "RSET" => alone(rest, Self::Rset),
            "USER" => some(rest.trim()).map(Self::User),
            // RFC 1939 §7: spaces belong to the password.
            "PASS" => some(rest).map(Self::Pass),
            "AUTH" => auth(rest).map(Self::Auth),
            "LIST" => optional_number(rest).map(Self::List),
            "UIDL" => optional_number(rest).map(Self::Uidl),
            "RETR" => number(rest.trim()).map(Self::Retr),
            "DELE" => number(rest.trim()).map(Self::Dele),
            "TOP" => top(rest.trim()),
            _ => Err(CommandError::Unknown),
        }
    }
}

fn alone(rest: &str, command: Command) -> Result<Command, CommandError> {
    if rest.trim().is_empty() {
        Ok(command)
    } else {
        Err(CommandError::Arguments)
    }
}

fn some(text: &str) -> Result<String, CommandError> {
    if text.is_empty() {
        Err(CommandError::Arguments)
    } else {
        Ok(text.to_owned())
    }
}

fn auth(rest: &str) -> Result<Option<Auth>, CommandError> {
    let mut words = rest.split_ascii_whitespace();
    let Some(mechanism) = words.next() else {
        return Ok(None);
    };
    let initial = words.next().map(str::to_owned);
    if words.next().is_some() {
        return Err(CommandError::AuthArguments);
    }
    Ok(Some(Auth {
        mechanism: mechanism.to_ascii_uppercase(),
        initial,
    }))
}

fn number(text: &str) -> Result<u32, CommandError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CommandError::Arguments);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(CommandError::Arguments),
        Ok(number) => Ok(number),
    }
}

fn optional_number(rest: &str) -> Result<Option<u32>, CommandError> {
    match rest.trim() {
        "" => Ok(None),
        text => number(text).map(Some),
    }
}

fn top(rest: &str) -> Result<Command, CommandError> {
    let (message, lines) = rest.split_once(' ').ok_or(CommandError::Arguments)?;
    let lines = lines.trim();
    if !lines.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CommandError::Arguments);
    }
    let lines = lines.parse().map_err(|_| CommandError::Arguments)?;
    Ok(Command::Top(number(message)?, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_without_regard_to_case() {
        for (line, command) in [
            ("STAT", Command::Stat),
            ("stat ", Command::Stat),
            ("List", Command::List(None)),
            ("LIST 7", Command::List(Some(7))),
            ("TOP 1 0", Command::Top(1, 0)),
            ("top 12  5", Command::Top(12, 5)),
            (
                "USER bob@example.test",
                Command::User("bob@example.test".into()),
            ),
            ("PASS  two spaces ", Command::Pass(" two spaces ".into())),
            ("AUTH", Command::Auth(None)),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_told_from_what_is_one_badly_said() {
        for (line, error) in [
            (&b"XYZZY"[..], CommandError::Unknown),
            (b"", CommandError::Unknown),
            (b"US\0ER bob", CommandError::Unknown),
            (b"USER \xff", CommandError::Unknown),
            (b"USER", CommandError::Arguments),
            (b"PASS ", CommandError::Arguments),
            (b"RETR", CommandError::Arguments),
            (b"RETR 0", CommandError::Arguments),
            (b"RETR -1", CommandError::Arguments),
            (b"RETR +1", CommandError::Arguments),
            (b"RETR 99999999999", CommandError::Arguments),
            (b"TOP 1", CommandError::Arguments),
            (b"TOP 1 x", CommandError::Arguments),
            (b"STAT 1", CommandError::Arguments),
            (b"AUTH PLAIN a b", CommandError::AuthArguments),
        ] {
            assert_eq!(Command::parse(line), Err(error), "{line:?}");
        }
    }
}
