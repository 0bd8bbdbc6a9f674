//! `rates` and `greylisting` of `[receiving.…]`.

use std::time::Duration;

use crate::document::read::{Keys, Section};
use crate::values::duration::parse_duration;
use crate::values::rate::{Counted, Greylisting, Per, Rate};

const RATE: Keys = Keys {
    known: &["count", "per", "limit", "every"],
    planned: &[],
};

const GREYLISTING: Keys = Keys {
    known: &["delay", "retry-within", "remember"],
    planned: &[],
};

/// Each rate is a look-up for each message.
const MOST_RATES: usize = 20;

pub(crate) fn read_rates(section: &Section<'_, '_>) -> Vec<Rate> {
    let tables = section.sections("rates", "`rates`", &RATE);
    if tables.len() > MOST_RATES {
        section.refuse("rates", format!("at most {MOST_RATES} rates are kept"));
    }
    tables.iter().filter_map(read_rate).collect()
}

fn read_rate(section: &Section<'_, '_>) -> Option<Rate> {
    section.missing("count", "\"messages\"");
    section.missing("per", "\"address\"");
    section.missing("limit", "100");
    section.missing("every", "\"1 h\"");
    let count = section.parsed("count", |text| match text {
        "connections" => Ok(Counted::Connections),
        "messages" => Ok(Counted::Messages),
        "recipients" => Ok(Counted::Recipients),
        _ => Err("it can be \"connections\", \"messages\" or \"recipients\""),
    });
    let per = section.parsed("per", |text| match text {
        "address" => Ok(Per::Address),
        "network" => Ok(Per::Network),
        "login" => Ok(Per::Login),
        "sender" => Ok(Per::Sender),
        _ => Err("it can be \"address\", \"network\", \"login\" or \"sender\""),
    });
    let limit = section.number("limit");
    let period = section.parsed("every", parse_duration);
    if limit.is_some_and(|limit| !(1..=1_000_000).contains(&limit)) {
        section.refuse("limit", "`limit` must lie between 1 and 1000000");
    }
    if period.is_some_and(|period| !(SECOND..=DAY).contains(&period)) {
        section.refuse("every", "`every` must lie between \"1 s\" and \"1 day\"");
    }
    if let (Some(Counted::Connections), Some(Per::Login | Per::Sender)) = (count, per) {
        section.refuse(
            "per",
            "a connection has neither login nor sender when it is counted: \
             it can be \"address\" or \"network\"",
        );
    }
    Some(Rate {
        count: count?,
        per: per?,
        limit: limit?,
        period: period?,
    })
}

const SECOND: Duration = Duration::from_secs(1);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// `greylisting = { delay = "5 min" }`.
pub(crate) fn read_greylisting(section: &Section<'_, '_>) -> Option<Greylisting> {
    let table = section.section("greylisting", "`greylisting`", &GREYLISTING)?;
    let time = |key: &str, default: Duration| {
        if table.has(key) {
            table.parsed(key, parse_duration).unwrap_or(default)
        } else {
            default
        }
    };
    let greylisting = Greylisting {
        delay: time("delay", 300 * SECOND),
        retry_within: time("retry-within", 2 * DAY),
        remember: time("remember", 35 * DAY),
    };
    if greylisting.delay >= greylisting.retry_within {
        table.refuse(
            "delay",
            "`delay` must be shorter than `retry-within`, or nobody is ever let in",
        );
    }
    if greylisting.remember < greylisting.delay || greylisting.remember > 366 * DAY {
        table.refuse(
            "remember",
            "`remember` must be longer than `delay`, and a year at most",
        );
    }
    if greylisting.retry_within > 30 * DAY {
        table.refuse("retry-within", "`retry-within` must be 30 days at most");
    }
    Some(greylisting)
}
