//! This machine's clock beside another one's, by what both said around one question.

use adjutant_bus::look::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::Finding;

/// Beyond this somebody should look.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(5);
/// Beyond this signatures are near their end: Slack's are good for five minutes (Slack: "Verifying requests from Slack").
const HARMFUL: SignedDuration = SignedDuration::from_mins(4);
/// How coarse the `Date` of HTTP is.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// How far this machine's clock is certainly ahead of the other one's, which tells times as coarse as this; negative: behind.
#[must_use]
pub fn ahead(clock: &Clock, coarse: SignedDuration) -> SignedDuration {
    let ahead = clock.asked.duration_since(clock.told) - coarse;
    let behind = clock.told.duration_since(clock.answered);
    if ahead.is_positive() {
        ahead
    } else if behind.is_positive() {
        -behind
    } else {
        SignedDuration::ZERO
    }
}

/// What is to be said of it; `whose` is `Slack's` or the like.
#[must_use]
pub fn judge(what: &str, whose: &str, clock: &Clock, coarse: SignedDuration) -> Finding {
    const FIX: &str = "Let this machine's clock be set by NTP (chrony, systemd-timesyncd).";
    let ahead = ahead(clock, coarse);
    let off = ahead.abs();
    if off <= NOTICEABLE {
        return Finding::good(what, format!("as {whose}, within {} s", NOTICEABLE.as_secs()));
    }
    let side = if ahead.is_positive() { "ahead of" } else { "behind" };
    Finding::bad(what, off > HARMFUL, format!("this machine is {} s {side} {whose}", off.as_secs()), FIX)
}

/// The same by the `Date` of an HTTP answer; a header that cannot be read says nothing.
#[must_use]
pub fn by_date(what: &str, whose: &str, asked: Timestamp, date: Option<&str>) -> Finding {
    let answered = Timestamp::now();
    let told = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    match told {
        Some(told) => judge(what, whose, &Clock { asked, told: told.timestamp(), answered }, SECOND),
        None => Finding::unseen(what, "it does not tell the time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(asked: i64, told: i64, answered: i64) -> Clock {
        let at = |second| Timestamp::from_second(1_700_000_000 + second).unwrap();
        Clock { asked: at(asked), told: at(told), answered: at(answered) }
    }

    #[test]
    fn only_what_is_certain_counts_so_that_a_slow_answer_is_no_skew() {
        let exact =
            |asked, told, answered| ahead(&clock(asked, told, answered), SignedDuration::ZERO).as_secs();
        assert_eq!(exact(0, 5, 10), 0);
        assert_eq!(exact(20, 5, 30), 15);
        assert_eq!(exact(0, 40, 10), -30);
        assert_eq!(ahead(&clock(1, 0, 1), SECOND), SignedDuration::ZERO);
    }

    #[test]
    fn a_few_seconds_are_said_and_minutes_keep_it_from_working() {
        let of = |told| judge("clock", "Slack's", &clock(0, told, 0), SignedDuration::ZERO);
        assert!(of(3).ok && of(-3).ok);
        let noticeable = of(60);
        assert!(
            !noticeable.ok && !noticeable.fatal && noticeable.found == "this machine is 60 s behind Slack's"
        );
        let harmful = of(-300);
        assert!(harmful.fatal && harmful.fix.contains("NTP"), "{harmful:?}");
    }

    #[test]
    fn a_date_of_http_is_read_and_nonsense_is_no_time() {
        let now = Timestamp::now();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap();
        assert!(by_date("clock", "Slack's", now, Some(&date)).found.starts_with("as Slack's"));
        let early = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(by_date("clock", "Slack's", now, early).fatal);
        assert!(
            by_date("clock", "Slack's", now, Some("soon")).ok && by_date("clock", "Slack's", now, None).ok
        );
    }
}
