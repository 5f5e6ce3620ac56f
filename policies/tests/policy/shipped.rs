//! The policy that ships, and who may do what under it: a table that is checked in, so that a change of rights is a changed cell.

use std::{collections::BTreeMap, path::Path};

use adjutant_bus::spec::Action;
use adjutant_policies::{Column, Options, Policy, Vocabulary, grid};

const CALLERS: [&str; 10] = [
    "everyone + Engineering",
    "everyone + Release Managers",
    "everyone + SRE",
    "everyone + Product",
    "everyone + Contractors",
    "everyone",
    "guests",
    "external",
    "svc:ci",
    "nobody",
];
const VIEWED: [&str; 14] = [
    "freeze.status",
    "policy.history",
    "policy.status",
    "help",
    "help.search",
    "whoami",
    "version",
    "status",
    "history",
    "home",
    "why",
    "commands",
    "deploy.list",
    "deploy.history",
];
const RUN: [&str; 10] = [
    "freeze.on",
    "freeze.off",
    "ping",
    "rerun",
    "cancel",
    "policy.publish",
    "policy.rollback",
    "deploy.promote",
    "deploy.rollback",
    "notify",
];

fn vocabulary() -> Vocabulary {
    let environments = ["none", "preview", "staging", "production"].map(str::to_owned).to_vec();
    Vocabulary {
        commands: VIEWED.iter().chain(&RUN).map(|name| (*name).to_owned()).collect(),
        context: BTreeMap::from([("env".to_owned(), environments), ("destination".to_owned(), Vec::new())]),
        binds: Default::default(),
        trusted_homes: vec!["console:local".to_owned()],
    }
}

fn columns() -> Vec<Column> {
    let context = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let deployments = || {
        let each = [
            context(&[("env", "preview")]),
            context(&[("env", "preview"), ("hours", "off")]),
            context(&[("env", "staging")]),
            context(&[("env", "production")]),
            context(&[("env", "production"), ("freeze", "on")]),
        ];
        each.to_vec()
    };
    let none = || vec![context(&[("env", "none")])];
    let viewed = VIEWED.iter().map(|name| ((*name).to_owned(), Action::View, none()));
    let run = RUN.iter().map(|name| {
        let contexts = match *name {
            "notify" => vec![context(&[("destination", "alerts")])],
            deploy if deploy.starts_with("deploy") => deployments(),
            _ => none(),
        };
        ((*name).to_owned(), Action::Run, contexts)
    });
    let approved = ("deploy.promote".to_owned(), Action::Approve, vec![context(&[("env", "production")])]);
    viewed.chain(run).chain([approved]).collect()
}

#[tokio::test]
async fn who_may_do_what_is_as_the_checked_in_table_says() {
    let policy = Policy::load(Options::new(None), vocabulary()).await;
    let gate = policy.gate().unwrap_or_else(|| panic!("{:?}", policy.status()));
    let table = grid(&gate, &CALLERS, "console:local/terminal", &columns());
    let text = format!(
        "# Who may do what under the shipped policy\n\nMade by a test from policy.csv; `ADJUTANT_BLESS=1 cargo test -p adjutant-policies` writes it anew.\n\n{table}"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("grid.md");
    if std::env::var_os("ADJUTANT_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        text,
        "grid.md differs: look at what the change gives to whom"
    );
}

#[test]
fn the_shipped_policy_has_no_findings_and_passes_its_own_tests() {
    let findings = adjutant_policies::check(&Options::new(None), &vocabulary()).unwrap();
    assert_eq!(findings.findings, []);
    let report = adjutant_policies::test(&Options::new(None), &vocabulary()).unwrap().unwrap();
    assert!(report.failed() == 0 && report.results.len() >= 10, "{report:?}");
}
