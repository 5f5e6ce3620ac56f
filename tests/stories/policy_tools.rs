//! The tools of policy as an admin meets them on a machine of their own: what they print, and with which status they end.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

const MODEL: &str = include_str!("../../policies/model.conf");
const LOCK: &str = "console:local/Engineering, Engineering, Engineering\n\
    svc:ci,                    svc:ci,      ci\n";
/// Besides, for rows that come to name it.
const PRODUCT: &str = "console:local/Product, Product, Product\n";
const ROWS: &str = "# p, group, where, command, action, when, effect\n\
    p, everyone,    *,                 deploy.list,     view, *,                    allow\n\
    p, Engineering, *,                 deploy.promote,  run,  env=staging|preview,  allow\n\
    p, Engineering, console:local/ops, deploy.promote,  run,  env=production,       allow\n\
    p, Engineering, *,                 deploy.rollback, run,  hours=office,         allow\n\
    p, svc:ci,      *,                 deploy.promote,  run,  env=staging,          allow\n\
    p, everyone,    *,                 deploy.*,        run,  freeze=on,            deny\n";
const TESTS: &str = "allow, Engineering, console:local/ops, deploy.promote, run, env=production\n\
    deny, Engineering, console:local/ops, deploy.promote, run, env=production;freeze=on, deny-row\n";
const SETTINGS: &str = "contact = \"#access\"\ntimezone = \"Europe/Berlin\"\n\
    [windows]\noffice = [\"Mon-Fri 09:00-17:00\"]\n[contacts]\nEngineering = \"#eng\"\n";

struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// A machine with a folder of policy files, and nothing else.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.policy("policies", ROWS, TESTS);
        machine
    }

    fn lock(&self, name: &str, lock: &str) {
        std::fs::write(self.0.path().join(name).join("policy.lock"), lock).unwrap();
    }

    fn policy(&self, name: &str, rows: &str, tests: &str) -> PathBuf {
        let folder = self.0.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let lock = format!("{LOCK}{PRODUCT}");
        let files = [
            ("model.conf", MODEL),
            ("policy.csv", rows),
            ("policy.lock", &lock),
            ("policy.test", tests),
            ("policy.toml", SETTINGS),
        ];
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        folder
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(self.0.path(), args)
    }
}

