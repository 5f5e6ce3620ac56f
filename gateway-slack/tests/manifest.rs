//! The manifest is one that Slack takes: it fits Slack's own schemas, by sockets and by HTTP.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use adjutant_bus::spec::CommandSpec;
use adjutant_gateway_slack::manifest::{Manifest, manifest, yaml};
use serde_json::{Value, json};

fn specs() -> Vec<CommandSpec> {
    let spec = |path: &str| {
        serde_json::from_value(json!({ "path": path, "summary": format!("What {path} does") })).unwrap()
    };
    let mut specs: Vec<CommandSpec> =
        ["help", "deploy list", "deploy promote", "excuse", "adjutant"].map(spec).into();
    specs.extend((0..80).map(|n| spec(&format!("many-{n}"))));
    specs
}

fn made(request_url: Option<&str>) -> Value {
    manifest(&Manifest { name: "Adjutant", command: "/adjutant", request_url, commands: &specs() })
}

#[test]
fn the_manifest_fits_slacks_schemas_by_both_ways_in() {
    for schema in ["manifest.schema.1.0.0.json", "manifest.schema.2.0.0.json"] {
        let path = format!("{}/tests/samples/schemas/{schema}", env!("CARGO_MANIFEST_DIR"));
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for url in [None, Some("https://adjutant.example/")] {
            let manifest = made(url);
            let wrong: Vec<String> =
                validator.iter_errors(&manifest).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{wrong:#?}");
        }
    }
}

#[test]
fn commands_are_within_slacks_limits_and_leave_its_own_alone() {
    let manifest = made(None);
    let commands = manifest["features"]["slash_commands"].as_array().unwrap();
    let names: Vec<&str> = commands.iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 50);
    assert_eq!(names[..3], ["/adjutant", "/deploy", "/excuse"]);
    assert!(!names.contains(&"/help"));
    assert!(commands.iter().all(|command| command["should_escape"] == true));
    assert_eq!(commands[1]["usage_hint"], "list | promote");
}

#[test]
fn sockets_need_no_addresses_and_http_has_all() {
    assert!(!made(None).to_string().contains("url"));
    let http = made(Some("https://adjutant.example/"));
    assert_eq!(http["settings"]["socket_mode_enabled"], false);
    assert_eq!(
        http["settings"]["event_subscriptions"]["request_url"],
        "https://adjutant.example/slack/events"
    );
    assert_eq!(http["features"]["slash_commands"][0]["url"], "https://adjutant.example/slack/commands");
}

#[test]
fn the_yaml_is_as_recorded() {
    let specs = specs().into_iter().take(3).collect::<Vec<_>>();
    let made =
        manifest(&Manifest { name: "Adjutant", command: "/adjutant", request_url: None, commands: &specs });
    insta::assert_snapshot!(yaml(&made));
}
