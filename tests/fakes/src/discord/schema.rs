//! Bodies against Discord's own OpenAPI.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use jsonschema::{Draft, Validator};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{reply::Refused, routes::Route};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../samples/discord/openapi.json")).unwrap());

type Compiled = HashMap<String, Option<Arc<Validator>>>;

static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);

/// The schema of a route's body; none if it takes none.
fn validator(route: &Route) -> Option<Arc<Validator>> {
    let mut compiled = COMPILED.lock();
    let entry = compiled.entry(route.name()).or_insert_with(|| {
        let method = route.method.to_lowercase();
        let content = &DOCUMENT["paths"][route.template][&method]["requestBody"]["content"];
        let mut schema = content["application/json"]["schema"].clone();
        if schema.is_null() {
            return None;
        }
        schema["components"] = DOCUMENT["components"].clone();
        Some(Arc::new(jsonschema::options().with_draft(Draft::Draft202012).build(&schema).unwrap()))
    });
    entry.clone()
}

/// Takes out what the OpenAPI has otherwise than the documents.
fn without_quirks(body: &Value) -> Value {
    let mut body = body.clone();
    for command in body.as_array_mut().into_iter().flatten() {
        if command["default_member_permissions"].as_str().is_some_and(|text| text.parse::<u64>().is_ok()) {
            command["default_member_permissions"] = json!(null);
        }
    }
    for place in ["/attachments", "/data/attachments"] {
        for one in body.pointer_mut(place).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(number) = one["id"].as_u64() {
                one["id"] = number.to_string().into();
            }
        }
    }
    body
}

pub(super) fn check(route: &Route, body: &Value) -> Result<(), Refused> {
    let Some(validator) = validator(route) else { return Ok(()) };
    let body = without_quirks(body);
    let Some(error) = validator.iter_errors(&body).next() else { return Ok(()) };
    let path = error.instance_path().to_string().replace('/', ".");
    let why: String = error.to_string().chars().take(400).collect();
    Err(Refused::form(&path, &why))
}
