//! Rules for who may talk to whom.

use serde_json::Value;

use crate::stories::deploy::kubernetes::manifest::{Rendering, list, selects, title};

fn selects_all(policy: &Value) -> bool {
    policy["spec"]["podSelector"].as_object().is_some_and(serde_json::Map::is_empty)
}

fn denies_all(policy: &Value) -> bool {
    let spec = &policy["spec"];
    let kinds = list(&spec["policyTypes"]);
    selects_all(policy)
        && ["Ingress", "Egress"].iter().all(|kind| kinds.iter().any(|one| one == kind))
        && spec["ingress"].is_null()
        && spec["egress"].is_null()
}

/// For every pod of the namespace, in and out.
pub fn default_deny(rendering: &Rendering) -> Vec<String> {
    let there = rendering.of("NetworkPolicy").any(denies_all);
    (!there).then(|| "no policy denies what others do not allow".to_owned()).into_iter().collect()
}

/// By a policy that is for some pods and not for all.
pub fn each_pod_is_named(rendering: &Rendering) -> Vec<String> {
    let named = |labels: &Value| {
        rendering.of("NetworkPolicy").any(|policy| {
            !selects_all(policy) && selects(&policy["spec"]["podSelector"], labels) && {
                let kinds = list(&policy["spec"]["policyTypes"]);
                kinds.iter().any(|kind| kind == "Egress")
            }
        })
    };
    rendering
        .workloads()
        .iter()
        .filter(|workload| !named(workload.labels))
        .map(|workload| workload.title())
        .collect()
}

/// Each opening names whom and at which port; what comes in comes in at a port that the pod has.
pub fn narrow(rendering: &Rendering) -> Vec<String> {
    let mut found = Vec::new();
    for policy in rendering.of("NetworkPolicy") {
        let spec = &policy["spec"];
        let mut tell = |what: &str| found.push(format!("{} {what}", title(policy)));
        for (openings, peers) in [(&spec["ingress"], "from"), (&spec["egress"], "to")] {
            for opening in list(openings) {
                if list(&opening[peers]).is_empty() || list(&opening["ports"]).is_empty() {
                    tell("opens to anybody or at any port");
                }
                if list(&opening[peers]).iter().any(everybody) {
                    tell("opens to everybody");
                }
            }
        }
        for port in list(&spec["ingress"]).iter().flat_map(|opening| list(&opening["ports"])) {
            let pods = rendering.workloads();
            let mut serving = pods
                .iter()
                .filter(|pod| pod.serves() && selects(&spec["podSelector"], pod.labels))
                .peekable();
            if serving.peek().is_none() || !serving.all(|pod| pod.has_port(&port["port"])) {
                tell("opens a port that its pods do not have");
            }
        }
    }
    found
}

/// All namespaces; or the whole internet, which must be without what is inside.
fn everybody(peer: &Value) -> bool {
    let any = |selector: &Value| selector.as_object().is_some_and(serde_json::Map::is_empty);
    let block = &peer["ipBlock"];
    let whole = block["cidr"] == "0.0.0.0/0" || block["cidr"] == "::/0";
    any(&peer["namespaceSelector"]) || (whole && list(&block["except"]).is_empty())
}
