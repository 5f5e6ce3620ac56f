//! Named windows of time: spans of a week by the wall clock of one zone. At each moment exactly one name holds, or none.

use std::collections::BTreeSet;

use jiff::{
    Span, ZonedDateTime,
    civil::{Date, Time},
};
use toml::{Table, Value};

use crate::{finding::Findings, load::SETTINGS as FILE, vocabulary::OFF};

const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;
/// Most windows, and most spans of one: each minute of a week is looked up in all of them.
const MOST: usize = 32;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// From one minute of the week until another, that one excluded; from Monday 00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    from: u16,
    minutes: u16,
}

impl Part {
    const fn until(self) -> u16 {
        (self.from + self.minutes) % WEEK
    }

    const fn contains(self, minute: u16) -> bool {
        (minute + WEEK - self.from) % WEEK < self.minutes
    }
}

/// The windows in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows(Vec<(String, Vec<Part>)>);

impl Windows {
    /// Reads the table; what is wrong is left out and reported.
    pub(crate) fn read(table: &Table, line_of: impl Fn(&str) -> usize, findings: &mut Findings) -> Self {
        let mut windows = Self::default();
        if let Some((name, _)) = table.iter().nth(MOST) {
            let message = format!("there are {} windows, and {MOST} is the most", table.len());
            findings.error("settings-window", FILE, (line_of(name), 1), message);
            return windows;
        }
        for (name, spans) in table {
            let line = (line_of(name), 1);
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
            if !begins || !name.chars().all(good) || [OFF, "none"].contains(&name.as_str()) {
                let message = format!(
                    "`{name:.60}` is no name of a window: a-z, 0-9 and -, and neither `off` nor `none`"
                );
                findings.error("settings-window", FILE, line, message);
                continue;
            }
            match read(spans) {
                Ok(spans) => windows.0.push((name.clone(), spans)),
                Err(why) => findings.error("settings-window", FILE, line, format!("`{name}`: {why}")),
            }
        }
        windows.warn_overlaps(line_of, findings);
        windows
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// What holds at each minute of a week, `off` outside every window.
    pub(crate) fn week(&self) -> impl Iterator<Item = &str> {
        (0..WEEK).map(|minute| self.all_at(minute).next().unwrap_or(OFF))
    }

    /// The names of those that are not the same in another list, or not there.
    pub(crate) fn unlike<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let own = self.0.iter().filter(|window| !other.0.contains(window));
        own.map(|(name, _)| name.as_str())
    }

    /// The first that contains this moment.
    pub(crate) fn at(&self, now: &ZonedDateTime) -> Option<&str> {
        let day = u16::try_from(now.weekday().to_monday_zero_offset()).unwrap_or(0);
        let clock = u16::try_from(now.hour()).unwrap_or(0) * 60 + u16::try_from(now.minute()).unwrap_or(0);
        self.all_at(day * DAY + clock).next()
    }

    /// What holds next after this moment and from when, each name once (`off`: none of them). It changes only where a span begins
    /// or ends, and where the clock is set.
    pub(crate) fn later(&self, now: &ZonedDateTime) -> Vec<(&str, ZonedDateTime)> {
        let zone = now.time_zone();
        let monday = now.date().checked_sub(Span::new().days(now.weekday().to_monday_zero_offset()));
        let weeks = (0..=2).filter_map(|week| monday.clone().ok()?.checked_add(Span::new().weeks(week)).ok());
        let edges: BTreeSet<u16> =
            self.0.iter().flat_map(|(_, spans)| spans).flat_map(|span| [span.from, span.until()]).collect();
        let at_edge = |monday: Date, minute: &u16| {
            let edge = monday.to_datetime(Time::midnight()).checked_add(Span::new().minutes(*minute)).ok()?;
            edge.to_zoned_datetime(zone.clone()).ok()
        };
        let set = zone
            .following(now.timestamp())
            .take(2)
            .map(|set| set.timestamp().to_zoned_datetime(zone.clone()));
        let mut moments: Vec<ZonedDateTime> = weeks
            .flat_map(|monday| edges.iter().filter_map(move |minute| at_edge(monday, minute)))
            .chain(set)
            .collect();
        moments.sort();
        let mut later: Vec<(&str, ZonedDateTime)> = Vec::new();
        for moment in moments.into_iter().filter(|moment| moment > now) {
            let name = self.at(&moment).unwrap_or(OFF);
            if !later.iter().any(|(known, _)| *known == name) {
                later.push((name, moment));
            }
        }
        later
    }

