//! Trap 67: bad edits of policy.lock, each with its family. An id has one policy name, a home that is trusted, and no name that
//! is reserved; a group that rows use has an id.

use super::{
    traps::assert_refused,
    world::{BASE, LOCK, MODEL, World},
};

fn with(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| format!("{LOCK}{line}\n")).collect()
}

pub fn traps() -> Vec<(&'static str, Vec<String>)> {
    vec![
        (
            "lock-twice",
            with(&["slack:T0ACME/S0ENG, Temps, Temps", "slack:T0ACME/S0ENG, Engineering, Engineering"]),
        ),
        (
            "lock-untrusted",
            with(&[
                "slack:T6666/S0ENG2, Engineering, Engineering",
                "discord:6666/7001, Engineering, Engineering",
                "slack:t0acme/S0ENG2, Engineering, Engineering",
                "console:elsewhere/Engineering, Engineering, E",
            ]),
        ),
        (
            "lock-reserved",
            ["everyone", "Everyone", "guests", "external", "EXTERNAL", "anyone"]
                .iter()
                .flat_map(|name| with(&[&format!("slack:T0ACME/S0ALL, {name}, all")]))
                .collect(),
        ),
        (
            "lock-name",
            with(&[
                "slack:T0ACME/S0KEY, svc:keds, KEDS",
                "slack:T0ACME/S0X, a/b, a/b",
                "slack:T0ACME/S0X, slack:T0ACME/U1, U1",
                "slack:T0ACME/S0X, , none",
            ]),
        ),
        (
            "lock-id",
            with(&[
                "discord:9001/9001, Members, @everyone",
                "svc:keds, Engineering, KEDS",
                "S0ENG2, Engineering, Engineering",
                "slack:S0ENG2, Engineering, Engineering",
                "slack:T0ACME/, Engineering, E",
                "slack:T0ACME/S0/S1, Engineering, E",
                "slack:T0ACME/*, Engineering, E",
                "slack:T0ACME/S0NEW Engineering, Engineering, E",
                "slak:T0ACME/S0NEW, Engineering, E",
                "svc:, svc:, nobody",
                "svc:a/b, svc:a/b, x",
                ", Engineering, E",
            ]),
        ),
        (
            "lock-field-count",
            with(&[
                "slack:T0ACME/S0X, Engineering",
                "slack:T0ACME/S0X",
                "slack:T0ACME/S0X; Engineering; Engineering",
            ]),
        ),
        ("quote", with(&["\"slack:T0ACME/S0X\", Engineering, E", "slack:T0ACME/S0X, 'Engineering', E"])),
        ("inline-comment", with(&["slack:T0ACME/S0X, Engineering # new, E"])),
        (
            "hidden-char",
            with(&[
                "slack:T0ACME/S0X, Engineering\u{200b}, E",
                "slack:T0ACME/S0X,\u{a0}Engineering, E",
                "slack:T0ACME/S0X, Engineering, E\u{202e}",
            ]),
        ),
        ("no-final-newline", vec![LOCK.trim_end().to_owned()]),
    ]
}

#[tokio::test]
async fn trap_67_every_bad_edit_of_the_lock_is_refused_and_the_last_good_one_stays() {
    for (code, edits) in traps() {
        for edit in edits {
            assert_refused("67", false, "policy.lock", edit, code).await;
        }
    }
}

#[tokio::test]
async fn trap_67_a_group_that_the_policy_uses_and_no_line_names_is_refused_in_the_policy() {
    for gone in LOCK.lines() {
        let lock = LOCK.replace(&format!("{gone}\n"), "");
        let world = World::base();
        let policy = world.load().await;
        let version = policy.status().version;
        world.write("policy.lock", &lock);
        let findings = world.check();
        let unknown = findings.findings.iter().find(|finding| finding.code == "unknown-group").unwrap();
        assert!(unknown.file == "policy.csv" && unknown.line > 0 && unknown.column > 0, "{unknown}");
        policy.reload().await;
        assert_eq!(policy.status().version, version);
        super::world::assert_unchanged(&policy.gate().unwrap());
    }
}

#[test]
fn a_line_that_no_row_needs_is_a_warning_and_a_label_may_be_anything() {
    let lock = format!("{LOCK}slack:T0ACME/S0NEW, Designers, \"Designers\", # and ⚠️ friends\n");
    let unused = World::with(BASE, MODEL, &lock).check();
    assert_eq!((unused.errors(), unused.findings[0].code), (0, "lock-unused"));
}
