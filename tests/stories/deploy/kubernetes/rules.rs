//! What we ask of every manifest beyond what Kubernetes asks. A rule tells what breaks it; none is the good case.

pub mod availability;
pub mod network;
pub mod pods;
pub mod references;

use super::manifest::Rendering;

/// A rule, by its name.
pub type Rule = (&'static str, fn(&Rendering) -> Vec<String>);

/// For every rendering.
pub const ALWAYS: &[Rule] = &[
    ("images are pinned", pods::images_are_pinned),
    ("nobody is root", pods::nobody_is_root),
    ("pods are confined", pods::pods_are_confined),
    ("root file systems are read-only", pods::root_is_read_only),
    ("pods have requests and limits", pods::requests_and_limits),
    ("what serves is probed", pods::probes),
    ("no token is mounted", pods::no_token),
    ("no variables of Services", pods::no_service_links),
    ("the grace is long enough", pods::grace),
    ("variables and arguments are known", references::program),
    ("secrets are in files that are mounted", references::secret_files),
    ("no Secret has data", references::no_secrets),
    ("ConfigMaps and Secrets are there or documented", references::resolve),
    ("selectors meet", references::selectors),
    ("what is not named is denied", network::default_deny),
    ("each pod has a network policy", network::each_pod_is_named),
    ("network policies are narrow", network::narrow),
];

/// For those in which a role has several replicas.
pub const FLEET: &[Rule] = &[
    ("each has two replicas or more", availability::replicas),
    ("each has a disruption budget", availability::budgets),
    ("replicas stand apart", availability::spread),
    ("updates take none away first", availability::rolling),
];

/// All that is broken in a rendering, each with the name of its rule.
pub fn broken(rendering: &Rendering, rules: &[Rule]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, rule) in rules {
        let findings = rule(rendering).into_iter();
        found.extend(findings.map(|finding| format!("{}: {name}: {finding}", rendering.folder)));
    }
    found
}
