//! Casbin as it is, without the gate: one enforcer over all rows, and the model's functions written a second time. What the gate
//! says is held against it.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use casbin::{
    CoreApi, DefaultModel, Enforcer, Model,
    function_map::OperatorFunction,
    rhai::{Dynamic, ImmutableString, Map},
};

pub struct Raw(Enforcer);

impl Raw {
    /// An enforcer over these rows, each with its kind first.
    pub fn new(model: &str, rows: &[Vec<String>]) -> Self {
        futures::executor::block_on(async {
            let mut model = DefaultModel::from_str(model).await.unwrap();
            for row in rows {
                let section = &row[0][..1];
                model.add_policy(section, &row[0], row[1..].to_vec());
            }
            let mut enforcer = Enforcer::new_raw(model, ()).await.unwrap();
            enforcer.build_role_links().unwrap();
            enforcer.add_function("cmdMatch", OperatorFunction::Arg2(command));
            enforcer.add_function("placeMatch", OperatorFunction::Arg2(place));
            enforcer.add_function("whenMatch", OperatorFunction::Arg3(when));
            Self(enforcer)
        })
    }

    /// Casbin's verdict on whatever is asked; an error or a panic in words.
    pub fn enforce(&self, request: Vec<Dynamic>) -> Result<bool, String> {
        match catch_unwind(AssertUnwindSafe(|| self.0.enforce(request))) {
            Ok(verdict) => verdict.map_err(|error| format!("error: {error}")),
            Err(_) => Err("panic".to_owned()),
        }
    }

    /// Casbin's verdict on a request of our model.
    pub fn ask(
        &self,
        groups: &[String],
        place: &str,
        command: &str,
        action: &str,
        context: &BTreeMap<String, String>,
    ) -> bool {
        let groups: Map = groups.iter().map(|group| (group.as_str().into(), Dynamic::from(true))).collect();
        let context: Map = context.iter().map(|(key, value)| (key.as_str().into(), text(value))).collect();
        let request = vec![
            text("console:raw/somebody"),
            Dynamic::from_map(groups),
            text(place),
            text(command),
            text(action),
            Dynamic::from_map(context),
        ];
        self.enforce(request).unwrap()
    }
}

pub fn text(text: &str) -> Dynamic {
    Dynamic::from(ImmutableString::from(text))
}

fn word(value: &Dynamic) -> String {
    value.clone().into_string().unwrap()
}

fn command(command: Dynamic, pattern: Dynamic) -> Dynamic {
    Dynamic::from(command_matches(&word(&command), &word(&pattern)))
}

fn place(place: Dynamic, pattern: Dynamic) -> Dynamic {
    Dynamic::from(place_matches(&word(&place), &word(&pattern)))
}

fn when(context: Dynamic, when: Dynamic, effect: Dynamic) -> Dynamic {
    let context: BTreeMap<String, String> = context
        .cast::<Map>()
        .into_iter()
        .map(|(key, value)| (key.to_string(), value.into_string().unwrap()))
        .collect();
    Dynamic::from(when_matches(&context, &word(&when), word(&effect) == "allow"))
}

pub fn command_matches(command: &str, pattern: &str) -> bool {
    let (command, pattern): (Vec<&str>, Vec<&str>) =
        (command.split('.').collect(), pattern.split('.').collect());
    match pattern.split_last() {
        Some((&"*", stem)) => stem.is_empty() || command.len() > stem.len() && command.starts_with(stem),
        _ => command == pattern,
    }
}

pub fn place_matches(place: &str, pattern: &str) -> bool {
    let (platform, rest) = place.split_once(':').unwrap_or((place, ""));
    let tenant = rest.split('/').next().unwrap_or_default();
    pattern == "*"
        || pattern == place
        || pattern == format!("{platform}:*") && !rest.is_empty()
        || pattern == format!("{platform}:{tenant}/*") && rest.len() > tenant.len() + 1
}

pub fn when_matches(context: &BTreeMap<String, String>, when: &str, allow: bool) -> bool {
    let mut holds = true;
    for part in when.split(';').filter(|_| when != "*") {
        let (key, values) = part.split_once('=').unwrap();
        holds &= match context.get(key) {
            None => !allow,
            Some(value) => values.split('|').any(|wanted| wanted == value),
        };
    }
    holds
}
