//! The NATS servers of the production overlay with the configuration of `deploy/nats/`, which they get by reference.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    PRODUCTION,
    manifest::{list, render, text},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/nats")
}

/// The variables of the first container, as Kubernetes makes them when each Secret holds `secret`.
fn environment(pod: &serde_json::Value, secret: &str) -> BTreeMap<String, String> {
    let mut made = BTreeMap::new();
    for variable in list(&pod["containers"][0]["env"]) {
        let from = &variable["valueFrom"];
        let value = if from["secretKeyRef"].is_object() {
            secret.to_owned()
        } else if from["fieldRef"].is_object() {
            "adjutant-nats-0".to_owned()
        } else {
            // `$(NAME)` stands for a variable that was made before.
            made.iter()
                .fold(text(&variable["value"]).to_owned(), |value, (name, made): (&String, &String)| {
                    value.replace(&format!("$({name})"), made)
                })
        };
        assert!(!value.contains("$("), "{}: {value}", variable["name"]);
        made.insert(text(&variable["name"]).to_owned(), value);
    }
    made
}

/// The server itself reads its configuration with the variables of the manifest, whatever the passwords are.
#[test]
fn the_servers_take_their_configuration_with_the_variables_of_the_manifest() {
    let rendering = render(PRODUCTION);
    let pod = &rendering.named("StatefulSet", "adjutant-nats").unwrap()["spec"]["template"]["spec"];
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/nats-server");
    let read = |environment: &BTreeMap<String, String>| {
        let mut command = Command::new(&server);
        command.arg("--config").arg(folder().join("cluster.conf")).arg("-t").env_clear().envs(environment);
        let output = command.output().expect("a nats-server: run ./dev setup");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for secret in ["c0ffee", "123456", "12k", "true"] {
        let (taken, said) = read(&environment(pod, secret));
        assert!(taken, "{secret}: {said}");
    }
    for name in ["NATS_ROUTES", "NATS_WORKER_PASSWORD", "NATS_ADMIN_PASSWORD"] {
        let mut missing = environment(pod, "c0ffee");
        missing.remove(name).unwrap();
        assert!(!read(&missing).0, "{name} is not needed");
    }
}

/// They have the time to send their clients away, and there are as many as the bus keeps copies.
#[test]
fn the_servers_have_the_time_that_their_configuration_asks_for() {
    let path = folder().join("cluster.conf");
    let cluster =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rendering = render(PRODUCTION);
    let servers = rendering.named("StatefulSet", "adjutant-nats").unwrap();
    let seconds = |key: &str| -> u64 {
        let line = cluster.lines().find_map(|line| line.trim().strip_prefix(key));
        let value: String =
            line.unwrap_or_else(|| panic!("{key}")).chars().filter(char::is_ascii_digit).collect();
        value.parse().unwrap()
    };
    let needed = seconds("lame_duck_grace_period:") + seconds("lame_duck_duration:");
    assert_eq!(needed, super::rules::pods::LAME_DUCK_SECONDS);
    assert_eq!(servers["spec"]["replicas"], 3);
    let job = rendering.named("Job", "adjutant-bus-setup").unwrap();
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let copies = list(&container["env"]).iter().find(|one| one["name"] == "ADJUTANT_BUS__REPLICAS").unwrap();
    assert_eq!(copies["value"], "3");
}
