//! Rules for what one document says of another, of the program, or of what must be made by hand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::stories::deploy::{
    kubernetes::manifest::{Rendering, Workload, list, selects, text, title},
    settings,
};

/// The page that names what must be made by hand.
const README: &str = include_str!("../../../../../deploy/kubernetes/README.md");
const SECRETS: &str = "/run/secrets/";

/// What the page names: in each row of a table a name and a key.
pub fn documented() -> BTreeSet<(String, String)> {
    let quoted = |cell: &str| Some(cell.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned());
    let row = |line: &str| {
        let mut cells = line.strip_prefix('|')?.split('|');
        Some((quoted(cells.next()?)?, quoted(cells.next()?)?))
    };
    README.lines().filter_map(row).collect()
}

/// Every variable is a key, and every line of arguments is one of the program's.
pub fn program(rendering: &Rendering) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendering.workloads() {
        for container in workload.ours() {
            let args: Vec<String> = list(&container["args"]).iter().map(|arg| text(arg).to_owned()).collect();
            let names = list(&container["env"]).iter().map(|variable| text(&variable["name"]));
            found.extend(settings::misfits(names));
            found.extend(settings::refused_arguments(&args));
            if args.is_empty() || container["command"] != serde_json::json!(["/usr/local/bin/adjutant"]) {
                found.push(format!("{} does not say what to start", workload.title()));
            }
        }
    }
    found
}

/// Variables name files that are there; what is secret is mounted read-only, and never in a variable of ours.
pub fn secret_files(rendering: &Rendering) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendering.workloads() {
        for container in workload.ours() {
            let files = rendering.files(&workload, container);
            for variable in list(&container["env"]) {
                let (name, value) = (text(&variable["name"]), text(&variable["value"]));
                if !variable["valueFrom"]["secretKeyRef"].is_null() {
                    found.push(format!("{}: {name} is a secret in a variable", workload.title()));
                }
                if name.ends_with("_FILE") && !files.contains_key(value) {
                    found.push(format!("{}: {name}: {value} is not mounted", workload.title()));
                }
            }
            let config =
                list(&container["args"]).iter().map(text).skip_while(|arg| *arg != "--config").nth(1);
            found.extend(
                config.filter(|file| !files.contains_key(*file)).map(|file| format!("{file} is not mounted")),
            );
            let open = list(&container["volumeMounts"])
                .iter()
                .find(|mount| text(&mount["mountPath"]).starts_with(SECRETS) && mount["readOnly"] != true);
            found.extend(open.map(|_| format!("{}: secrets can be written", workload.title())));
        }
    }
    found
}

/// Not one, not even an empty one: they are made by hand, or by what keeps them.
pub fn no_secrets(rendering: &Rendering) -> Vec<String> {
    rendering.of("Secret").map(title).collect()
}

/// What a pod takes from elsewhere: kind, name, key ("" is all of it).
pub fn taken(workload: &Workload<'_>) -> BTreeSet<(&'static str, String, String)> {
    let mut taken = BTreeSet::new();
    let mut take = |kind, name: &Value, key: &Value| {
        taken.insert((kind, text(name).to_owned(), text(key).to_owned()));
    };
    for volume in list(&workload.pod["volumes"]) {
        if volume["configMap"].is_object() {
            take("ConfigMap", &volume["configMap"]["name"], &Value::Null);
        }
        if volume["secret"].is_object() {
            take("Secret", &volume["secret"]["secretName"], &Value::Null);
        }
        for source in list(&volume["projected"]["sources"]) {
            for item in list(&source["secret"]["items"]) {
                take("Secret", &source["secret"]["name"], &item["key"]);
            }
        }
    }
    for container in workload.containers() {
        for variable in list(&container["env"]) {
            let (secret, map) =
                (&variable["valueFrom"]["secretKeyRef"], &variable["valueFrom"]["configMapKeyRef"]);
            if secret.is_object() {
                take("Secret", &secret["name"], &secret["key"]);
            }
            if map.is_object() {
                take("ConfigMap", &map["name"], &map["key"]);
            }
        }
        for all in list(&container["envFrom"]) {
            take("Secret", &all["secretRef"]["name"], &Value::Null);
        }
    }
    taken
}

/// In this rendering, or on the page. A volume that is mounted is declared.
pub fn resolve(rendering: &Rendering) -> Vec<String> {
    let documented = documented();
    let mut found = Vec::new();
    for workload in rendering.workloads() {
        for (kind, name, key) in taken(&workload) {
            let here = kind == "ConfigMap" && rendering.named(kind, &name).is_some();
            let on_page = documented.iter().any(|(page, page_key)| {
                *page == name && (*page_key == key || key.is_empty() && kind == "ConfigMap")
            });
            if !here && !on_page {
                found.push(format!("{}: {kind} {name} {key} is nowhere", workload.title()));
            }
        }
        let claims = list(&workload.doc["spec"]["volumeClaimTemplates"])
            .iter()
            .map(|claim| &claim["metadata"]["name"]);
        let volumes: Vec<&Value> =
            list(&workload.pod["volumes"]).iter().map(|volume| &volume["name"]).chain(claims).collect();
        let mounted = workload.containers().flat_map(|container| list(&container["volumeMounts"]));
        let loose = mounted.filter(|mount| !volumes.contains(&&mount["name"]));
        found.extend(loose.map(|mount| format!("{}: no volume {}", workload.title(), mount["name"])));
    }
    found
}

/// Each selector is for pods that there are, and each port of a Service is one of theirs.
pub fn selectors(rendering: &Rendering) -> Vec<String> {
    let mut found = Vec::new();
    let pods = rendering.workloads();
    for pod in &pods {
        let selector = &pod.doc["spec"]["selector"];
        if !pod.is("Job") && (!selector["matchLabels"].is_object() || !selects(selector, pod.labels)) {
            found.push(format!("{} does not select its own pods", pod.title()));
        }
    }
    for service in rendering.of("Service") {
        let selector = serde_json::json!({ "matchLabels": service["spec"]["selector"] });
        let behind: Vec<_> = pods.iter().filter(|pod| selects(&selector, pod.labels)).collect();
        if behind.len() != 1 {
            found.push(format!("{} has {} workloads behind it", title(service), behind.len()));
        }
        let dead = list(&service["spec"]["ports"])
            .iter()
            .find(|port| !behind.iter().all(|pod| pod.has_port(&port["targetPort"])));
        found.extend(dead.map(|port| format!("{}: no pod has {}", title(service), port["targetPort"])));
    }
    for (kind, selector) in [("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")] {
        for doc in rendering.of(kind) {
            if !pods.iter().any(|pod| selects(&doc["spec"][selector], pod.labels)) {
                found.push(format!("{} selects nobody", title(doc)));
            }
        }
    }
    for pod in pods.iter().filter(|pod| pod.is("StatefulSet")) {
        if rendering.named("Service", text(&pod.doc["spec"]["serviceName"])).is_none() {
            found.push(format!("{} has no Service of its name", pod.title()));
        }
    }
    found
}

/// How often each name is taken, over several renderings: what is documented and never taken is out of date.
pub fn all_taken(renderings: &[Rendering]) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for rendering in renderings {
        for workload in rendering.workloads() {
            for (_, name, key) in taken(&workload) {
                all.entry(name).or_default().insert(key);
            }
        }
    }
    all
}
