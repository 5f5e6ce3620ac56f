//! What breaks a rule: for each rule at least one change of the rendering for production that it must find.

use serde_json::{Value, json};

use super::manifest::Rendering;

/// A rule's name, and what breaks it.
pub type Spoil = (&'static str, fn(&mut Rendering));

const WORKER: (&str, &str) = ("Deployment", "adjutant-worker");
const API: (&str, &str) = ("Deployment", "adjutant-api");
const NATS: (&str, &str) = ("StatefulSet", "adjutant-nats");
const JOB: (&str, &str) = ("Job", "adjutant-bus-setup");

fn pod<'a>(rendering: &'a mut Rendering, (kind, name): (&str, &str)) -> &'a mut Value {
    &mut rendering.edit(kind, name)["spec"]["template"]["spec"]
}

fn container<'a>(rendering: &'a mut Rendering, of: (&str, &str)) -> &'a mut Value {
    &mut pod(rendering, of)["containers"][0]
}

fn policy<'a>(rendering: &'a mut Rendering, name: &str) -> &'a mut Value {
    &mut rendering.edit("NetworkPolicy", name)["spec"]
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key);
}

fn without(rendering: &mut Rendering, kind: &str, name: &str) {
    rendering.docs.retain(|doc| doc["kind"] != kind || doc["metadata"]["name"] != name);
}

fn variable<'a>(container: &'a mut Value, name: &str) -> &'a mut Value {
    let env = container["env"].as_array_mut().unwrap();
    env.iter_mut().find(|variable| variable["name"] == name).unwrap()
}

