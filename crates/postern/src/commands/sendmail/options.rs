//! The options of sendmail: single letters, combined letters, or letters with a value.

use std::ffi::OsString;
use std::iter::Peekable;
use std::str::Chars;

use api::queue::v1::ReturnContent;

/// The mode of operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// `-bm`: a message on standard input.
    #[default]
    Deliver,
    /// `-bs`
    Smtp,
    /// `-bp`
    List,
    /// `-bi`
    Aliases,
}

/// The parsed options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) mode: Mode,
    pub(super) read_recipients: bool,
    pub(super) ignore_dots: bool,
    pub(super) sender: Option<String>,
    pub(super) full_name: Option<String>,
    /// Bits, as stored by the queue.
    pub(super) notify: u8,
    pub(super) return_content: ReturnContent,
    pub(super) envelope_id: String,
    pub(super) recipients: Vec<String>,
}

impl Options {
    /// Parses the arguments.
    pub(super) fn read(words: &[OsString]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter().map(|word| word.to_string_lossy().into_owned());
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some("-") => break,
                Some(letters) if !letters.is_empty() => {
                    options.letters(letters, &mut words)?;
                }
                _ => options.recipients.push(word),
            }
        }
        options.recipients.extend(words);
        Ok(options)
    }

    fn letters(
        &mut self,
        letters: &str,
        words: &mut dyn Iterator<Item = String>,
    ) -> Result<(), String> {
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                't' => self.read_recipients = true,
                'i' => self.ignore_dots = true,
                // Me too, no aliases, verbose, gateway, user submission.
                'm' | 'n' | 'v' | 'G' | 'U' => {}
                // -b, -o and similar options always have a value.
                'b' => self.mode = mode(&rest(&mut letters))?,
                'o' => self.old_option(&value(letter, &mut letters, words)?),
                'f' | 'r' => self.sender = Some(value(letter, &mut letters, words)?),
                'F' => self.full_name = Some(value(letter, &mut letters, words)?),
                'N' => self.notify = notify(&value(letter, &mut letters, words)?)?,
                'R' => self.return_content = content(&value(letter, &mut letters, words)?)?,
                'V' => self.envelope_id = xtext(value(letter, &mut letters, words)?)?,
                // The body's type is detected; hops are counted in the message; the others configure
                // another program.
                'B' | 'h' | 'L' | 'O' | 'p' | 'A' => {
                    value(letter, &mut letters, words)?;
                }
                'q' => {
                    return Err("-q is not supported: the queue delivers continuously; \
                                see postern queue list"
                        .to_owned());
                }
                other => return Err(format!("-{other} is not an option of this sendmail")),
            }
        }
        Ok(())
    }

    /// `-o` with a letter: `-oi` matters, the others concern the internals of sendmail.
    fn old_option(&mut self, option: &str) {
        if option == "i" {
            self.ignore_dots = true;
        }
    }
}

fn rest(letters: &mut Peekable<Chars<'_>>) -> String {
    letters.collect()
}

/// The value of a letter, in the same word or the next.
fn value(
    letter: char,
    letters: &mut Peekable<Chars<'_>>,
    words: &mut dyn Iterator<Item = String>,
) -> Result<String, String> {
    if letters.peek().is_some() {
        return Ok(rest(letters));
    }
    words
        .next()
        .ok_or_else(|| format!("-{letter} needs something behind it"))
}

fn mode(word: &str) -> Result<Mode, String> {
    match word {
        "m" => Ok(Mode::Deliver),
        "s" => Ok(Mode::Smtp),
        "p" => Ok(Mode::List),
        "i" => Ok(Mode::Aliases),
        "d" | "D" => Err(format!("-b{word}: the server is started by postern up")),
        other => Err(format!("-b{other} is not a mode of this sendmail")),
    }
}

