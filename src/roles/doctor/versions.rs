//! The replicas that are up: whether there are any, whether all are of one version, and by which policy each decides.

use std::{collections::BTreeMap, time::Duration};

use adjutant_bus::{
    bundle::{self, Named},
    ports::Bus,
    presence::{self, Replica},
};
use adjutant_gateway::Finding;
use adjutant_policies::live::trouble;
use jiff::{SignedDuration, Timestamp};

use super::{record::ago, site::Site};
use crate::roles::many;

/// A replica confirms its policy every thirty seconds.
const UNCONFIRMED: SignedDuration = SignedDuration::from_secs(120);
/// How long the list of replicas, or the newest policy, may take. A user that may not read them gets no answer.
const LIST: Duration = Duration::from_secs(5);

/// Roles besides workers, and how they are called.
const OTHERS: [(&str, &str); 4] = [
    ("api", "the API"),
    ("gateway-slack", "the Slack gateway"),
    ("gateway-discord", "the Discord gateway"),
    ("gateway-console", "the terminal"),
];

pub(super) async fn examine(site: &Site) -> Vec<Finding> {
    const WHAT: &str = "replicas";
    let bus = match site.bus().await {
        Ok(bus) => bus,
        Err(no_bus) => return vec![no_bus.finding(WHAT)],
    };
    let (replicas, newest) = tokio::join!(tokio::time::timeout(LIST, presence::all(bus)), newest(bus));
    match replicas {
        Ok(Ok(replicas)) => judge(&replicas, newest.as_ref(), Timestamp::now()),
        _ => vec![unknown()],
    }
}

/// Who is up cannot be read.
fn unknown() -> Finding {
    let fix = "Run it as a user that may read the bucket presence: admin, worker, api or gateway-console.";
    Finding::bad("replicas", false, "who is up cannot be read", fix)
}

async fn newest(bus: &Bus) -> Option<Named> {
    let newest = tokio::time::timeout(LIST, bundle::newest(bus)).await.ok()?.ok()?;
    newest.map(|bundle| bundle.named)
}

fn judge(replicas: &[Replica], newest: Option<&Named>, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![up(replicas), programs(replicas)];
    findings.extend(policies(replicas, newest));
    findings.extend(replicas.iter().filter_map(|replica| unconfirmed(replica, now)));
    findings
}

fn up(replicas: &[Replica]) -> Finding {
    let of = |role: &str| replicas.iter().filter(|replica| replica.role == role).count();
    let workers = of("worker");
    // `adjutant up` is one of each role that it serves.
    let others = OTHERS.map(|(role, what)| (of(role), what));
    let others = others.iter().filter(|(count, _)| *count > 0);
    let told = others.fold(many(workers, "worker"), |told, (count, what)| {
        format!("{told}, {} of {what}", many(*count, "replica"))
    });
    if workers == 0 {
        return Finding::bad(
            "replicas",
            true,
            format!("{told}; commands do not run"),
            "Start a worker: `adjutant worker`.",
        );
    }
    Finding::good("replicas", told)
}

fn programs(replicas: &[Replica]) -> Finding {
    const WHAT: &str = "program versions";
    let ours = env!("CARGO_PKG_VERSION");
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for replica in replicas {
        found.entry(&replica.program).or_default().push(format!("{} {}", replica.role, replica.name));
    }
    let told: Vec<String> =
        found.iter().map(|(version, who)| format!("{version}: {}", who.join(", "))).collect();
    if found.len() > 1 {
        let fix = "If no update is under way, bring the older ones up to date.";
        return Finding::bad(WHAT, false, told.join("; "), fix);
    }
    match found.keys().next() {
        Some(version) if *version != ours => {
            let told = format!("{version} everywhere; this program is {ours}");
            Finding::bad(WHAT, false, told, "Run the doctor of the version that is in use.")
        }
        Some(version) => Finding::good(WHAT, format!("{version} everywhere")),
        None => Finding::good(WHAT, "nobody is up"),
    }
}

fn policies(replicas: &[Replica], newest: Option<&Named>) -> Vec<Finding> {
    const WHAT: &str = "policy versions";
    const FIX: &str = "See `adjutant policy status`, and the log of that replica.";
    let mut findings: Vec<Finding> = replicas
        .iter()
        .filter_map(|replica| {
            let trouble = trouble(replica, newest)?;
            let what = format!("policy of {} {}", replica.role, replica.name);
            let first = trouble.lines().next().unwrap_or_default().to_owned();
            // Without a policy it refuses everything; with an older one it goes on by that.
            let without = replica.policy.as_ref().is_none_or(|policy| policy.version.is_none());
            Some(Finding::bad(&what, without, first, FIX))
        })
        .collect();
    let mut contents: BTreeMap<&str, usize> = BTreeMap::new();
    for policy in replicas.iter().filter_map(|replica| replica.policy.as_ref()) {
        *contents.entry(policy.sha256.as_deref().unwrap_or_default()).or_default() += 1;
    }
    if contents.len() > 1 {
        let told: Vec<String> = contents.iter().map(|(hash, n)| format!("{hash:.8} on {n}")).collect();
        let fix = "Publish the policy (`adjutant policy publish`), or give all replicas the same files.";
        findings.push(Finding::bad(
            WHAT,
            false,
            format!("replicas decide by different ones: {}", told.join(", ")),
            fix,
        ));
    }
    if findings.is_empty() {
        let told = match contents.keys().next() {
            Some(hash) => format!("{hash:.8} everywhere"),
            None => "nobody is up".to_owned(),
        };
        findings.push(Finding::good(WHAT, told));
    }
    findings
}

