//! The commands that there are now, as far as this replica has learned: found by name or by the words of a line, and typed
//! arguments made into the line that a worker reads back as exactly these.

use std::{collections::BTreeMap, sync::Arc};

use adjutant_bus::{
    line,
    spec::{ArgKind, ArgSpec, CommandPath, CommandSpec},
    words,
};
use serde_json::{Map, Value, json};

use crate::problem::{Code, Problem};

/// Most words of a command's name.
const MOST_WORDS: usize = 6;

/// The commands at one moment.
pub(crate) struct Catalogue(Arc<Vec<CommandSpec>>);

impl Catalogue {
    pub(crate) const fn new(specs: Arc<Vec<CommandSpec>>) -> Self {
        Self(specs)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CommandSpec> {
        self.0.iter()
    }

    fn get(&self, path: &CommandPath) -> Option<&CommandSpec> {
        let named = |spec: &&CommandSpec| spec.path == *path || spec.aliases.contains(path);
        self.0.iter().find(|spec| spec.path == *path).or_else(|| self.0.iter().find(named))
    }

    /// By name, with dots or blanks.
    pub(crate) fn named(&self, name: &str) -> Option<&CommandSpec> {
        self.get(&name.replace('.', " ").parse().ok()?)
    }

    /// The command that a line begins with, as workers find it: the longest name that fits.
    pub(crate) fn of_line(&self, text: &str) -> Option<&CommandSpec> {
        let words = words::split(text).ok()?.words;
        let name: Vec<String> = words.iter().take(MOST_WORDS).map(|word| word.text.to_lowercase()).collect();
        (1..=name.len()).rev().find_map(|length| self.get(&name.get(..length)?.join(" ").parse().ok()?))
    }

    /// Every key of the context that some command binds, `none` but for those that these arguments give.
    pub(crate) fn context(
        &self,
        spec: &CommandSpec,
        arguments: &BTreeMap<String, Value>,
    ) -> BTreeMap<String, String> {
        let bound = self.0.iter().flat_map(|spec| &spec.args).filter_map(|arg| arg.context.clone());
        let mut context: BTreeMap<String, String> = bound.map(|key| (key, "none".to_owned())).collect();
        for arg in &spec.args {
            let value = arguments.get(&arg.name).or(arg.default.as_ref());
            if let (Some(key), Some(value)) = (&arg.context, value) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                context.insert(key.clone(), text);
            }
        }
        context
    }
}

/// Checks arguments against the description.
pub(crate) fn check(
    spec: &CommandSpec,
    given: Map<String, Value>,
) -> Result<BTreeMap<String, Value>, Problem> {
    let mut misfits: Vec<(String, String)> = Vec::new();
    for arg in spec.args.iter().filter(|arg| arg.required && arg.default.is_none()) {
        if !given.contains_key(&arg.name) {
            misfits.push((arg.name.clone(), "must be given".to_owned()));
        }
    }
    for (name, value) in &given {
        match spec.args.iter().find(|arg| arg.name == *name) {
            None => {
                misfits.push((name.clone(), format!("`{}` has no such argument", spec.path)));
            }
            Some(arg) if !line::is_canonical(&arg.kind, value) => misfits.push((name.clone(), wanted(arg))),
            Some(_) => {}
        }
    }
    if misfits.is_empty() {
        return Ok(given.into_iter().collect());
    }
    let detail = format!("Usage: {}", line::usage(spec));
    Err(misfits.into_iter().fold(Problem::new(Code::Invalid, detail), |problem, (name, what)| {
        problem.and(format!("/args/{}", escaped(&name)), what)
    }))
}

/// The line that asks for these arguments. What a line cannot carry is refused, never changed.
pub(crate) fn line_of(spec: &CommandSpec, arguments: &BTreeMap<String, Value>) -> Result<String, Problem> {
    let line = line::by_name(spec, arguments);
    let characters = line.chars().count();
    if characters > words::MOST_CHARACTERS {
        let detail = format!("all together at most {} characters as a line", words::MOST_CHARACTERS);
        return Err(Problem::invalid("/args", detail));
    }
    for arg in &spec.args {
        let Some(value) = arguments.get(&arg.name) else { continue };
        let typed = line::typed(&arg.kind, value);
        let word = format!("--{}={}", arg.name, words::quote(&typed));
        let wanted = format!("--{}={typed}", arg.name);
        let same = words::split(&word)
            .is_ok_and(|read| matches!(read.words.as_slice(), [only] if only.text == wanted));
        if !same {
            let detail = "has a character that the line of a command cannot carry: a line break, another \
                          control character, typographic quotes or blanks";
            return Err(Problem::invalid(format!("/args/{}", escaped(&arg.name)), detail));
        }
    }
    Ok(line)
}