/// RFC 3461 §4.1.
fn notify(words: &str) -> Result<u8, String> {
    const WRONG: &str = "-N is never, or success, failure and delay with commas between";
    let mut notify = 0;
    for word in words.split(',') {
        notify |= match word.trim().to_ascii_lowercase().as_str() {
            "success" => 1,
            "failure" => 2,
            "delay" => 4,
            "never" => 8,
            _ => return Err(WRONG.to_owned()),
        };
    }
    if notify & 8 != 0 && notify != 8 {
        return Err(WRONG.to_owned());
    }
    Ok(notify)
}

fn content(word: &str) -> Result<ReturnContent, String> {
    match word.to_ascii_lowercase().as_str() {
        "full" => Ok(ReturnContent::Full),
        "hdrs" => Ok(ReturnContent::Headers),
        _ => Err("-R is full or hdrs".to_owned()),
    }
}

/// RFC 3461 §4.4: xtext of at most 100 characters.
fn xtext(id: String) -> Result<String, String> {
    let mut octets = id.bytes();
    let mut fine = id.len() <= 100;
    while let Some(octet) = octets.next() {
        fine &= match octet {
            b'+' => {
                let mut digit = || {
                    let digit = octets.next();
                    digit.is_some_and(|d| matches!(d, b'0'..=b'9' | b'A'..=b'F'))
                };
                digit() && digit()
            }
            b'=' => false,
            octet => octet.is_ascii_graphic(),
        };
    }
    if fine {
        return Ok(id);
    }
    Err(
        "-V is an id of at most 100 characters in xtext: printable, with + and = as +2B and +3D"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Options::read(&words)
    }

    #[test]
    fn letters_stand_alone_together_and_with_words() {
        let expected = Options {
            read_recipients: true,
            ignore_dots: true,
            sender: Some("a@x.test".to_owned()),
            recipients: vec!["b@y.test".to_owned(), "c@y.test".to_owned()],
            ..Options::default()
        };
        for line in [
            "-t -i -f a@x.test b@y.test c@y.test",
            "-ti -fa@x.test b@y.test c@y.test",
            "-oi -t -r a@x.test -- b@y.test c@y.test",
            "-tifa@x.test b@y.test c@y.test",
            "-t -o i -oem -odb -om -m -v -n -B 8BITMIME -h 3 -f a@x.test b@y.test c@y.test",
            "b@y.test -bm -i -t -f a@x.test -O DeliveryMode=b c@y.test",
        ] {
            assert_eq!(read(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn notices_are_asked_for_as_dsn_says() {
        let options = read("-N success,FAILURE -R hdrs -V a+2Bb -F Eve x").unwrap();
        assert_eq!(
            (options.notify, options.return_content),
            (3, ReturnContent::Headers)
        );
        assert_eq!(options.envelope_id, "a+2Bb");
        assert_eq!(options.full_name.as_deref(), Some("Eve"));
        assert_eq!(read("-Nnever").unwrap().notify, 8);
        for wrong in [
            "-N never,delay",
            "-N often",
            "-R some",
            "-V a+b",
            "-V a=b",
            "-V ü",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&format!("-V {}", "a".repeat(101))).is_err());
    }

    #[test]
    fn modes_are_told_by_a_letter() {
        assert_eq!(read("-bs").unwrap().mode, Mode::Smtp);
        assert_eq!(read("-bp").unwrap().mode, Mode::List);
        assert_eq!(read("-bi").unwrap().mode, Mode::Aliases);
        assert_eq!(read("-bm").unwrap().mode, Mode::Deliver);
        assert!(read("-bd").unwrap_err().contains("postern up"));
        assert!(read("-q15m").unwrap_err().contains("postern queue"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(
            read("-Z").unwrap_err(),
            "-Z is not an option of this sendmail"
        );
        assert!(
            read("-C /etc/mail.cf").is_err(),
            "it would be another configuration"
        );
        assert_eq!(read("-f").unwrap_err(), "-f needs something behind it");
    }

    #[test]
    fn words_behind_two_dashes_are_recipients() {
        let options = read("-i -- -t@x.test").unwrap();
        assert_eq!(options.recipients, ["-t@x.test"]);
        assert!(!options.read_recipients);
    }
}
