//! The latency of one decision against the number of policy rows: 200 commands, 40 groups, a caller in six of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

use adjutant_bus::{
    actor::{Actor, GroupId, Membership, Platform, Standing, Tenant},
    spec::Action,
};
use adjutant_policies::{Ask, Options, Policy, Vocabulary};
use anyhow::{Context, Result};

use crate::figures::Figures;

const COMMANDS: usize = 200;
const GROUPS: usize = 40;
const DECISIONS: usize = 2_000;

/// Measures allowed decisions.
pub(crate) async fn measure(rows: usize) -> Result<Figures> {
    let dir = tempfile::tempdir()?;
    write(dir.path(), rows)?;
    let options = Options { most_rows: rows, ..Options::new(Some(dir.path().to_owned())) };
    let policy = Policy::load(options, vocabulary()).await;
    let gate = policy.gate().with_context(|| format!("{:?}", policy.status()))?;
    let tenant = Tenant::new("T0");
    let groups = (0..6).map(|n| GroupId::new(Platform::Slack, &tenant, &format!("S{n}"))).collect();
    let actor = Actor {
        platform: Platform::Slack,
        tenant,
        user: "U1".to_owned(),
        label: String::new(),
        standing: Standing::Member,
    };
    let membership = Membership::known(groups);
    let context = BTreeMap::from([("env".to_owned(), "v1".to_owned())]);
    let mut latencies = Vec::with_capacity(DECISIONS);
    let begun = Instant::now();
    for n in 0..DECISIONS {
        let command = format!("app{}.run", n % COMMANDS);
        let one = Instant::now();
        let caller = gate.caller(&actor, &membership);
        let ask = Ask {
            caller: &caller,
            place: "slack:T0/C1",
            command: &command,
            action: Action::Run,
            context: &context,
        };
        std::hint::black_box(gate.decide(&ask));
        latencies.push(one.elapsed());
    }
    Ok(Figures::new(latencies, begun.elapsed()))
}

/// The words that the policy uses.
pub(crate) fn vocabulary() -> Vocabulary {
    Vocabulary {
        commands: (0..COMMANDS).map(|n| format!("app{n}.run")).collect::<BTreeSet<_>>(),
        context: BTreeMap::from([("env".to_owned(), Vec::new())]),
        binds: BTreeMap::new(),
        trusted_homes: vec!["slack:T0".to_owned()],
    }
}

/// A policy with this many rows.
pub(crate) fn write(dir: &Path, rows: usize) -> Result<()> {
    std::fs::write(dir.join("model.conf"), include_str!("../../policies/model.conf"))?;
    std::fs::write(dir.join("policy.csv"), policy(rows))?;
    let lock: String = (0..GROUPS).map(|n| format!("slack:T0/S{n}, G{n}, G{n}\n")).collect();
    std::fs::write(dir.join("policy.lock"), lock)?;
    Ok(())
}

/// Rows that differ; one in thirty is a deny row.
fn policy(rows: usize) -> String {
    let row = |n: usize| {
        let (group, command, value) = (n % GROUPS, (n / 7) % COMMANDS, n / (GROUPS * 5));
        let effect = if n % 30 == 29 { "deny" } else { "allow" };
        format!("p,G{group},*,app{command}.run,run,env=v{value},{effect}\n")
    };
    (0..rows).map(row).collect()
}