    fn all_at(&self, minute: u16) -> impl Iterator<Item = &str> {
        let holds = move |(_, spans): &&(String, Vec<Part>)| spans.iter().any(|span| span.contains(minute));
        self.0.iter().filter(holds).map(|(name, _)| name.as_str())
    }

    /// Where two hold, the first one counts, which may not be what was meant.
    fn warn_overlaps(&self, line_of: impl Fn(&str) -> usize, findings: &mut Findings) {
        let mut told: Vec<(&str, &str)> = Vec::new();
        for minute in 0..WEEK {
            let mut there = self.all_at(minute);
            let (Some(first), Some(second)) = (there.next(), there.next()) else { continue };
            if !told.contains(&(first, second)) {
                told.push((first, second));
                let message = format!("`{second}` overlaps `{first}`, which counts where both hold");
                findings.warn("window-overlap", FILE, (line_of(second), 1), message);
            }
        }
    }
}

fn read(spans: &Value) -> Result<Vec<Part>, String> {
    let form = "a window is a list of spans such as [\"Mon-Fri 09:00-17:00\", \"Sat 10:00-14:00\"]";
    let spans = spans.as_array().filter(|spans| !spans.is_empty()).ok_or(form)?;
    if spans.len() > MOST {
        return Err(format!("it has {} spans, and {MOST} is the most", spans.len()));
    }
    let mut read = Vec::new();
    for text in spans {
        let text = text.as_str().ok_or(form)?;
        read.extend(span(text).ok_or_else(|| format!("`{text:.60}` is no span; {form}"))?);
    }
    Ok(read)
}

/// `Mon-Fri 09:00-17:00`, `Sat 10:00-24:00`, `Mon,Wed 22:00-06:00`: one span for each day, which may end on the next.
fn span(text: &str) -> Option<Vec<Part>> {
    let (days, times) = text.split_once(' ')?;
    let (from, to) = times.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    let minutes = if to > from { to - from } else { to + DAY - from };
    if from == DAY || minutes == 0 {
        return None;
    }
    let mut spans = Vec::new();
    if days.split(',').count() > DAYS.len() {
        return None;
    }
    for part in days.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let count = (last + 7 - first) % 7;
        spans.extend((0..=count).map(|n| Part { from: (first + n) % 7 * DAY + from, minutes }));
    }
    Some(spans)
}