pub const SPOILS: &[Spoil] = &[
    ("images are pinned", |r| container(r, WORKER)["image"] = json!("ghcr.io/adjutant-chatops/adjutant")),
    ("images are pinned", |r| {
        container(r, WORKER)["image"] = json!("ghcr.io/adjutant-chatops/adjutant:9.9.9")
    }),
    ("images are pinned", |r| container(r, NATS)["image"] = json!("docker.io/library/nats:latest")),
    ("images are pinned", |r| container(r, NATS)["image"] = json!("localhost:5000/nats")),
    ("images are pinned", |r| container(r, NATS)["image"] = json!("docker.io/library/nats:alpine")),
    ("images are pinned", |r| container(r, NATS)["image"] = json!("docker.io/library/nats@sha256:abc")),
    ("nobody is root", |r| remove(&mut pod(r, WORKER)["securityContext"], "runAsNonRoot")),
    ("nobody is root", |r| pod(r, JOB)["securityContext"]["runAsUser"] = json!(0)),
    ("nobody is root", |r| container(r, NATS)["securityContext"]["runAsUser"] = json!(0)),
    ("pods are confined", |r| remove(&mut pod(r, NATS)["securityContext"], "seccompProfile")),
    ("pods are confined", |r| container(r, API)["securityContext"]["allowPrivilegeEscalation"] = json!(true)),
    ("pods are confined", |r| container(r, API)["securityContext"]["privileged"] = json!(true)),
    ("pods are confined", |r| {
        container(r, API)["securityContext"]["capabilities"]["add"] = json!(["NET_RAW"])
    }),
    ("pods are confined", |r| pod(r, WORKER)["hostNetwork"] = json!(true)),
    ("pods are confined", |r| {
        let volumes = pod(r, WORKER)["volumes"].as_array_mut().unwrap();
        volumes.push(json!({ "name": "host", "hostPath": { "path": "/" } }));
    }),
    ("root file systems are read-only", |r| {
        container(r, WORKER)["securityContext"]["readOnlyRootFilesystem"] = json!(false);
    }),
    ("root file systems are read-only", |r| remove(container(r, JOB), "securityContext")),
    ("pods have requests and limits", |r| remove(&mut container(r, WORKER)["resources"]["limits"], "memory")),
    ("pods have requests and limits", |r| remove(&mut container(r, JOB)["resources"], "requests")),
    ("what serves is probed", |r| remove(container(r, NATS), "startupProbe")),
    ("what serves is probed", |r| {
        container(r, WORKER)["readinessProbe"]["httpGet"]["path"] = json!("/livez")
    }),
    ("what serves is probed", |r| container(r, API)["livenessProbe"]["httpGet"]["port"] = json!("web")),
    ("no token is mounted", |r| remove(pod(r, WORKER), "automountServiceAccountToken")),
    ("no token is mounted", |r| pod(r, JOB)["serviceAccountName"] = json!("default")),
    ("no token is mounted", |r| {
        r.edit("ServiceAccount", "adjutant-api")["automountServiceAccountToken"] = json!(true);
    }),
    ("no variables of Services", |r| remove(pod(r, API), "enableServiceLinks")),
    ("the grace is long enough", |r| pod(r, WORKER)["terminationGracePeriodSeconds"] = json!(30)),
    ("the grace is long enough", |r| remove(pod(r, NATS), "terminationGracePeriodSeconds")),
    ("the grace is long enough", |r| {
        container(r, API)["lifecycle"]["preStop"]["sleep"]["seconds"] = json!(20);
    }),
    ("the grace is long enough", |r| {
        let env = container(r, WORKER)["env"].as_array_mut().unwrap();
        env.push(json!({ "name": "ADJUTANT_WORKER__GRACE_SECONDS", "value": "120" }));
    }),
    ("the grace is long enough", |r| {
        let config = r.docs.iter_mut().find(|doc| !doc["data"]["adjutant.toml"].is_null()).unwrap();
        config["data"]["adjutant.toml"] = json!("[api]\ngrace_seconds = 600\n");
    }),
    ("variables and arguments are known", |r| {
        variable(container(r, WORKER), "ADJUTANT_HTTP__LISTEN")["name"] = json!("ADJUTANT_HTTP__LISTENS");
    }),
    ("variables and arguments are known", |r| container(r, JOB)["args"] = json!(["bus", "prepare"])),
    ("variables and arguments are known", |r| container(r, WORKER)["args"] = json!([])),
    ("variables and arguments are known", |r| remove(container(r, WORKER), "command")),
    ("secrets are in files that are mounted", |r| {
        variable(container(r, API), "ADJUTANT_API__PEPPER_FILE")["value"] =
            json!("/run/secrets/adjutant/salt");
    }),
    ("secrets are in files that are mounted", |r| {
        container(r, WORKER)["args"][1] = json!("/etc/adjutant.toml")
    }),
    ("secrets are in files that are mounted", |r| {
        for mount in container(r, WORKER)["volumeMounts"].as_array_mut().unwrap() {
            remove(mount, "readOnly");
        }
    }),
    ("secrets are in files that are mounted", |r| {
        let secret = json!({ "secretKeyRef": { "name": "adjutant-bus-api", "key": "password" } });
        let env = container(r, API)["env"].as_array_mut().unwrap();
        env.push(json!({ "name": "ADJUTANT_BUS__PASSWORD", "valueFrom": secret }));
    }),
    ("no Secret has data", |r| {
        r.docs.push(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x" }, "data": {} }));
    }),
    ("ConfigMaps and Secrets are there or documented", |r| without(r, "ConfigMap", "adjutant-policy")),
    ("ConfigMaps and Secrets are there or documented", |r| {
        let volumes = pod(r, WORKER)["volumes"].as_array_mut().unwrap();
        let secrets = volumes.iter_mut().find(|volume| volume["name"] == "secrets").unwrap();
        secrets["projected"]["sources"][0]["secret"]["items"][0]["key"] = json!("passphrase");
    }),
    ("ConfigMaps and Secrets are there or documented", |r| {
        let env = &mut container(r, NATS)["env"];
        let secret = env.as_array_mut().unwrap().iter_mut().find(|one| one["name"] == "SECRET_API").unwrap();
        secret["valueFrom"]["secretKeyRef"]["name"] = json!("adjutant-bus-apis");
    }),
    ("ConfigMaps and Secrets are there or documented", |r| {
        container(r, WORKER)["volumeMounts"][0]["name"] = json!("nowhere");
    }),
    ("selectors meet", |r| {
        r.edit("Deployment", "adjutant-worker")["spec"]["selector"]["matchLabels"]["x"] = json!("y");
    }),
    ("selectors meet", |r| {
        r.edit("Service", "adjutant-api")["spec"]["selector"]["app.kubernetes.io/component"] = json!("web");
    }),
    ("selectors meet", |r| remove(&mut r.edit("Service", "adjutant-api")["spec"], "selector")),
    ("selectors meet", |r| r.edit("Service", "adjutant-api")["spec"]["ports"][0]["targetPort"] = json!(80)),
    ("selectors meet", |r| policy(r, "adjutant-api")["podSelector"]["matchLabels"] = json!({ "x": "y" })),
    ("selectors meet", |r| without(r, "Service", "adjutant-nats-servers")),
    ("what is not named is denied", |r| without(r, "NetworkPolicy", "default-deny")),
    ("what is not named is denied", |r| policy(r, "default-deny")["policyTypes"] = json!(["Ingress"])),
    ("what is not named is denied", |r| policy(r, "default-deny")["egress"] = json!([{}])),
    ("each pod has a network policy", |r| without(r, "NetworkPolicy", "adjutant-worker")),
    ("network policies are narrow", |r| remove(&mut policy(r, "adjutant-worker")["egress"][0], "ports")),
    ("network policies are narrow", |r| remove(&mut policy(r, "adjutant-nats")["ingress"][0], "from")),
    ("network policies are narrow", |r| {
        policy(r, "adjutant-api")["ingress"][0]["from"][0]["namespaceSelector"] = json!({});
    }),
    ("network policies are narrow", |r| {
        remove(&mut policy(r, "adjutant-gateway-slack")["egress"][1]["to"][0]["ipBlock"], "except");
    }),
    ("network policies are narrow", |r| {
        policy(r, "adjutant-api")["ingress"][0]["ports"][0]["port"] = json!(80)
    }),
    ("each has two replicas or more", |r| {
        r.edit("Deployment", "adjutant-gateway-slack")["spec"]["replicas"] = json!(1)
    }),
    ("each has two replicas or more", |r| {
        r.edit("HorizontalPodAutoscaler", "adjutant-worker")["spec"]["minReplicas"] = json!(1);
    }),
    ("each has two replicas or more", |r| without(r, "HorizontalPodAutoscaler", "adjutant-worker")),
    ("each has two replicas or more", |r| {
        r.edit("Deployment", "adjutant-worker")["spec"]["replicas"] = json!(2)
    }),
    ("each has two replicas or more", |r| {
        r.edit("HorizontalPodAutoscaler", "adjutant-api")["spec"]["scaleTargetRef"]["name"] =
            json!("adjutant");
    }),
    ("each has a disruption budget", |r| without(r, "PodDisruptionBudget", "adjutant-gateway-discord")),
    ("each has a disruption budget", |r| {
        r.edit("PodDisruptionBudget", "adjutant-nats")["spec"]["maxUnavailable"] = json!(0);
    }),
    ("each has a disruption budget", |r| {
        r.edit("PodDisruptionBudget", "adjutant-api")["spec"]["selector"] = json!({});
    }),
    ("replicas stand apart", |r| remove(pod(r, WORKER), "topologySpreadConstraints")),
    ("replicas stand apart", |r| remove(pod(r, NATS), "affinity")),
    ("replicas stand apart", |r| remove(&mut pod(r, API)["topologySpreadConstraints"][0], "matchLabelKeys")),
    ("replicas stand apart", |r| pod(r, API)["topologySpreadConstraints"][1]["maxSkew"] = json!(5)),
    ("replicas stand apart", |r| {
        pod(r, API)["topologySpreadConstraints"][1]["labelSelector"]["matchLabels"] = json!({ "app": "x" });
    }),
    ("updates take none away first", |r| {
        r.edit("Deployment", "adjutant-api")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] =
            json!(1);
    }),
    ("updates take none away first", |r| {
        r.edit("Deployment", "adjutant-worker")["spec"]["strategy"] = json!({ "type": "Recreate" });
    }),
    ("updates take none away first", |r| {
        r.edit("StatefulSet", "adjutant-nats")["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    }),
];
