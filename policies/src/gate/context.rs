//! What a decision is told besides who, where and what: values of arguments, the time, a freeze; and what of it is production.

use std::collections::BTreeMap;

use jiff::{Timestamp, ZonedDateTime};

use super::{Ask, Gate};
use crate::{
    rows::Row,
    vocabulary::{FREEZE, HOURS, NONE, OFF},
};

impl Gate {
    /// A context in which every key that some command binds has a value: `none` where this one says nothing. For who asks about
    /// a command without its catalogue.
    #[must_use]
    pub fn complete(
        &self,
        context: &BTreeMap<String, String>,
        now: Timestamp,
        freeze: Option<bool>,
    ) -> BTreeMap<String, String> {
        let mut complete = self.full(context);
        complete.extend(self.circumstances(now, freeze));
        // Whether there is a freeze must not be guessed.
        for key in self.vocabulary.context.keys().filter(|key| *key != FREEZE) {
            complete.entry(key.clone()).or_insert_with(|| self.vocabulary.usual(key).to_owned());
        }
        complete
    }

    /// A key that no known command binds is `none`: the service that declares it is away, and nothing of it is asked.
    pub(super) fn full(&self, context: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut full = context.clone();
        for key in &self.undeclared {
            full.entry(key.clone()).or_insert_with(|| NONE.to_owned());
        }
        full
    }

    /// What holds whatever the command is: the window of time, and whether there is a freeze (none: it is not known).
    #[must_use]
    pub fn circumstances(&self, now: Timestamp, freeze: Option<bool>) -> BTreeMap<String, String> {
        let hours = (HOURS.to_owned(), self.settings.hours(now).to_owned());
        let word = |frozen| if frozen { "on" } else { OFF };
        let freeze = freeze.map(|frozen| (FREEZE.to_owned(), word(frozen).to_owned()));
        [hours].into_iter().chain(freeze).collect()
    }

    /// When the time alone would allow what is refused now, by the wall clock of the policy's zone; none if it never does.
    #[must_use]
    pub fn opens(&self, ask: &Ask<'_>, now: Timestamp) -> Option<ZonedDateTime> {
        let about = self.rows_of(ask.command).flat_map(Row::conditions);
        if !about.map(|(key, _)| key).any(|key| key == HOURS) {
            return None;
        }
        let mut context = ask.context.clone();
        self.settings.later(now).into_iter().find_map(|(hours, at)| {
            context.insert(HOURS.to_owned(), hours.to_owned());
            self.explain(&Ask { context: &context, ..*ask }).allowed.then_some(at)
        })
    }

    /// Whom to ask for what these groups may.
    #[must_use]
    pub fn contact(&self, groups: &[String]) -> Option<&str> {
        self.settings.contact(groups)
    }

    /// The values that make a command a production command, by key.
    pub(crate) const fn production(&self) -> &BTreeMap<String, Vec<String>> {
        &self.settings.production
    }

    /// Whether a command with this context is a production command.
    #[must_use]
    pub fn is_production(&self, context: &BTreeMap<String, String>) -> bool {
        let holds = |(key, values): (&String, &Vec<String>)| {
            context.get(key).is_some_and(|value| values.contains(value))
        };
        self.settings.production.iter().any(holds)
    }
}