fn day(text: &str) -> Option<u16> {
    DAYS.iter().position(|day| *day == text).and_then(|index| u16::try_from(index).ok())
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
    let (hour, minute) = (two(hour)?, two(minute)?);
    ((hour < 24 && minute < 60) || (hour == 24 && minute == 0)).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};
    use proptest::prelude::*;

    use super::*;

    fn windows(text: &str) -> (Windows, Findings) {
        let mut findings = Findings::default();
        let windows = Windows::read(&text.parse().unwrap(), |_| 1, &mut findings);
        (windows, findings)
    }

    fn at(windows: &Windows, moment: &str) -> Option<String> {
        windows.at(&moment.parse().unwrap()).map(str::to_owned)
    }

    #[test]
    fn a_window_holds_from_its_first_minute_until_its_end() {
        let (office, findings) = windows("office = [\"Mon-Fri 09:00-17:00\"]\nnight = [\"Fri 22:00-06:00\"]");
        assert_eq!(findings.findings, []);
        for (moment, window) in [
            ("2026-11-25T08:59:59+01:00[Europe/Berlin]", None),
            ("2026-11-25T09:00:00+01:00[Europe/Berlin]", Some("office")),
            ("2026-11-25T16:59:59+01:00[Europe/Berlin]", Some("office")),
            ("2026-11-25T17:00:00+01:00[Europe/Berlin]", None),
            ("2026-11-28T12:00:00+01:00[Europe/Berlin]", None),
            ("2026-11-27T23:00:00+01:00[Europe/Berlin]", Some("night")),
            ("2026-11-28T05:59:00+01:00[Europe/Berlin]", Some("night")),
            ("2026-11-28T22:30:00+01:00[Europe/Berlin]", None),
        ] {
            assert_eq!(at(&office, moment).as_deref(), window, "{moment}");
        }
        let (sunday, _) = windows("late = [\"Sun 23:00-01:00\"]");
        assert!(at(&sunday, "2026-11-30T00:30:00+00:00[UTC]").is_some(), "it goes on into Monday");
    }

    #[test]
    fn the_wall_clock_counts_on_days_when_it_is_set() {
        let (small, _) = windows("small = [\"Sun 01:00-03:00\"]");
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        // On 2026-03-29 02:00 becomes 03:00, on 2026-10-25 03:00 becomes 02:00.
        let minutes = |day: &str| {
            let begin: Timestamp = day.parse().unwrap();
            let minute =
                |n: i64| (begin + jiff::SignedDuration::from_mins(n)).to_zoned_datetime(zone.clone());
            (0..24 * 60).filter(|n| small.at(&minute(*n)).is_some()).count()
        };
        assert_eq!((minutes("2026-03-28T23:00:00Z"), minutes("2026-10-24T22:00:00Z")), (60, 180));
    }

    #[test]
    fn what_is_no_window_is_told_and_overlaps_are_warned_of() {
        for text in [
            "off = [\"Mon 09:00-17:00\"]",
            "Office = [\"Mon 09:00-17:00\"]",
            "a = []",
            "a = \"Mon 09:00-17:00\"",
            "a = [\"Mon 9:00-17:00\"]",
            "a = [\"Mo 09:00-17:00\"]",
            "a = [\"Mon 24:00-25:00\"]",
            "a = [\"Mon\"]",
            "a = [1]",
            &format!("a = [\"{}Mon 09:00-17:00\"]", "Mon,".repeat(7)),
            &format!("a = [{}]", "\"Mon 09:00-17:00\",".repeat(33)),
            &(0..33).map(|n| format!("w{n} = [\"Mon 09:00-17:00\"]\n")).collect::<String>(),
        ] {
            let (read, findings) = windows(text);
            assert!(findings.refuse() && read.names().count() == 0, "{text}");
        }
        let (read, findings) = windows("b = [\"Mon-Sun 00:00-24:00\"]\na = [\"Mon 09:00-10:00\"]");
        assert_eq!((findings.errors(), findings.findings.len()), (0, 1), "{findings}");
        assert_eq!(read.names().collect::<Vec<_>>(), ["b", "a"], "the order of the file counts");
        assert_eq!(at(&read, "2026-11-30T09:30:00+00:00[UTC]").as_deref(), Some("b"));
    }

    fn any_windows() -> impl Strategy<Value = String> {
        let span = (0..7_usize, 0..7_usize, 0..96_u16, 0..96_u16).prop_filter_map(
            "no time",
            |(first, last, from, to)| {
                let clock = |quarter: u16| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15);
                (from != to)
                    .then(|| format!("\"{}-{} {}-{}\"", DAYS[first], DAYS[last], clock(from), clock(to)))
            },
        );
        let window = prop::collection::vec(span, 1..3).prop_map(|spans| spans.join(", "));
        prop::collection::vec(window, 0..4).prop_map(|windows| {
            windows.iter().enumerate().map(|(n, spans)| format!("w{n} = [{spans}]\n")).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn what_is_told_of_later_is_what_the_clock_shows_then_and_not_before(
            text in any_windows(),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
            // Around the weeks in which clocks are set, and others.
            minute in 29_600_000..30_200_000_i64,
        ) {
            let (windows, _) = windows(&text);
            let zone = TimeZone::get(zone).unwrap();
            let moment = |minute: i64| Timestamp::from_second(minute * 60).unwrap().to_zoned_datetime(zone.clone());
            let later = windows.later(&moment(minute));
            let (mut held, mut seen) = (windows.at(&moment(minute)).unwrap_or(OFF).to_owned(), Vec::new());
            for minute in minute + 1..minute + 8 * 24 * 60 {
                let now = windows.at(&moment(minute)).unwrap_or(OFF).to_owned();
                if now != held && !seen.iter().any(|(name, _)| *name == now) {
                    seen.push((now.clone(), moment(minute)));
                }
                held = now;
            }
            for (name, first) in &seen {
                let told = later.iter().find(|(told, _)| told == name);
                prop_assert!(told.is_some_and(|(_, at)| at <= first), "{name} from {first}: {later:?}");
            }
            for (name, at) in &later {
                prop_assert_eq!(windows.at(at).unwrap_or(OFF), *name);
            }
        }
    }
}