fn run(folder: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_adjutant"))
        .arg("policy")
        .args(args)
        .args(["--bus", "memory:"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Neither wider than a terminal nor coloured where nobody sees it.
fn plain(text: &str) -> &str {
    let wide = text.lines().find(|line| line.chars().count() > 80);
    assert!(wide.is_none() && !text.contains('\u{1b}'), "{wide:?}\n{text}");
    text
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_rule() {
    let machine = Machine::new();
    // A group that no row names would be a warning.
    machine.lock("policies", LOCK);
    let clean = machine.run(&["check"]);
    assert_eq!((clean.status, clean.out.as_str()), (0, "0 errors, 0 warnings\n"), "{}", clean.err);
    let rows = ROWS
        .replace("deploy.rollback", "deploy.rolback")
        .replace("p, everyone,    *,                 deploy.*", "p, everyon,    *,                 deploy.*");
    machine.policy("policies", &format!("{rows}p, everyone, *, ping, run, allow\n"), TESTS);
    machine.lock("policies", LOCK);
    let wrong = machine.run(&["check"]);
    assert_eq!(wrong.status, 1);
    insta::assert_snapshot!(wrong.out);
    assert_eq!(machine.run(&["check", "--json"]).json()["findings"].as_array().unwrap().len(), 3);
    let sarif = machine.run(&["check", "--sarif"]);
    assert_eq!(sarif.status, 1);
    let results = sarif.json()["runs"][0]["results"].clone();
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "policies/policy.csv");
    assert_eq!(
        (&results[0]["ruleId"], place["region"]["startLine"].as_u64()),
        (&"unknown-command".into(), Some(5))
    );
    assert!(machine.run(&["--color", "always", "check"]).out.contains('\u{1b}'));
    assert_eq!(machine.run(&["check", "--json", "--sarif"]).status, 2);
    std::fs::remove_file(machine.0.path().join("policies/policy.lock")).unwrap();
    assert_eq!(machine.run(&["check"]).status, 2, "there is nothing to check");
}

#[test]
fn a_test_that_fails_tells_what_was_expected_and_what_decided() {
    let machine = Machine::new();
    assert_eq!(machine.run(&["test"]).status, 0);
    let failing = "deny, Engineering, console:local/ops, deploy.promote, run, env=production\n\
        allow, Product, console:local/ops, deploy.promote, run, env=staging\n\
        deny, Product, console:local/ops, deploy.promote, run, env=staging, place\n";
    machine.policy("policies", ROWS, &format!("{TESTS}{failing}"));
    let failed = machine.run(&["test"]);
    assert_eq!(failed.status, 1, "{}", failed.err);
    insta::assert_snapshot!(failed.out);
    let results = machine.run(&["test", "--json"]).json();
    assert_eq!(results["results"][2]["decided"], "allowed by policy.csv:4");
    // A policy whose tests fail can be looked at all the same: that is how one finds out.
    let why = machine.run(&["why", "--groups", "Product", "deploy.promote", "env=staging"]);
    assert_eq!(why.status, 1, "{}", why.err);
}

#[test]
fn a_decision_is_told_with_its_row_or_with_what_came_nearest() {
    let machine = Machine::new();
    let why = |args: &[&str]| machine.run(&[&["why"], args].concat());
    let chat = ["console:local/ana", "deploy promote web staging production"];
    let refused = why(&chat);
    assert_eq!(refused.status, 1, "{}", refused.err);
    assert!(refused.out.starts_with("REFUSED   deploy.promote, run"), "{}", refused.out);
    assert!(plain(&refused.out).contains("only in console:local/ops"), "{}", refused.out);
    let there = why(&[&chat[..], &["--in", "console:local/ops"]].concat());
    assert_eq!(there.status, 0, "{}", there.out);
    assert!(there.out.contains("allowed by policy.csv:4"), "{}", there.out);
    let frozen = why(&[&chat[..], &["--in", "console:local/ops", "--freeze", "on"]].concat());
    assert!(frozen.status == 1 && frozen.out.contains("refused by policy.csv:7"), "{}", frozen.out);
    let service = why(&["svc:ci", "deploy.promote", "env=staging", "--json"]);
    assert_eq!((service.status, &service.json()["place"]), (0, &"api:ci/-".into()), "{}", service.out);

    // The clock of the zone decides: 16:30 in Berlin is within the office's hours, 17:30 is not.
    let rollback = |at: &str| why(&["--groups", "Engineering", "deploy.rollback", "env=staging", "--at", at]);
    let (within, after) = (rollback("2026-11-27T15:30:00Z"), rollback("2026-11-27T16:30:00Z"));
    assert_eq!((within.status, after.status), (0, 1), "{} {}", within.out, after.out);
    insta::assert_snapshot!(plain(&after.out));

    let elsewhere = why(&["slack:T6666/U1", "deploy.list"]);
    assert!(elsewhere.status == 1 && elsewhere.out.contains("groups    external"), "{}", elsewhere.out);

    for (args, told) in [
        (&["console:local/nobody", "deploy.list"][..], "console.users"),
        (&["deploy.list"], "say who first"),
        (&["svc:ci"], "which command"),
        (&["--groups", "Enginering", "deploy.list"], "did you mean `Engineering`?"),
        (&["svc:ci", "deploy.promot", "env=staging"], "Did you mean `deploy promote`?"),
        (&["svc:ci", "deploy.list", "--in", "#deploys"], "is no place"),
        (&["svc:ci", "deploy.list", "--dir", "elsewhere"], "elsewhere"),
    ] {
        let not_run = why(args);
        assert!(not_run.status == 2 && not_run.err.contains(told), "{args:?}: {}", not_run.err);
    }
}

#[test]
fn a_policy_is_shown_with_its_groups_its_rows_and_what_is_not_in_rows() {
    let machine = Machine::new();
    let shown = machine.run(&["show"]);
    assert_eq!(shown.status, 0, "{}", shown.err);
    insta::assert_snapshot!(plain(&shown.out));
    let shown = machine.run(&["show", "--json"]).json();
    assert_eq!(shown["settings"]["windows"][0]["name"], "office");
    assert_eq!(shown["rows"].as_array().unwrap().len(), 6);
    assert_eq!(machine.run(&["show", "--version", "3"]).status, 2, "nothing is published in this process");
}

#[test]
fn what_changes_between_two_policies_is_told_with_what_reaches_production() {
    let machine = Machine::new();
    let same = machine.run(&["diff", "policies"]);
    assert_eq!(same.status, 0, "{}{}", same.out, same.err);
    let rows = ROWS.replace(
        "p, svc:ci,      *,                 deploy.promote,  run,  env=staging,          allow\n",
        "",
    );
    machine.policy("new", &format!("{rows}p, Product, *, deploy.promote, run, env=production, allow\n"), "");
    let changed = machine.run(&["diff", "policies", "new"]);
    assert_eq!(changed.status, 1, "{}", changed.err);
    insta::assert_snapshot!(changed.out);
    let told = machine.run(&["diff", "policies", "new", "--json"]).json();
    assert_eq!(told["production_gains"], 1);
    assert_eq!(machine.run(&["diff", "new", "policies"]).status, 1);
    for args in [&["diff", "nowhere"][..], &["diff", "live"], &["diff", "42", "new"]] {
        let not_run = machine.run(args);
        assert!(not_run.status == 2 && !not_run.err.is_empty(), "{args:?}: {}", not_run.out);
    }
}
