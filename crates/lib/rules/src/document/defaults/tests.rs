#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use super::*;
use crate::document::settings::row::Class;

#[test]
fn every_default_is_read_without_an_error() {
    for trusted in [true, false] {
        let mut rules = ReceivingRules::default();
        let text = on(trusted);
        let reader = Reader::new(&text);
        let table = reader.parse().unwrap();
        let section = reader.section(&table, "the defaults", &KEYS);
        settings::read(&mut rules, &section, trusted);
        assert_eq!(reader.finish(), Ok(()), "{text}");
    }
}

/// A row reads its own key: each example changes the rules, and is shown as on.
#[test]
fn every_example_is_taken_and_shown() {
    for setting in settings::all() {
        for trusted in [true, false] {
            let Unset::Off(example) = setting.unset(trusted) else {
                continue;
            };
            let key = setting.key;
            let with = match key {
                "blocked-attachments" => "block-attachments = [\"*.exe\"]\n",
                "dns-list-refuse-score" => "dns-lists = [{ zone = \"bl.test\" }]\n",
                _ => "",
            };
            let text = format!("{with}{key} = {example}\n");
            let reader = Reader::new(&text);
            let table = reader.parse().unwrap();
            let section = reader.section(&table, "an example", &KEYS);
            let mut rules = defaults(trusted).clone();
            settings::read(&mut rules, &section, trusted);
            assert_ne!(&rules, defaults(trusted), "{key}");
            assert!((setting.show)(&rules).is_some(), "{key}");
            drop(table);
            assert_eq!(reader.finish(), Ok(()), "{key}");
        }
    }
}

#[test]
fn what_is_refused_for_a_class_is_not_said_to_it() {
    for setting in settings::all() {
        let refused = match setting.class {
            Class::Both => continue,
            Class::Trusted(_) | Class::NeverUntrusted(_) => setting.untrusted,
            Class::Untrusted(_) => setting.trusted,
        };
        assert_eq!(refused, Unset::Unsaid, "{}", setting.key);
    }
}
