//! A policy folder to edit, and the callers who must stay as they are.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use adjutant_bus::{
    actor::{Actor, GroupId, Membership, Platform, Standing, Tenant},
    spec::Action,
};
use adjutant_policies::{Ask, Caller, Findings, Gate, Options, Policy, Verdict, Vocabulary, check};
use tempfile::TempDir;

pub const MODEL: &str = include_str!("../../model.conf");
pub const BASE: &str = "p, Contractors, *, deploy.promote, run, *, deny\np, Engineering, *, deploy.*, run, *, allow\ng, Temps, Contractors\n";
pub const LOCK: &str = "slack:T0ACME/S0ENG, Engineering, Engineering\nslack:T0ACME/S0CON, Contractors, Contractors\nslack:T0ACME/S0TMP, Temps, Temps\n";
pub const PLACE: &str = "slack:T0ACME/C0DEPLOY";

pub struct World {
    pub dir: TempDir,
    pub options: Options,
}

pub fn vocabulary() -> Vocabulary {
    let commands = ["deploy.promote", "deploy.list", "deploy.rollback", "help", "deployer.wipe", "deploy"];
    Vocabulary {
        commands: commands.map(str::to_owned).into(),
        context: BTreeMap::from([(
            "env".to_owned(),
            ["none", "staging", "production"].map(str::to_owned).to_vec(),
        )]),
        binds: BTreeMap::new(),
        trusted_homes: vec!["slack:T0ACME".to_owned(), "discord:9001".to_owned()],
    }
}

/// What must hold of the base, and the tests that go with it.
pub const TESTS: &str = "allow, Engineering, slack:T0ACME/C0DEPLOY, deploy.promote, run, env=staging\n\
                         deny, Engineering + Temps, slack:T0ACME/C0DEPLOY, deploy.promote, run, env=staging, deny-row\n\
                         deny, everyone, slack:T0ACME/C0DEPLOY, deploy.promote, run, env=staging\n";

impl World {
    /// The base, with its tests.
    pub fn base() -> Self {
        let world = Self::new(BASE);
        world.write("policy.test", TESTS);
        world
    }

    pub fn new(policy: impl AsRef<[u8]>) -> Self {
        Self::with(policy, MODEL, LOCK)
    }

    pub fn with(policy: impl AsRef<[u8]>, model: &str, lock: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("policy.csv"), policy).unwrap();
        std::fs::write(dir.path().join("model.conf"), model).unwrap();
        std::fs::write(dir.path().join("policy.lock"), lock).unwrap();
        let options = Options::new(Some(dir.path().to_owned()));
        Self { dir, options }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub fn check(&self) -> Findings {
        check(&self.options, &vocabulary()).unwrap()
    }

    pub async fn load(&self) -> Arc<Policy> {
        Policy::load(self.options.clone(), vocabulary()).await
    }

    pub async fn gate(&self) -> Arc<Gate> {
        let policy = self.load().await;
        policy.gate().unwrap_or_else(|| panic!("{:?}", policy.status()))
    }
}

pub fn actor(platform: Platform, tenant: &str, user: &str, standing: Standing) -> Actor {
    Actor {
        platform,
        tenant: Tenant::new(tenant),
        user: user.to_owned(),
        label: "Engineering".to_owned(),
        standing,
    }
}

/// A member of the home with these chat groups.
pub fn member(gate: &Gate, groups: &[&str]) -> Caller {
    let tenant = Tenant::new("T0ACME");
    let groups = groups.iter().map(|group| GroupId::new(Platform::Slack, &tenant, group)).collect();
    gate.caller(&actor(Platform::Slack, "T0ACME", "U1", Standing::Member), &Membership::known(groups))
}

pub fn context(env: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("env".to_owned(), env.to_owned())])
}

pub fn decide(gate: &Gate, caller: &Caller, command: &str) -> Verdict {
    gate.decide(&Ask { caller, place: PLACE, command, action: Action::Run, context: &context("staging") })
}

/// Alice is allowed, Mallory (also in Temps) and Eve (in nothing) are refused.
pub fn assert_unchanged(gate: &Gate) {
    let allowed =
        |groups: &[&str]| decide(gate, &member(gate, groups), "deploy.promote").authorization.allowed;
    assert!(allowed(&["S0ENG"]), "alice must stay allowed");
    assert!(!allowed(&["S0ENG", "S0TMP"]), "mallory must stay refused");
    assert!(!allowed(&[]), "eve must stay refused");
}

/// Nobody may what they might not under the base, whatever became of the rest.
pub fn assert_widens_nothing(gate: &Gate, edited: &str) {
    for (groups, most) in
        [(&["S0ENG"][..], true), (&["S0ENG", "S0TMP"], false), (&["S0CON"], false), (&[], false)]
    {
        for command in vocabulary().commands {
            let may = decide(gate, &member(gate, groups), &command).authorization.allowed;
            let might = most && command.starts_with("deploy.")
                || groups.contains(&"S0ENG")
                    && ["deploy.list", "deploy.rollback"].contains(&command.as_str());
            assert!(might || !may, "{groups:?} may {command}: {edited}");
        }
    }
}
