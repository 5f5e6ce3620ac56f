//! Streams and buckets: there or not, as set-up makes them or otherwise, how many copies are up to date, how full.

use adjutant_bus::look::{Part, Seen, Stream};
use adjutant_gateway::Finding;

use super::{CHANGE, FULL, SETUP};
use crate::roles::{doctor::disk::size, many};

/// Share of its limit, in percent, from which on a stream that refuses when it is full is as good as full.
const BRIMFUL: u64 = 98;

/// Those with which something is wrong, one by one, and the others together.
pub(super) fn judge(streams: &[Part<Stream>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = streams.iter().flat_map(one).collect();
    if findings.is_empty() {
        let seen: Vec<(&Stream, &str)> =
            streams.iter().filter_map(|part| Some((there(part)?, part.name.as_str()))).collect();
        let fullest = seen.iter().filter_map(|(stream, name)| Some((share(stream)?, name))).max();
        let fullest =
            fullest.map(|(share, name)| format!("; the fullest is {name}, {share} %")).unwrap_or_default();
        let hidden = super::hidden(streams.len() - seen.len());
        let told = format!("{}, as set-up makes them{fullest}{hidden}", seen.len());
        findings.push(Finding::good("streams and buckets", told));
    }
    findings
}

const fn there(part: &Part<Stream>) -> Option<&Stream> {
    match &part.seen {
        Seen::There(stream) => Some(stream),
        Seen::Missing | Seen::Forbidden | Seen::Unanswered(_) => None,
    }
}

/// How full it is, in percent of its limit.
fn share(stream: &Stream) -> Option<u64> {
    stream.bytes.saturating_mul(100).checked_div(stream.most_bytes?)
}

/// What is wrong with one. That a role may see only what it needs is as it should be.
fn one(part: &Part<Stream>) -> Vec<Finding> {
    let what = part.name.as_str();
    match &part.seen {
        Seen::Missing => vec![Finding::bad(what, true, "it is not there", SETUP)],
        Seen::Forbidden => Vec::new(),
        Seen::Unanswered(why) => {
            let fix = "In a cluster, look whether the stream has a leader; else try again.";
            vec![Finding::bad(what, true, why.clone(), fix)]
        }
        Seen::There(stream) => {
            let mut findings = Vec::new();
            if !stream.differences.is_empty() {
                findings.push(Finding::bad(what, stream.vital, stream.differences.join("; "), CHANGE));
            }
            findings.extend(copies(what, stream));
            findings.extend(fullness(what, stream));
            findings
        }
    }
}

fn copies(what: &str, stream: &Stream) -> Option<Finding> {
    let Stream { copies, current, .. } = *stream;
    if current >= copies {
        return None;
    }
    // A stream takes what most of its copies have.
    let fatal = current * 2 <= copies;
    let told = format!("{current} of {} up to date", many(copies, "copy").replace("copys", "copies"));
    Some(Finding::bad(
        what,
        fatal,
        told,
        "Bring back the servers of the cluster that are away; look at their logs.",
    ))
}

fn fullness(what: &str, stream: &Stream) -> Option<Finding> {
    let share = share(stream).filter(|share| *share >= FULL)?;
    let told =
        format!("{share} % full: {} of {}", size(stream.bytes), size(stream.most_bytes.unwrap_or_default()));
    if !stream.refuses {
        return None;
    }
    let fix = "Look who does not take its messages any more; see `adjutant doctor bus` on consumers.";
    let fix = if what.ends_with("JOURNAL") {
        "It keeps 30 days; raise its max_bytes with the `nats` tool."
    } else {
        fix
    };
    Some(Finding::bad(what, share >= BRIMFUL, told, fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, seen: Seen<Stream>) -> Part<Stream> {
        Part { name: name.to_owned(), seen }
    }

    fn stream() -> Stream {
        Stream { most_bytes: Some(100), refuses: true, copies: 3, current: 3, ..Stream::default() }
    }

    fn only(part: Part<Stream>) -> Finding {
        let found = judge(&[part]);
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn what_is_as_it_should_be_takes_one_line() {
        let found = only(part("stream JOURNAL", Seen::There(Stream { bytes: 7, ..stream() })));
        assert!(
            found.ok && found.found == "1, as set-up makes them; the fullest is stream JOURNAL, 7 %",
            "{found:?}"
        );
    }

    #[test]
    fn a_role_may_see_what_it_needs_only() {
        let found = only(part("bucket policy", Seen::Forbidden));
        assert!(found.ok && found.found.contains("may not look at 1 more"), "{found:?}");
    }

    #[test]
    fn a_missing_stream_or_bucket_fails_and_names_the_set_up() {
        for name in ["stream JOURNAL", "bucket policy"] {
            let found = only(part(name, Seen::Missing));
            assert!(found.fatal && found.fix.contains("adjutant bus setup"), "{found:?}");
        }
    }

    #[test]
    fn another_setting_fails_where_nothing_begins_with_it() {
        let differs = |vital| {
            let differences = vec!["replicas is 1, wanted 3".to_owned()];
            Seen::There(Stream { differences, vital, ..stream() })
        };
        let found = only(part("stream JOURNAL", differs(true)));
        assert!(found.fatal && found.found == "replicas is 1, wanted 3", "{found:?}");
        assert!(!only(part("bucket policy", differs(false))).fatal);
    }

    #[test]
    fn a_copy_that_is_behind_is_a_warning_and_most_of_them_a_failure() {
        let with = |current| only(part("stream JOURNAL", Seen::There(Stream { current, ..stream() })));
        let found = with(2);
        assert!(!found.ok && !found.fatal && found.found == "2 of 3 copies up to date", "{found:?}");
        assert!(with(1).fatal);
        assert!(only(part("stream X", Seen::There(Stream { copies: 1, current: 0, ..stream() }))).fatal);
    }

    #[test]
    fn a_full_stream_that_refuses_fails_and_one_that_forgets_does_not() {
        let with = |bytes, refuses| {
            judge(&[part("stream OUTBOX", Seen::There(Stream { bytes, refuses, ..stream() }))])
        };
        assert!(!with(85, true)[0].ok && !with(85, true)[0].fatal);
        assert!(with(99, true)[0].fatal);
        assert!(with(99, false)[0].ok);
    }
}
