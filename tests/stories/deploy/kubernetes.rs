//! `deploy/kubernetes/`: rendered, checked against the schemas of Kubernetes, against our own rules, and against the program.

mod manifest;
mod nats;
mod rules;
mod running;
mod schema;
mod spoils;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use manifest::{Rendering, Workload, list, render, text, title};
use rules::{ALWAYS, FLEET, broken, references};
use schema::{Schemas, VERSIONS};
use serde_json::{Value, json};

use super::settings;

const BASE: &str = "base";
const DEV: &str = "overlays/dev";
const PRODUCTION: &str = "overlays/production";
const BUS: &str = "overlays/production/bus";

#[test]
fn kubernetes_takes_every_document_and_no_spoiled_one() {
    for version in VERSIONS {
        let mut schemas = Schemas::of(version);
        for folder in [BASE, DEV, PRODUCTION, BUS] {
            assert_eq!(schemas.findings(&render(folder)), Vec::<String>::new(), "{folder} for {version}");
        }
        let mut spoil = |change: fn(&mut Value)| {
            let mut rendering = render(BASE);
            change(rendering.edit("Deployment", "adjutant-worker"));
            assert_eq!(schemas.findings(&rendering).len(), 1, "{version}");
        };
        spoil(|doc| doc["spec"]["template"]["spec"]["enableServiceLink"] = json!(false));
        spoil(|doc| doc["spec"]["replicas"] = json!("two"));
        spoil(|doc| doc["spec"]["template"]["spec"]["containers"][0]["ports"][0] = json!({ "name": "http" }));
        spoil(|doc| doc["apiVersion"] = json!("apps/v7"));
    }
}

