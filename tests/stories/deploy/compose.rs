//! `deploy/compose/`: against the schema of compose files, against rules of our own, and against the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

const ROLES: [&str; 4] = ["worker", "api", "gateway-slack", "gateway-discord"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

fn compose() -> Value {
    serde_saphyr::from_str(&text("compose.yaml")).unwrap()
}

fn findings(document: &Value) -> Vec<String> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/compose-spec-0.39.0.json");
    let schema = fs::read_to_string(schema).expect("the schema: run ./dev setup");
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The services; what is merged into them by `<<` counts, and what is written at the service itself counts more.
fn services() -> BTreeMap<String, Value> {
    let document = compose();
    let services = document["services"].as_object().unwrap();
    services.iter().map(|(name, service)| (name.clone(), service.clone())).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The variables that the compose file takes from outside.
fn wanted() -> BTreeSet<String> {
    let text = text("compose.yaml").replace("$$", "");
    let parts = text.split("${").skip(1);
    parts.map(|part| part.split([':', '}', '?']).next().unwrap().to_owned()).collect()
}

#[test]
fn the_schema_takes_it_and_no_spoiled_one() {
    let good = compose();
    assert_eq!(findings(&good), Vec::<String>::new());
    let mut bad = good;
    bad["services"]["worker"]["comand"] = json!(["worker"]);
    assert_eq!(findings(&bad).len(), 1, "{:?}", findings(&bad));
}

#[test]
fn every_secret_is_named_and_none_is_set() {
    let example = text(".env.example");
    let lines = example.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let set: BTreeMap<&str, &str> = lines.map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(set.keys().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), wanted());
    assert_eq!(set["IMAGE_VERSION"], env!("CARGO_PKG_VERSION"));
    for (name, value) in set.into_iter().filter(|(name, _)| *name != "IMAGE_VERSION") {
        assert!(name.starts_with("SECRET_") && value.is_empty(), "{name}={value}");
    }
    let document = compose();
    let declared: BTreeSet<&str> =
        document["secrets"].as_object().unwrap().keys().map(String::as_str).collect();
    let services = services();
    let used: BTreeSet<&str> = services.values().flat_map(|service| strings(&service["secrets"])).collect();
    assert_eq!(used, declared);
    for (name, secret) in document["secrets"].as_object().unwrap() {
        let variable = format!("${{SECRET_{}_FILE:-", name.to_uppercase().replace('-', "_"));
        assert!(secret["file"].as_str().unwrap().starts_with(&variable), "{name}: {secret}");
    }
    for (name, service) in services {
        let given = strings(&service["secrets"]);
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            if let Some(secret) = value.strip_prefix("/run/secrets/") {
                assert!(given.contains(&secret), "{name}: {variable} names a secret that it does not have");
            }
            let bare = ["PASSWORD", "TOKEN", "PEPPER", "SIGNING_KEY", "SIGNING_SECRET", "DATABASE"];
            assert!(!bare.iter().any(|end| variable.ends_with(end)), "{name}: {variable} belongs in a file");
        }
    }
}

#[test]
fn every_service_is_confined_and_pinned_and_there_are_two_of_every_role() {
    for (name, service) in services() {
        let image = service["image"].as_str().unwrap();
        let tag = image.rsplit_once(':').unwrap_or_else(|| panic!("{name}: {image} has no tag")).1;
        assert!(
            tag != "latest" && (tag.contains('.') || image.contains("${IMAGE_VERSION:?")),
            "{name}: {image}"
        );
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]), "{name}");
        assert!(service.get("privileged").is_none() && service["network_mode"] != "host", "{name}");
        let limits = &service["deploy"]["resources"]["limits"];
        assert!(
            limits["cpus"].is_string() && limits["memory"].is_string() && limits["pids"].is_u64(),
            "{name}"
        );
        for port in strings(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to the network");
        }
        let ours = image.starts_with("ghcr.io/adjutant-chatops/adjutant:");
        assert!(ours || service["restart"] == "no" || service["healthcheck"]["test"].is_array(), "{name}");
    }
    let services = services();
    for role in ROLES {
        assert_eq!(services[role]["deploy"]["replicas"], 2, "{role}");
        let waits = &services[role]["depends_on"]["bus-setup"]["condition"];
        assert_eq!(waits, "service_completed_successfully", "{role}");
        let profile = role.strip_prefix("gateway-").map(|chat| json!([chat]));
        assert_eq!(services[role].get("profiles").cloned(), profile, "{role}");
    }
    for server in ["nats-0", "nats-1", "nats-2"] {
        assert_eq!(services["bus-setup"]["depends_on"][server]["condition"], "service_healthy");
        assert_eq!(services[server]["environment"]["NATS_SERVER_NAME"], server);
    }
}

#[test]
fn the_program_takes_its_arguments_and_its_variables() {
    let example: toml::Table =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/adjutant.example.toml")).parse().unwrap();
    for (name, service) in services() {
        for variable in service["environment"].as_object().into_iter().flatten().map(|(variable, _)| variable)
        {
            let Some(key) = variable.strip_prefix("ADJUTANT_") else { continue };
            let key = key.to_lowercase();
            let (section, key) = key.split_once("__").unwrap();
            let known = example.get(section).and_then(|section| section.get(key));
            assert!(known.is_some(), "{name}: {variable} sets no key");
        }
        if service["image"].as_str().unwrap().contains("/adjutant:") {
            let args = strings(&service["command"]);
            let help =
                Command::new(env!("CARGO_BIN_EXE_adjutant")).args(&args).arg("--help").output().unwrap();
            assert!(help.status.success(), "{name}: {args:?}");
        }
    }
}

#[test]
fn what_is_mounted_is_there() {
    for (name, service) in services() {
        for mount in strings(&service["volumes"]) {
            let source = mount.split(':').next().unwrap();
            if source.starts_with('.') {
                assert!(folder().join(source).exists(), "{name}: {source} is not in the repository");
                assert!(mount.ends_with(":ro"), "{name}: {mount}");
            } else {
                assert!(compose()["volumes"].get(source).is_some(), "{name}: {source} is no volume");
            }
        }
    }
}
