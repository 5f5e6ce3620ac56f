//! The three functions of the model. Total: no input makes them fail, and bytes are compared, so case counts.

use casbin::{
    function_map::OperatorFunction,
    rhai::{Dynamic, Map},
};

/// `pattern` is `*`, or the command itself, or `S.*` where the command begins with `S.` and goes on.
pub(crate) fn cmd_match(command: &str, pattern: &str) -> bool {
    pattern == "*" || pattern == command || below(command, pattern, &[".*"])
}

/// `pattern` is `*`, or the place itself, or `S:*` or `S/*` where the place begins with `S:` or `S/` and goes on.
pub(crate) fn place_match(place: &str, pattern: &str) -> bool {
    pattern == "*" || pattern == place || below(place, pattern, &[":*", "/*"])
}

fn below(text: &str, pattern: &str, endings: &[&str]) -> bool {
    let open = endings.iter().any(|ending| pattern.ends_with(ending) && pattern.len() > ending.len());
    open && pattern.strip_suffix('*').is_some_and(|stem| {
        text.strip_prefix(stem).is_some_and(|rest| !rest.is_empty()) && !stem.contains('*')
    })
}

/// `when` is `*`, or each of its parts `k=v1|v2` holds. A key that the context lacks, and a part that is ill-formed, match a
/// deny row and do not match an allow row.
pub(crate) fn when_match<'a>(get: impl Fn(&str) -> Option<&'a str>, when: &str, allow: bool) -> bool {
    if when == "*" {
        return true;
    }
    when.split(';').all(|part| {
        let Some((key, values)) = part.split_once('=') else { return !allow };
        match get(key.trim()) {
            Some(actual) => values.split('|').any(|value| value.trim() == actual),
            None => !allow,
        }
    })
}

fn cmd(command: Dynamic, pattern: Dynamic) -> Dynamic {
    two(&command, &pattern, cmd_match)
}

fn place(place: Dynamic, pattern: Dynamic) -> Dynamic {
    two(&place, &pattern, place_match)
}

fn two(text: &Dynamic, pattern: &Dynamic, matches: fn(&str, &str) -> bool) -> Dynamic {
    match (
        text.read_lock::<casbin::rhai::ImmutableString>(),
        pattern.read_lock::<casbin::rhai::ImmutableString>(),
    ) {
        (Some(text), Some(pattern)) => matches(&text, &pattern).into(),
        _ => false.into(),
    }
}

/// Anything but the word `allow` counts as deny.
fn when(context: Dynamic, when: Dynamic, effect: Dynamic) -> Dynamic {
    let effect = effect.read_lock::<casbin::rhai::ImmutableString>();
    let allow = effect.is_some_and(|effect| effect.as_str() == "allow");
    let (Some(context), Some(when)) =
        (context.read_lock::<Map>(), when.read_lock::<casbin::rhai::ImmutableString>())
    else {
        return (!allow).into();
    };
    let values: Vec<(&str, _)> = context
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), value.read_lock::<casbin::rhai::ImmutableString>()?)))
        .collect();
    let get = |key: &str| values.iter().find(|(k, _)| *k == key).map(|(_, value)| value.as_str());
    when_match(get, &when, allow).into()
}

/// The functions under the names that the model uses.
pub(crate) fn functions() -> [(&'static str, OperatorFunction); 3] {
    [
        ("cmdMatch", OperatorFunction::Arg2(cmd)),
        ("placeMatch", OperatorFunction::Arg2(place)),
        ("whenMatch", OperatorFunction::Arg3(when)),
    ]
}
