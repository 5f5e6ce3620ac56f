//! What other systems send, read: every sample as a snapshot, GitHub's signature, what does not fit, and hostile input.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::{fs, path::Path};

use adjutant_api::hooks::{self, Hook, HookError, Read, github};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// The headers with which a sender sends this sample.
fn sent_with(hook: Hook, stem: &str) -> HeaderMap {
    match (hook, stem) {
        (Hook::GitHub, _) => headers(&[
            ("x-github-event", stem.split('.').next().unwrap()),
            ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ]),
        (Hook::CloudEvents, "batch") => headers(&[("content-type", "application/cloudevents-batch+json")]),
        (Hook::CloudEvents, _) => headers(&[("content-type", "application/cloudevents+json; charset=utf-8")]),
        _ => headers(&[("content-type", "application/json")]),
    }
}

fn samples() -> Vec<(Hook, String, Vec<u8>)> {
    let mut samples = Vec::new();
    for hook in Hook::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(hook.as_str());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            samples.push((hook, stem, fs::read(&path).unwrap()));
        }
    }
    samples.sort_by_key(|(hook, stem, _)| (hook.as_str(), stem.clone()));
    samples
}

fn told(read: &Read) -> Value {
    let delivery = |delivery: &hooks::Delivery| json!({ "id": delivery.id, "message": delivery.message });
    read.messages.iter().map(delivery).collect()
}

#[test]
fn every_sample_says_what_its_sender_means() {
    for (hook, stem, body) in samples() {
        let read = hooks::read(hook, &sent_with(hook, &stem), &body).unwrap();
        bounded(&read);
        assert!(!format!("{read:?}").contains("NEVER-KEPT"));
        insta::assert_json_snapshot!(format!("{}__{stem}", hook.as_str()), told(&read));
    }
}

#[test]
fn a_hook_is_named_as_in_its_path() {
    for hook in Hook::ALL {
        assert_eq!(hook.as_str().parse(), Ok(hook));
    }
    assert!("jenkins".parse::<Hook>().is_err());
}

#[test]
fn githubs_own_vector_verifies_and_nothing_else_does() {
    let secret = SecretString::from("It's a Secret to Everybody");
    let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let signed = |signature: &str| headers(&[("x-hub-signature-256", signature)]);
    assert!(github::verify(&secret, &signed(good), b"Hello, World!"));
    assert!(!github::verify(&secret, &signed(good), b"Hello, World?"));
    assert!(!github::verify(&SecretString::from(""), &signed(good), b"Hello, World!"));
    assert!(!github::verify(&secret, &signed(good.get(..70).unwrap()), b"Hello, World!"));
    assert!(!github::verify(&secret, &signed(&good.replace("sha256", "sha1")), b"Hello, World!"));
    assert!(!github::verify(&secret, &HeaderMap::new(), b"Hello, World!"));
}

#[test]
fn the_classic_form_says_the_same_as_json() {
    let form = headers(&[("content-type", "application/x-www-form-urlencoded")]);
    let read = hooks::read(Hook::Slack, &form, b"payload=%7B%22text%22%3A%22a+%26amp%3B+b%22%7D").unwrap();
    assert_eq!(read.messages[0].message.text, "a & b");
}

#[test]
fn a_binary_event_says_the_same_as_a_structured_one() {
    let binary = headers(&[
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "b-17"),
        ("ce-source", "/ci/pilot"),
        ("ce-type", "org.example.build.finished"),
        ("ce-subject", "m%61in"),
    ]);
    let data = br#"{"result":"passed","seconds":41,"nested":{"a":1}}"#;
    let (_, stem, body) = samples()
        .into_iter()
        .find(|(hook, stem, _)| *hook == Hook::CloudEvents && stem == "structured")
        .unwrap();
    let structured = hooks::read(Hook::CloudEvents, &sent_with(Hook::CloudEvents, &stem), &body);
    assert_eq!(hooks::read(Hook::CloudEvents, &binary, data), structured);
}

#[test]
fn what_does_not_fit_is_told_by_place_without_its_value() {
    let none = HeaderMap::new();
    let cases = [
        (
            Hook::Alertmanager,
            json!({ "status": "s3cret" }),
            "/status: expected `firing` or `resolved`, found string",
        ),
        (
            Hook::Alertmanager,
            json!({ "status": "firing", "alerts": [7] }),
            "/alerts/0: expected an object, found number",
        ),
        (
            Hook::PagerDuty,
            json!({ "event_action": "trigger" }),
            "/payload: expected an object, found nothing",
        ),
        (
            Hook::PagerDuty,
            json!({ "event_action": "resolve" }),
            "/dedup_key: expected a string, found nothing",
        ),
        (Hook::Slack, json!({ "text": 7 }), "/text: expected a string, found number"),
        (Hook::CloudEvents, json!([]), ": expected an object, found array"),
        (Hook::GitHub, json!({}), "header X-GitHub-Event: expected the name of an event"),
    ];
    for (hook, body, told) in cases {
        let error = hooks::read(hook, &none, body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(hooks::read(Hook::Slack, &none, deep.as_bytes()), Err(HookError::Syntax { .. })));
}

fn bounded(read: &Read) {
    assert!(read.messages.len() <= 50);
    for delivery in &read.messages {
        let message = &delivery.message;
        assert!(delivery.id.as_ref().is_none_or(|id| id.chars().count() <= 128));
        assert!(message.matter.as_ref().is_none_or(|matter| matter.key.chars().count() <= 128));
        assert!(message.text.chars().count() <= 3100);
        assert!(message.title.as_ref().is_none_or(|title| title.chars().count() <= 150));
        assert!(message.fields.len() <= 20 && message.links.len() <= 10);
        assert!(
            message.fields.iter().all(|f| f.label.chars().count() <= 80 && f.value.chars().count() <= 500)
        );
        assert!(
            message.links.iter().all(|link| link.url.starts_with("http") && link.url.chars().count() <= 2000)
        );
        let hostile = |c: char| (c.is_control() && c != '\n') || ('\u{202A}'..='\u{202E}').contains(&c);
        assert!(!told(read).to_string().replace("\\n", "").chars().any(hostile));
        assert!(!message.text.chars().any(hostile));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("<@U1|x> \u{202E}\u{0}<!here> ".repeat(2000))),
        Just(Value::from("<".repeat(50_000))),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Puts `with` at the `at`th place of a value, counted in depth.
fn put(value: &mut Value, at: &mut usize, with: &Value) {
    if *at == 0 {
        *value = with.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put(item, at, with)),
        Value::Object(members) => members.values_mut().for_each(|member| put(member, at, with)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_stays_in_bounds(value in any_json(), sample in any::<prop::sample::Index>(), at in 0usize..60) {
        let samples = samples();
        let (hook, stem, body) = sample.get(&samples);
        let mut changed: Value = serde_json::from_slice(body).unwrap();
        put(&mut changed, &mut at.clone(), &value);
        for sent in [changed, value] {
            if let Ok(read) = hooks::read(*hook, &sent_with(*hook, stem), sent.to_string().as_bytes()) {
                bounded(&read);
            }
        }
    }
}