/// A name as a part of a JSON pointer (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.chars().take(64).collect::<String>().replace('~', "~0").replace('/', "~1")
}

fn wanted(arg: &ArgSpec) -> String {
    match arg.kind {
        ArgKind::Duration => {
            format!("must be a whole number of seconds from 1 to {}", line::LONGEST_DURATION)
        }
        _ => line::wanted(&arg.kind),
    }
}

/// The arguments as JSON Schema (2020-12).
pub(crate) fn schema(spec: &CommandSpec) -> Value {
    let properties: Map<String, Value> =
        spec.args.iter().map(|arg| (arg.name.clone(), property(arg))).collect();
    let required: Vec<&str> = spec
        .args
        .iter()
        .filter(|arg| arg.required && arg.default.is_none())
        .map(|arg| arg.name.as_str())
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(arg: &ArgSpec) -> Value {
    let mut property = match &arg.kind {
        ArgKind::String | ArgKind::Rest => json!({ "type": "string", "minLength": 1 }),
        ArgKind::User | ArgKind::Channel => json!({ "type": "string", "pattern": "^\\S+$" }),
        ArgKind::Integer { min, max } => {
            let mut integer = json!({ "type": "integer" });
            for (key, bound) in [("minimum", min), ("maximum", max)] {
                if let (Some(bound), Some(object)) = (bound, integer.as_object_mut()) {
                    object.insert(key.to_owned(), (*bound).into());
                }
            }
            integer
        }
        ArgKind::Number => json!({ "type": "number" }),
        ArgKind::Boolean => json!({ "type": "boolean" }),
        ArgKind::Choice { choices } => json!({ "enum": choices }),
        ArgKind::Duration => json!({
            "type": "integer", "minimum": 1, "maximum": line::LONGEST_DURATION, "description": "seconds",
        }),
    };
    if let Some(object) = property.as_object_mut() {
        if !arg.summary.is_empty() {
            object.insert("title".to_owned(), arg.summary.clone().into());
        }
        if let Some(default) = &arg.default {
            object.insert("default".to_owned(), default.clone());
        }
        if arg.secret {
            object.insert("writeOnly".to_owned(), true.into());
        }
    }
    property
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(name: &str, kind: ArgKind) -> CommandSpec {
        CommandSpec {
            args: vec![ArgSpec::positional("text", kind, "")],
            ..CommandSpec::new(name.parse().unwrap(), "")
        }
    }

    #[test]
    fn the_longest_name_is_found_whatever_typography_hides_it() {
        let specs = vec![spec("db", ArgKind::Rest), spec("db migrate", ArgKind::Rest)];
        let catalogue = Catalogue::new(Arc::new(specs));
        for line in ["db migrate x", "DB \"migrate\" x", "db migr\u{200b}ate x", "db\u{a0}migrate"] {
            assert_eq!(catalogue.of_line(line).unwrap().path.dotted(), "db.migrate", "{line:?}");
        }
        assert_eq!(catalogue.of_line("db x migrate").unwrap().path.dotted(), "db");
        assert!(catalogue.of_line("dbx").is_none());
    }

    proptest! {
        #[test]
        fn a_value_is_carried_unchanged_or_refused(text in "\\PC{1,40}") {
            let spec = spec("say", ArgKind::Rest);
            let arguments = BTreeMap::from([("text".to_owned(), Value::from(text.clone()))]);
            if let Ok(line) = line_of(&spec, &arguments) {
                let words = words::split(&line).unwrap().words;
                prop_assert_eq!(words.len(), 2);
                prop_assert_eq!(&words[1].text, &format!("--text={text}"));
            }
        }
    }
}