/// A replica that has not learnt for a while whether its policy is the newest one. After five minutes it runs nothing on production.
fn unconfirmed(replica: &Replica, now: Timestamp) -> Option<Finding> {
    let policy = replica.policy.as_ref().filter(|policy| policy.source == "bus")?;
    let confirmed = policy.confirmed_at?;
    let since = now.duration_since(confirmed);
    (since > UNCONFIRMED).then(|| {
        let what = format!("policy of {} {}", replica.role, replica.name);
        let told = format!("not confirmed for {}", ago(since));
        Finding::bad(&what, false, told, "Look at the log of that replica, and at its clock.")
    })
}

#[cfg(test)]
mod tests {
    use adjutant_bus::{presence::PolicyReport, wire::Version};

    use super::*;

    fn replica(role: &str, name: &str, program: &str, sha256: &str) -> Replica {
        let policy = PolicyReport {
            source: "bus".to_owned(),
            version: Some(3),
            sha256: Some(sha256.to_owned()),
            ..PolicyReport::default()
        };
        Replica {
            v: Version,
            role: role.to_owned(),
            name: name.to_owned(),
            program: program.to_owned(),
            since: None,
            detail: None,
            policy: Some(policy),
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    const OURS: &str = env!("CARGO_PKG_VERSION");

    #[test]
    fn replicas_that_are_alike_are_good() {
        let newest = Named { version: 3, sha256: "aabbccddee".to_owned() };
        let all = [replica("worker", "w0", OURS, "aabbccddee"), replica("api", "a0", OURS, "aabbccddee")];
        let found = judge(&all, Some(&newest), now());
        assert!(found.iter().all(|one| one.ok), "{found:?}");
        assert_eq!(found[0].found, "1 worker, 1 replica of the API");
        assert_eq!(found[2].found, "aabbccdd everywhere");
    }

    #[test]
    fn gateways_decide_nothing_and_are_compared_by_their_program() {
        let gateway = |name: &str, program: &str| Replica {
            policy: None,
            ..replica("gateway-slack", name, program, "")
        };
        let worker = replica("worker", "w0", OURS, "aabbccddee");
        let found = judge(&[gateway("g0", OURS), gateway("g1", OURS), worker.clone()], None, now());
        assert!(found.iter().all(|one| one.ok), "{found:?}");
        assert_eq!(found[0].found, "1 worker, 2 replicas of the Slack gateway");
        let found = judge(&[gateway("g0", "0.0.9"), worker], None, now());
        let bad: Vec<&Finding> = found.iter().filter(|one| !one.ok).collect();
        assert!(matches!(&bad[..], [one] if one.found.contains("0.0.9: gateway-slack g0")), "{bad:?}");
    }

    #[test]
    fn without_a_worker_nothing_runs() {
        let found = judge(&[replica("api", "a0", OURS, "aa")], None, now());
        assert!(found[0].fatal && found[0].fix.contains("adjutant worker"), "{found:?}");
        assert!(judge(&[], None, now())[0].fatal);
    }

    #[test]
    fn different_programs_and_policies_are_said_with_who_has_them() {
        let all =
            [replica("worker", "w0", OURS, "aabbccddee"), replica("worker", "w1", "0.0.9", "ffeeddccbb")];
        let found = judge(&all, Some(&Named { version: 4, sha256: "00".to_owned() }), now());
        let bad: Vec<&Finding> = found.iter().filter(|one| !one.ok).collect();
        assert!(bad.iter().all(|one| !one.fatal), "{bad:?}");
        assert!(bad.iter().any(|one| one.found.contains("0.0.9: worker w1")), "{bad:?}");
        assert!(bad.iter().any(|one| one.found == "behind; version 4 is published"), "{bad:?}");
        assert!(bad.iter().any(|one| one.found.contains("aabbccdd on 1, ffeeddcc on 1")), "{bad:?}");
    }

    #[test]
    fn a_replica_without_a_policy_refuses_everything() {
        let mut without = replica("worker", "w0", OURS, "aa");
        without.policy.as_mut().unwrap().version = None;
        assert!(
            judge(&[without], None, now()).iter().any(|one| one.fatal && one.what == "policy of worker w0")
        );
    }

    #[test]
    fn a_policy_that_is_not_confirmed_is_said() {
        let mut old = replica("worker", "w0", OURS, "aa");
        old.policy.as_mut().unwrap().confirmed_at = Some(now() - SignedDuration::from_mins(10));
        let found = judge(&[old.clone()], None, now());
        assert!(found.iter().any(|one| !one.ok && one.found == "not confirmed for 10 min"), "{found:?}");
        old.policy.as_mut().unwrap().confirmed_at = Some(now());
        assert!(judge(&[old], None, now()).iter().all(|one| one.ok));
    }
}
