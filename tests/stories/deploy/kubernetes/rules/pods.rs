//! Rules for one pod by itself.

use serde_json::{Value, json};

use crate::stories::deploy::{
    kubernetes::manifest::{OURS, Rendering, Workload, list, text, title},
    settings,
};

/// lame_duck_grace_period and lame_duck_duration of `deploy/nats/cluster.conf`.
pub const LAME_DUCK_SECONDS: u64 = 5 + 30;

/// Goes over all containers.
fn containers(
    rendering: &Rendering,
    finding: impl Fn(&Workload<'_>, &Value) -> Option<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendering.workloads() {
        for container in workload.containers() {
            let told = finding(&workload, container);
            found.extend(
                told.map(|told| format!("{} {}: {told}", workload.title(), text(&container["name"]))),
            );
        }
    }
    found
}

/// Goes over all pods.
fn each(rendering: &Rendering, finding: impl Fn(&Workload<'_>) -> Option<String>) -> Vec<String> {
    let told = |workload: Workload<'_>| Some(format!("{}: {}", workload.title(), finding(&workload)?));
    rendering.workloads().into_iter().filter_map(told).collect()
}

/// By a version or a digest; ours by the version of this program.
pub fn images_are_pinned(rendering: &Rendering) -> Vec<String> {
    containers(rendering, |_, container| {
        let image = text(&container["image"]);
        if let Some((_, digest)) = image.split_once("@sha256:") {
            return (digest.len() != 64).then(|| format!("{image} has no whole digest"));
        }
        let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
        match tag {
            None | Some("" | "latest") => Some(format!("{image} is not pinned")),
            Some(tag) if image.starts_with(OURS) && tag != env!("CARGO_PKG_VERSION") => {
                Some(format!("{image} is not this version"))
            }
            Some(tag) if !tag.starts_with(|first: char| first.is_ascii_digit()) => {
                Some(format!("{image} is a moving tag"))
            }
            Some(_) => None,
        }
    })
}

/// Said for the pod, and unsaid by no container.
pub fn nobody_is_root(rendering: &Rendering) -> Vec<String> {
    let mut found = each(rendering, |workload| {
        let context = &workload.pod["securityContext"];
        let user = context["runAsUser"].as_u64().unwrap_or(0);
        let group = context["runAsGroup"].as_u64().unwrap_or(0);
        (context["runAsNonRoot"] != true || user == 0 || group == 0).then(|| "may be root".to_owned())
    });
    found.extend(containers(rendering, |_, container| {
        let context = &container["securityContext"];
        let root =
            context["runAsNonRoot"] == false || context["runAsUser"] == 0 || context["runAsGroup"] == 0;
        root.then(|| "is root".to_owned())
    }));
    found
}

/// No privileges, no way to them, nothing of the host.
pub fn pods_are_confined(rendering: &Rendering) -> Vec<String> {
    let mut found = each(rendering, |workload| {
        let pod = workload.pod;
        if pod["securityContext"]["seccompProfile"]["type"] != "RuntimeDefault" {
            return Some("has no seccomp profile".to_owned());
        }
        let host = ["hostNetwork", "hostPID", "hostIPC"].into_iter().find(|key| pod[*key] == true);
        let path = list(&pod["volumes"]).iter().find(|volume| !volume["hostPath"].is_null());
        host.map(|key| format!("has {key}"))
            .or_else(|| path.map(|_| "mounts a folder of the host".to_owned()))
    });
    found.extend(containers(rendering, |_, container| {
        let context = &container["securityContext"];
        let confined = context["allowPrivilegeEscalation"] == false
            && context["privileged"] != true
            && context["capabilities"] == json!({ "drop": ["ALL"] })
            && (context["seccompProfile"].is_null() || context["seccompProfile"]["type"] == "RuntimeDefault");
        (!confined).then(|| format!("may do more than it needs: {context}"))
    }));
    found
}

/// What is written goes to volumes.
pub fn root_is_read_only(rendering: &Rendering) -> Vec<String> {
    containers(rendering, |_, container| {
        let writable = container["securityContext"]["readOnlyRootFilesystem"] != true;
        writable.then(|| "can write to its root".to_owned())
    })
}

/// Of processor and memory.
pub fn requests_and_limits(rendering: &Rendering) -> Vec<String> {
    containers(rendering, |_, container| {
        let resources = &container["resources"];
        let missing = ["requests", "limits"]
            .into_iter()
            .flat_map(|kind| ["cpu", "memory"].map(|what| (kind, what)))
            .find(|(kind, what)| text(&resources[*kind][*what]).is_empty());
        missing.map(|(kind, what)| format!("has no {what} in {kind}"))
    })
}

/// Whether it has started, lives, is ready: asked at a port that there is, and of our program at its own paths.
pub fn probes(rendering: &Rendering) -> Vec<String> {
    containers(rendering, |workload, container| {
        if !workload.serves() {
            return None;
        }
        let ours = text(&container["image"]).starts_with(OURS);
        let wanted = [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")];
        wanted.into_iter().find_map(|(probe, path)| {
            let asked = &container[probe]["httpGet"];
            if asked.is_null() {
                return Some(format!("has no {probe}"));
            }
            if !workload.has_port(&asked["port"]) {
                return Some(format!("{probe} asks at a port that is not there"));
            }
            (ours && asked["path"] != path).then(|| format!("{probe} asks for {}", asked["path"]))
        })
    })
}

/// Neither by the pod nor by its account, which is one of its own.
pub fn no_token(rendering: &Rendering) -> Vec<String> {
    let mut found = each(rendering, |workload| {
        if workload.pod["automountServiceAccountToken"] != false {
            return Some("mounts a token".to_owned());
        }
        let account = text(&workload.pod["serviceAccountName"]);
        rendering.named("ServiceAccount", account).is_none().then(|| "has no account of its own".to_owned())
    });
    let accounts = rendering.of("ServiceAccount");
    found.extend(accounts.filter(|doc| doc["automountServiceAccountToken"] != false).map(title));
    found
}

/// A Service named adjutant-… would be a variable that the program refuses as an unknown key.
pub fn no_service_links(rendering: &Rendering) -> Vec<String> {
    each(rendering, |workload| {
        (workload.pod["enableServiceLinks"] != false).then(|| "gets variables of Services".to_owned())
    })
}

/// Longer than what comes before the stop, what the role may take to stop, and what the program adds.
pub fn grace(rendering: &Rendering) -> Vec<String> {
    containers(rendering, |workload, container| {
        if !workload.serves() {
            return None;
        }
        let grace = workload.pod["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
        let before = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap_or(0);
        let needed = if text(&container["image"]).starts_with(OURS) {
            let args: Vec<String> = list(&container["args"]).iter().map(|arg| text(arg).to_owned()).collect();
            before + settings::longest_stop(&args, &rendering.settings(workload, container))
        } else {
            LAME_DUCK_SECONDS
        };
        (grace <= needed).then(|| format!("has {grace} s to stop, and needs more than {needed}"))
    })
}
