//! Short texts for the values of settings.

use std::time::Duration;

use crate::values::attachments::{AttachmentAction, BlockedAttachments};
use crate::values::authentication::Action;
use crate::values::authentication_rules::{DmarcRules, MethodRules};
use crate::values::dns::DnsRules;
use crate::values::duration::format_duration;
use crate::values::rate::Rate;

pub(crate) fn on(switch: bool) -> Option<String> {
    switch.then(|| "on".to_owned())
}

/// The zones of the lists.
pub(super) fn lists(rules: &DnsRules) -> Option<String> {
    let zones: Vec<_> = rules
        .lists
        .iter()
        .map(|list| list.zone.to_string())
        .collect();
    (!zones.is_empty()).then(|| zones.join(", "))
}

/// The actions of a check: `fail = refuse, softfail = quarantine`.
pub(super) fn method(rules: &MethodRules) -> Option<String> {
    let actions = rules.actions.iter();
    let actions = actions.map(|(result, action)| (result.as_str(), *action));
    rules.checked.then(|| results(actions))
}

pub(super) fn dmarc(rules: &DmarcRules) -> Option<String> {
    let actions = [
        ("reject", rules.reject),
        ("quarantine", rules.quarantine),
        ("none", rules.none),
        ("permerror", rules.permerror),
        ("temperror", rules.temperror),
    ];
    rules.checked.then(|| results(actions.into_iter()))
}

fn results<'a>(actions: impl Iterator<Item = (&'a str, Action)>) -> String {
    let told = actions.filter(|(_, action)| *action != Action::Accept);
    let told: Vec<_> = told
        .map(|(result, action)| format!("{result} = {}", action.as_str()))
        .collect();
    match told.as_slice() {
        [] => "on".to_owned(),
        told => told.join(", "),
    }
}

pub(super) fn attachments(blocked: &BlockedAttachments) -> Option<String> {
    let word = match blocked.action {
        AttachmentAction::Refuse => "refuse",
        AttachmentAction::Quarantine => "quarantine",
        AttachmentAction::Strip => "strip",
    };
    (!blocked.is_empty()).then(|| word.to_owned())
}

/// Rates: `10 in 1 min per address`.
pub(crate) fn rates<'r>(rates: impl Iterator<Item = &'r Rate>) -> Option<String> {
    let rates: Vec<_> = rates.map(rate).collect();
    (!rates.is_empty()).then(|| rates.join(", "))
}

/// A duration, unless it is zero.
pub(super) fn length(length: Duration) -> Option<String> {
    (!length.is_zero()).then(|| format_duration(length))
}

fn rate(rate: &Rate) -> String {
    let period = format_duration(rate.period);
    let per = format!("{:?}", rate.per).to_lowercase();
    format!("{} in {period} per {per}", rate.limit)
}
