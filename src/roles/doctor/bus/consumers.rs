//! Durable consumers: there or not, as set-up makes them or otherwise, how far behind; and messages that none of them takes.

use adjutant_bus::look::{Consumer, Part, Seen};
use adjutant_gateway::Finding;

use super::{CHANGE, SETUP};
use crate::roles::many;

/// From so many messages on that nobody has been given, somebody should look even if they are being taken.
const BEHIND: u64 = 1_000;

/// Those with which something is wrong, one by one, and the others together.
pub(super) fn judge(consumers: &[Part<Consumer>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = consumers.iter().filter_map(one).collect();
    if findings.is_empty() {
        let there = consumers.iter().filter(|part| matches!(part.seen, Seen::There(_))).count();
        let hidden = super::hidden(consumers.len() - there);
        let told = format!("{there}, as set-up makes them, and none is behind{hidden}");
        findings.push(Finding::good("consumers", told));
    }
    findings
}

/// What is wrong with one. That a role may see only its own consumers is as it should be.
fn one(part: &Part<Consumer>) -> Option<Finding> {
    let what = part.name.as_str();
    match &part.seen {
        Seen::Missing => Some(Finding::bad(what, true, "it is not there", SETUP)),
        Seen::Forbidden => None,
        Seen::Unanswered(why) => Some(Finding::bad(what, false, why.clone(), "Try again.")),
        Seen::There(consumer) if !consumer.differences.is_empty() => {
            Some(Finding::bad(what, false, consumer.differences.join("; "), CHANGE))
        }
        Seen::There(consumer) => lag(what, consumer),
    }
}

fn lag(what: &str, consumer: &Consumer) -> Option<Finding> {
    let Consumer { pending, unconfirmed, waiting, .. } = consumer;
    let nobody = *waiting == 0 && *unconfirmed == 0;
    // The console gateway follows by its own consumers; this one has a reader only while a terminal takes notices.
    if what.contains("gateway-console") || *pending == 0 || !nobody && *pending < BEHIND {
        return None;
    }
    let messages = many(usize::try_from(*pending).unwrap_or(usize::MAX), "message");
    if !nobody {
        let fix = "Start more of those who take from it; see docs/scaling.md.";
        return Some(Finding::bad(what, false, format!("{messages} behind, and being taken"), fix));
    }
    let workers = what.starts_with("consumer workers of stream COMMANDS");
    let fix =
        if workers { "Start a worker: `adjutant worker`." } else { "Start the gateway that takes from it." };
    Some(Finding::bad(what, workers, format!("{messages} wait, and nobody takes them"), fix))
}

/// Messages in work queues that no consumer takes.
pub(super) fn untaken(untaken: &[(String, usize)]) -> Finding {
    const WHAT: &str = "messages nobody takes";
    if untaken.is_empty() {
        return Finding::good(WHAT, "none");
    }
    let shown: Vec<String> =
        untaken.iter().take(5).map(|(subject, count)| format!("{count} on {subject}")).collect();
    let more = if untaken.len() > shown.len() { ", and on others" } else { "" };
    let fix = "Look who publishes there; remove them with the `nats` tool: nothing else will.";
    Finding::bad(WHAT, false, format!("{}{more}", shown.join(", ")), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, consumer: Consumer) -> Finding {
        let part = Part { name: format!("consumer {name}"), seen: Seen::There(consumer) };
        judge(&[part]).into_iter().next().unwrap()
    }

    fn waits(pending: u64, unconfirmed: usize, waiting: usize) -> Consumer {
        Consumer { pending, unconfirmed, waiting, ..Consumer::default() }
    }

    #[test]
    fn commands_that_nobody_takes_fail_and_name_the_worker() {
        const WORKERS: &str = "workers of stream COMMANDS";
        let found = with(WORKERS, waits(3, 0, 0));
        assert!(found.fatal && found.found == "3 messages wait, and nobody takes them", "{found:?}");
        assert!(found.fix.contains("adjutant worker"));
        assert!(with(WORKERS, waits(3, 16, 0)).ok, "they are busy");
        assert!(with(WORKERS, waits(0, 0, 0)).ok, "there is nothing to take");
        assert!(!with(WORKERS, waits(5_000, 16, 0)).ok, "they are far behind");
    }

    #[test]
    fn a_gateway_that_does_not_take_its_events_is_a_warning() {
        let found = with("gateway-slack of stream JOURNAL", waits(7, 0, 0));
        assert!(!found.ok && !found.fatal && found.fix.contains("gateway"), "{found:?}");
        assert!(with("gateway-console of stream JOURNAL", waits(7, 0, 0)).ok);
    }

    #[test]
    fn another_setting_is_said_and_a_missing_consumer_fails() {
        let differs =
            Consumer { differences: vec!["ack_wait is 30s, wanted 15s".to_owned()], ..Consumer::default() };
        let found = with("workers of stream COMMANDS", differs);
        assert!(!found.ok && !found.fatal && found.fix.contains("bus.lease_seconds"), "{found:?}");
        let missing = judge(&[Part { name: "consumer x".to_owned(), seen: Seen::Missing }]);
        assert!(missing[0].fatal && missing[0].fix.contains("adjutant bus setup"));
    }

    #[test]
    fn a_role_may_see_its_own_consumers_only() {
        let hidden = judge(&[Part { name: "consumer x".to_owned(), seen: Seen::Forbidden }]);
        assert!(hidden[0].ok && hidden[0].found.contains("may not look at 1 more"), "{hidden:?}");
    }

    #[test]
    fn messages_that_no_consumer_takes_are_named_by_subject() {
        assert!(untaken(&[]).ok);
        let found = untaken(&[("adjutant.v1.say.api.x".to_owned(), 2)]);
        assert!(!found.ok && found.found == "2 on adjutant.v1.say.api.x", "{found:?}");
    }
}
