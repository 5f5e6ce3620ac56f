//! Rules for several replicas: that there are some, that they stand apart, and that not all go at once.

use serde_json::Value;

use crate::stories::deploy::kubernetes::manifest::{Rendering, Workload, list, selects, text};

const HOST: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// Those that run until they are told to stop.
fn services(rendering: &Rendering, finding: impl Fn(&Workload<'_>) -> Option<String>) -> Vec<String> {
    let serving = rendering.workloads().into_iter().filter(Workload::serves);
    serving.filter_map(|workload| Some(format!("{}: {}", workload.title(), finding(&workload)?))).collect()
}

fn scaler<'a>(rendering: &'a Rendering, workload: &Workload<'_>) -> Option<&'a Value> {
    rendering.of("HorizontalPodAutoscaler").find(|doc| {
        let target = &doc["spec"]["scaleTargetRef"];
        target["kind"] == workload.doc["kind"]
            && target["name"] == workload.doc["metadata"]["name"]
            && target["apiVersion"] == workload.doc["apiVersion"]
    })
}

/// By its own number or by what scales it, and not by both.
pub fn replicas(rendering: &Rendering) -> Vec<String> {
    let mut found = services(rendering, |workload| {
        let own = &workload.doc["spec"]["replicas"];
        let Some(scaler) = scaler(rendering, workload) else {
            return (own.as_u64().unwrap_or(1) < 2).then(|| "has less than two replicas".to_owned());
        };
        let spec = &scaler["spec"];
        let (least, most) =
            (spec["minReplicas"].as_u64().unwrap_or(1), spec["maxReplicas"].as_u64().unwrap_or(0));
        if !own.is_null() {
            return Some("has a number of replicas and something that scales it".to_owned());
        }
        (least < 2 || most <= least).then(|| format!("is scaled from {least} to {most}"))
    });
    for doc in rendering.of("HorizontalPodAutoscaler") {
        if !rendering.workloads().iter().any(|workload| scaler(rendering, workload) == Some(doc)) {
            found.push(format!("{} scales nothing", text(&doc["metadata"]["name"])));
        }
    }
    found
}

/// One that lets somebody go, or no node could be drained, but not all.
pub fn budgets(rendering: &Rendering) -> Vec<String> {
    services(rendering, |workload| {
        let budgets: Vec<&Value> = rendering
            .of("PodDisruptionBudget")
            .filter(|doc| selects(&doc["spec"]["selector"], workload.labels))
            .collect();
        let [budget] = budgets.as_slice() else {
            return Some(format!("has {} disruption budgets", budgets.len()));
        };
        (budget["spec"]["maxUnavailable"] != 1).then(|| "has a budget of another size than one".to_owned())
    })
}

/// What keeps the replicas of a pod apart.
fn constraints<'a>(workload: &Workload<'a>) -> impl Iterator<Item = &'a Value> + use<'a> {
    let affinity =
        &workload.pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    list(&workload.pod["topologySpreadConstraints"]).iter().chain(list(affinity))
}

/// Over hosts and over zones, evenly, each counted among its own.
pub fn spread(rendering: &Rendering) -> Vec<String> {
    services(rendering, |workload| {
        [HOST, ZONE].into_iter().find_map(|key| {
            let Some(rule) = constraints(workload).find(|rule| rule["topologyKey"] == key) else {
                return Some(format!("is not spread over {key}"));
            };
            let counted = |labels: &Value| {
                let own = list(&rule["matchLabelKeys"]).iter().map(text);
                rule["labelSelector"]["matchLabels"].is_object()
                    && selects(&rule["labelSelector"], labels)
                    && own.into_iter().all(|key| labels[key] == workload.labels[key])
            };
            let others = rendering.workloads().into_iter().filter(|other| other.title() != workload.title());
            let alone = others.into_iter().all(|other| !counted(other.labels));
            let even = rule["maxSkew"].as_u64().unwrap_or(1) == 1;
            (!counted(workload.labels) || !alone || !even)
                .then(|| format!("is spread over {key} unevenly, with others, or not at all"))
        })
    })
}

/// A new one is ready before an old one goes.
pub fn rolling(rendering: &Rendering) -> Vec<String> {
    services(rendering, |workload| {
        let spec = &workload.doc["spec"];
        if workload.is("StatefulSet") {
            let kind = spec["updateStrategy"]["type"].as_str().unwrap_or("RollingUpdate");
            return (kind != "RollingUpdate").then(|| "is not updated one by one".to_owned());
        }
        let rolling = &spec["strategy"]["rollingUpdate"];
        let gentle = spec["strategy"]["type"] == "RollingUpdate"
            && rolling["maxUnavailable"] == 0
            && rolling["maxSurge"].as_u64().is_some_and(|surge| surge > 0);
        (!gentle).then(|| format!("is updated by {}", spec["strategy"]))
    })
}