#[test]
fn every_rule_holds() {
    let mut found = Vec::new();
    for folder in [BASE, DEV, PRODUCTION] {
        let rendering = render(folder);
        found.extend(broken(&rendering, ALWAYS));
        if folder != DEV {
            found.extend(broken(&rendering, FLEET));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_rule_finds_what_is_spoiled() {
    let production = render(PRODUCTION);
    let rules: Vec<_> = [ALWAYS, FLEET].concat();
    for (name, rule) in &rules {
        let spoils: Vec<_> = spoils::SPOILS.iter().filter(|(spoiled, _)| spoiled == name).collect();
        assert!(!spoils.is_empty(), "{name}: nothing shows that this rule finds anything");
        let before = rule(&production);
        for (at, (_, spoil)) in spoils.iter().enumerate() {
            let mut spoiled = production.clone();
            spoil(&mut spoiled);
            assert_ne!(spoiled.docs, production.docs, "{name}, spoil {at}: it changes something");
            let found = rule(&spoiled);
            assert!(found.iter().any(|one| !before.contains(one)), "{name}: spoil {at} is not found");
        }
    }
    let unknown = spoils::SPOILS.iter().find(|(name, _)| !rules.iter().any(|(rule, _)| rule == name));
    assert!(unknown.is_none(), "{:?} is no rule", unknown.map(|(name, _)| name));
}

/// In front of a rollout the bus is applied by itself: the same objects, or the second time would change them.
#[test]
fn the_bus_by_itself_is_as_it_is_in_production() {
    let (bus, production) = (render(BUS), render(PRODUCTION));
    for doc in &bus.docs {
        assert!(production.docs.contains(doc), "{} differs", title(doc));
    }
    let job = bus.named("Job", "adjutant-bus-setup").unwrap();
    assert_eq!(job["spec"]["template"]["spec"]["containers"][0]["args"], json!(["bus", "setup"]));
}

#[test]
fn all_is_in_a_namespace_that_takes_confined_pods_only() {
    for (folder, name) in [(DEV, "adjutant-dev"), (PRODUCTION, "adjutant")] {
        let rendering = render(folder);
        let namespace = rendering.named("Namespace", name).unwrap();
        assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
        let outside = rendering
            .docs
            .iter()
            .find(|doc| doc["kind"] != "Namespace" && doc["metadata"]["namespace"] != name);
        assert!(outside.is_none(), "{folder}: {:?}", outside.map(title));
    }
}

/// The four roles, each by its own user of the bus, of which the password is in one Secret.
#[test]
fn each_role_is_there_as_a_user_of_its_own() {
    for folder in [BASE, PRODUCTION] {
        let rendering = render(folder);
        for role in ["worker", "gateway-slack", "gateway-discord", "api"] {
            let name = format!("adjutant-{role}");
            let deployment =
                rendering.named("Deployment", &name).unwrap_or_else(|| panic!("{folder}: {name}"));
            let env = list(&deployment["spec"]["template"]["spec"]["containers"][0]["env"]);
            let user = env.iter().find(|variable| variable["name"] == "ADJUTANT_BUS__USER");
            assert_eq!(user.map(|user| text(&user["value"])), Some(role), "{folder}");
            let pods = rendering.workloads();
            let pod = pods.iter().find(|pod| pod.title() == format!("Deployment {name}")).unwrap();
            let own =
                references::taken(pod).into_iter().filter(|(_, name, _)| name.starts_with("adjutant-bus-"));
            let own: Vec<_> = own.map(|(_, name, key)| (name, key)).collect();
            assert_eq!(own, [(format!("adjutant-bus-{role}"), "password".to_owned())], "{folder}");
        }
    }
}

#[test]
fn what_must_be_made_by_hand_is_documented_and_used() {
    let taken = references::all_taken(&[render(BASE), render(DEV), render(PRODUCTION)]);
    for (name, key) in references::documented() {
        let keys = taken.get(&name).unwrap_or_else(|| panic!("README.md names {name}, which nothing takes"));
        let whole = keys.contains("");
        assert!(whole || keys.contains(&key), "README.md names {key} of {name}, which nothing takes");
    }
}

/// The script that makes the Secrets makes those of the page, with those keys, and none that is there already.
#[test]
fn the_example_makes_the_secrets_that_are_documented() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes");
    let dir = tempfile::tempdir().unwrap();
    // In place of kubectl: one Secret is there already, and what is made is kept.
    let kubectl = dir.path().join("kubectl");
    let script = "#!/bin/sh\ncase \"$*\" in *'get secret adjutant-bus-api') ;; *'get secret'*) exit 1 ;; \
                  *) { echo ---; cat; } >>\"$MADE\" ;; esac\n";
    std::fs::write(&kubectl, script).unwrap();
    std::fs::set_permissions(&kubectl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let made = dir.path().join("made");
    let status = Command::new("sh")
        .arg(folder.join("secrets.example.sh"))
        .envs([("PATH", path.as_str()), ("MADE", made.to_str().unwrap())])
        .envs([("SLACK_BOT_TOKEN", "xoxb-it's"), ("SLACK_APP_TOKEN", "xapp-1"), ("DISCORD_BOT_TOKEN", "d")])
        .envs([("DATABASE_URL", "postgres://a:b@c/d"), ("BOOTSTRAP_ADMIN_KEY", "ada_x")])
        .status()
        .unwrap();
    assert!(status.success());
    let docs: Vec<Value> = serde_saphyr::from_multiple(&std::fs::read_to_string(made).unwrap()).unwrap();
    let mut keys = BTreeSet::new();
    let mut values = BTreeSet::new();
    for doc in &docs {
        assert_eq!(doc["kind"], "Secret");
        for (key, value) in doc["stringData"].as_object().unwrap() {
            keys.insert((text(&doc["metadata"]["name"]).to_owned(), key.clone()));
            assert!(!text(value).is_empty() && values.insert(text(value).to_owned()), "{key}: {value}");
        }
    }
    assert!(values.contains("xoxb-it's"));
    let mut wanted = references::documented();
    wanted.retain(|(name, key)| {
        name != "adjutant-nats" && (name.as_str(), key.as_str()) != ("adjutant-bus-api", "password")
    });
    assert_eq!(keys, wanted);
}

/// The program itself reads each configuration file with each pod's variables, and files where they will be mounted.
#[test]
fn the_program_takes_the_configuration_of_every_pod() {
    for folder in [BASE, DEV, PRODUCTION] {
        let rendering = render(folder);
        for workload in rendering.workloads() {
            for container in workload.ours() {
                let told = refused(&rendering, &workload, container);
                assert!(told.is_none(), "{folder}, {}: {}", workload.title(), told.unwrap_or_default());
            }
        }
    }
}

fn refused(rendering: &Rendering, workload: &Workload<'_>, container: &Value) -> Option<String> {
    let pod = tempfile::tempdir().unwrap();
    let here = running::lay(pod.path(), &rendering.files(workload, container));
    let env: BTreeMap<String, String> = running::environment(container, &here);
    let config = list(&container["args"]).iter().map(text).skip_while(|arg| *arg != "--config").nth(1);
    settings::refused_settings(config.map(here).as_deref().map(Path::new), &env)
}

#[test]
fn the_policy_that_is_mounted_is_a_good_one() {
    for folder in [BASE, DEV, PRODUCTION] {
        let rendering = render(folder);
        let map =
            rendering.named("ConfigMap", "adjutant-policy").expect("without a hash, so that it is followed");
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in map["data"].as_object().unwrap() {
            std::fs::write(dir.path().join(name), text(content)).unwrap();
        }
        assert_eq!(settings::refused_policy(dir.path()), None, "{folder}");
        std::fs::write(dir.path().join("policy.csv"), "p, Nobody, *, nothing, run, *, allow\n").unwrap();
        assert!(settings::refused_policy(dir.path()).is_some());
    }
}
