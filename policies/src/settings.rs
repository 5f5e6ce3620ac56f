//! `policy.toml`: what rows cannot say. The time zone and its windows, whom to ask, and what counts as production.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    finding::{Findings, did_you_mean},
    load::SETTINGS as FILE,
    text::is_hidden,
    vocabulary::{FREEZE, HOURS, OFF, Vocabulary},
    windows::Windows,
};

/// Most characters of a contact: refusals show it.
const LONGEST_CONTACT: usize = 200;

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    contact: Option<Spanned<String>>,
    timezone: Option<Spanned<String>>,
    #[serde(default)]
    windows: toml::Table,
    #[serde(default)]
    contacts: BTreeMap<String, Spanned<String>>,
    production: Option<BTreeMap<String, Spanned<Vec<String>>>>,
}

/// What the file says.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    contact: Option<String>,
    contacts: BTreeMap<String, String>,
    zone: TimeZone,
    windows: Windows,
    /// The values that make a command a production command, by key.
    pub(crate) production: BTreeMap<String, Vec<String>>,
}

impl Settings {
    /// Reads the file; what is wrong is left out and reported. `groups` are those that policy knows.
    pub(crate) fn read(
        text: &str,
        groups: &BTreeSet<&str>,
        vocabulary: &Vocabulary,
        findings: &mut Findings,
    ) -> Self {
        let written: Written = toml::from_str(text).unwrap_or_else(|error| {
            let at = error.span().map_or((0, 0), |span| position(text, span.start));
            findings.error("settings-form", FILE, at, error.message().to_owned());
            Written::default()
        });
        let zone = written.timezone.map_or(TimeZone::UTC, |name| {
            TimeZone::get(name.get_ref()).unwrap_or_else(|_| {
                let message =
                    format!("`{:.60}` is no time zone; name one as `Europe/Berlin`", name.get_ref());
                findings.error("settings-timezone", FILE, position(text, name.span().start), message);
                TimeZone::UTC
            })
        });
        let windows = Windows::read(&written.windows, |name| line_of(text, name), findings);
        for contact in written.contact.iter().chain(written.contacts.values()) {
            let text_of = contact.get_ref();
            let shown = !text_of.trim().is_empty() && !text_of.chars().any(|c| c != ' ' && is_hidden(c));
            if !shown || text_of.chars().count() > LONGEST_CONTACT {
                let message =
                    format!("a contact is one line of at most {LONGEST_CONTACT} characters that can be seen");
                findings.error("settings-form", FILE, position(text, contact.span().start), message);
            }
        }
        for (group, contact) in &written.contacts {
            if !groups.contains(group.as_str()) {
                let hint = did_you_mean(group, groups.iter().copied());
                let message = format!("no group `{group:.60}`{hint}");
                findings.error("settings-group", FILE, position(text, contact.span().start), message);
            }
        }
        let production = written.production.map_or_else(environment, |keys| {
            let known = |(key, values): (String, Spanned<Vec<String>>)| {
                if !vocabulary.context.contains_key(&key) && key != "env" {
                    let hint = did_you_mean(&key, vocabulary.context.keys().map(String::as_str));
                    let at = position(text, values.span().start);
                    findings.warn(
                        "settings-key",
                        FILE,
                        at,
                        format!("no command declares the key `{key:.60}`{hint}"),
                    );
                }
                (key, values.into_inner())
            };
            keys.into_iter().map(known).collect()
        });
        if production.is_empty() || production.values().any(Vec::is_empty) {
            let message = "[production] names no value; leave it out for `env = [\"production\"]`";
            findings.error("settings-form", FILE, (line_of(text, "[production]"), 1), message);
        }
        let contacts = written.contacts.into_iter().map(|(group, contact)| (group, contact.into_inner()));
        Self {
            contact: written.contact.map(Spanned::into_inner),
            contacts: contacts.collect(),
            zone,
            windows,
            production,
        }
    }

    /// The words that rows may use, with those that hold whatever the command is.
    pub(crate) fn extend(&self, vocabulary: &Vocabulary) -> Vocabulary {
        let mut all = vocabulary.clone();
        all.context.insert(FREEZE.to_owned(), [OFF, "on"].map(str::to_owned).to_vec());
        let hours = self.windows.names().chain([OFF]).map(str::to_owned).collect();
        all.context.insert(HOURS.to_owned(), hours);
        all
    }

    /// The window that contains this moment, `off` outside every window.
    pub(crate) fn hours(&self, now: Timestamp) -> &str {
        self.windows.at(&now.to_zoned_datetime(self.zone.clone())).unwrap_or(OFF)
    }

    /// When `hours` next becomes each of its values, the soonest first, by the wall clock of the policy's zone.
    pub(crate) fn later(&self, now: Timestamp) -> Vec<(&str, ZonedDateTime)> {
        self.windows.later(&now.to_zoned_datetime(self.zone.clone()))
    }

    /// What `hours` is at one moment by these settings and by others, for every moment there can be.
    pub(crate) fn moments(&self, other: &Self) -> BTreeSet<(String, String)> {
        let told = |(own, other): (&str, &str)| (own.to_owned(), other.to_owned());
        if self.zone == other.zone {
            return self.windows.week().zip(other.windows.week()).map(told).collect();
        }
        // Zones drift against each other over the year, so that any two may meet.
        let (own, others): (BTreeSet<&str>, BTreeSet<&str>) =
            (self.windows.week().collect(), other.windows.week().collect());
        own.iter().flat_map(|own| others.iter().map(move |other| told((own, other)))).collect()
    }

    /// The entries that are not the same in others: `windows.office`.
    pub(crate) fn unlike(&self, other: &Self) -> BTreeSet<String> {
        let one = |name: &str, same: bool| (!same).then(|| name.to_owned());
        let windows = self.windows.unlike(&other.windows).chain(other.windows.unlike(&self.windows));
        let order = self.windows.names().eq(other.windows.names());
        let contacts = unlike("contacts", &self.contacts, &other.contacts);
        let production = unlike("production", &self.production, &other.production);
        [one("contact", self.contact == other.contact), one("timezone", self.zone == other.zone)]
            .into_iter()
            .chain([one("windows", order)])
            .flatten()
            .chain(windows.map(|name| format!("windows.{name}")))
            .chain(contacts)
            .chain(production)
            .collect()
    }

    /// Whom to ask for what these groups may.
    pub(crate) fn contact(&self, groups: &[String]) -> Option<&str> {
        let own = groups.iter().find_map(|group| self.contacts.get(group));
        own.or(self.contact.as_ref()).map(String::as_str)
    }
}

/// The keys with other values, or in one of the two only.
fn unlike<T: PartialEq>(table: &str, own: &BTreeMap<String, T>, other: &BTreeMap<String, T>) -> Vec<String> {
    let keys: BTreeSet<&String> = own.keys().chain(other.keys()).collect();
    keys.into_iter()
        .filter(|key| own.get(*key) != other.get(*key))
        .map(|key| format!("{table}.{key}"))
        .collect()
}

/// What counts as production unless the file says otherwise.
fn environment() -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([("env".to_owned(), vec!["production".to_owned()])])
}

/// Line and column, from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// The line that begins with this key, which the parser has seen there.
fn line_of(text: &str, key: &str) -> usize {
    let begins = |line: &str| line.trim_start().trim_start_matches(['"', '\'']).starts_with(key);
    text.lines().position(begins).map_or(0, |index| index + 1)
}
