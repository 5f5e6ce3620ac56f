//! Realistic bad edits of policy.csv and policy.lock: each is refused with its code, place and hint, and changes nothing.

use super::world::{BASE, LOCK, MODEL, World, assert_unchanged};

const DENY: &str = "p, Contractors, *, deploy.promote, run, *, deny";

/// The base with its deny row replaced.
fn deny(row: &str) -> String {
    BASE.replace(DENY, row)
}

#[tokio::test]
async fn every_bad_edit_of_the_policy_is_refused_and_the_last_good_one_stays() {
    let cases: Vec<(u32, String, &str)> = vec![
        (1, deny(&DENY.replace("p,", "P,")), "row-kind"),
        (2, format!("\u{feff}{BASE}"), "hidden-char"),
        (3, deny(&DENY.replace("deny", "block")), "effect"),
        (4, deny(&format!("{DENY} # temp")), "inline-comment"),
        (5, deny(&DENY.replace("deny", "\"deny")), "quote"),
        (6, deny(&DENY.replace("deny", "\"deny\"")), "quote"),
        (7, deny(&DENY.replace("deny", "'deny'")), "quote"),
        (8, deny(&DENY.replace("Contractors,", "Contractors")), "field-count"),
        (9, deny(&format!("{DENY},")), "field-count"),
        (10, deny(&DENY.replace(',', ";")), "row-kind"),
        (11, deny(&DENY.replace("p,", "p2,")), "row-kind"),
        (12, deny(&format!("// {DENY}")), "row-kind"),
        (13, deny(&DENY.replace("Contractors", "contractors")), "unknown-group"),
        (14, deny(&DENY.replace("Contractors", "Contractors\u{200b}")), "hidden-char"),
        (15, deny(&DENY.replace("deploy.promote", "")), "empty-field"),
        (16, deny(&DENY.replace("deploy.promote", "deploy.promot")), "unknown-command"),
        (18, BASE.replace('\n', "\r"), "hidden-char"),
        (19, format!("{BASE}g, Temps, Contractors, x\n"), "field-count"),
        (20, format!("{BASE}g2, Temps, Contractors\n"), "row-kind"),
        (21, format!("{BASE}p, x, y\n"), "field-count"),
        (22, format!("{BASE}g, Contractors, Temps\n"), "role-cycle"),
        (23, String::new(), "empty-policy"),
        (24, "p, Engineering, *, deploy.*, run, *, allow\ng, Temps, Contr".to_owned(), "no-final-newline"),
        (25, deny(&DENY.replace("deploy.promote", "dep*")), "unknown-command"),
        (101, deny(&DENY.replace("run", "runn")), "unknown-action"),
        (102, deny(&DENY.replace("run, *", "run, evn=staging")), "condition"),
        (103, deny(&DENY.replace("run, *", "run, env=stagin")), "condition"),
        (104, deny(&DENY.replace("run, *", "run, env=")), "condition"),
        (105, deny(&DENY.replace("Contractors, *", "Contractors, slak:*")), "place"),
        (106, deny(&DENY.replace("Contractors, *", "Contractors, #deploys")), "inline-comment"),
        (107, deny(&DENY.replace("Contractors, *", "Contractors, slack:T0ACME")), "place"),
        (108, deny(&DENY.replace("Contractors", "anyone")), "unknown-group"),
        (109, deny(&DENY.replace("Contractors", "Еngineering")), "unknown-group"),
        (110, BASE.replace("p, Contractors, ", "p, Contractors,\u{a0}"), "hidden-char"),
        (111, deny(&DENY.replace("Contractors", "slack:T0ACME/U1")), "unknown-group"),
    ];
    for (number, policy, code) in cases {
        let world = World::new(BASE);
        let handle = world.load().await;
        let before = handle.status().version;
        world.write("policy.csv", &policy);
        let findings = world.check();
        let found: Vec<&str> = findings.findings.iter().map(|finding| finding.code).collect();
        assert!(findings.refuse() && found.contains(&code), "{number}: wanted {code}, found {findings}");
        let finding = findings.findings.iter().find(|finding| finding.code == code).unwrap();
        assert_eq!(finding.file, "policy.csv", "{number}");
        handle.reload().await;
        assert_eq!(handle.status().version, before, "{number}: the version does not move");
        assert!(handle.status().problem.is_some(), "{number}");
        assert_unchanged(&handle.gate().unwrap());
    }
}

#[tokio::test]
async fn edits_that_mean_no_harm_load_and_change_nothing() {
    for policy in [BASE.replace('\n', "\r\n"), format!("# a comment\n\n{BASE}"), BASE.replace(", ", ",")] {
        let world = World::new(policy);
        assert_eq!(world.check().errors(), 0, "{}", world.check());
        assert_unchanged(&*world.gate().await);
    }
}

#[test]
fn a_finding_names_line_and_column_and_says_what_was_probably_meant() {
    let world = World::new(format!("{BASE}p, Enginering, *, deploy.promot, run, env=stagin, allow\n"));
    insta::assert_snapshot!(world.check());
}

#[test]
fn a_byte_that_is_no_utf_8_is_refused_by_line() {
    let mut policy = BASE.as_bytes().to_vec();
    policy.extend(b"# caf\xe9\n");
    let findings = World::new(policy).check();
    assert_eq!((findings.findings[0].code, findings.findings[0].line), ("not-utf8", 4));
}

#[test]
fn bad_locks_are_refused() {
    let with = |line: &str| format!("{LOCK}{line}\n");
    let cases = [
        (with("slack:T0ACME/S0ENG, Temps, Temps"), "lock-twice"),
        (with("slack:T6666/S0ENG2, Engineering, Engineering"), "lock-untrusted"),
        (with("discord:6666/7001, Engineering, Engineering"), "lock-untrusted"),
        (with("slack:T0ACME/S0ALL, everyone, everyone"), "lock-reserved"),
        (with("slack:T0ACME/S0ANY, anyone, anyone"), "lock-reserved"),
        (with("discord:9001/9001, Members, @everyone"), "lock-id"),
        (with("slack:T0ACME/S0KEY, svc:keds, KEDS"), "lock-name"),
        (with("slack:T0ACME/S0X, a/b, a/b"), "lock-name"),
        (with("svc:keds, Engineering, KEDS"), "lock-id"),
        (with("S0ENG, Engineering, Engineering"), "lock-id"),
        (with("slack:T0ACME/S0X, Engineering"), "lock-field-count"),
        (LOCK.lines().skip(1).map(|line| format!("{line}\n")).collect(), "unknown-group"),
    ];
    for (lock, code) in cases {
        let findings = World::with(BASE, MODEL, &lock).check();
        assert!(findings.refuse() && findings.findings.iter().any(|f| f.code == code), "{code}: {findings}");
    }
    let unused = World::with(BASE, MODEL, &with("slack:T0ACME/S0NEW, Designers, Designers")).check();
    assert_eq!((unused.errors(), unused.findings[0].code), (0, "lock-unused"));
}

#[test]
fn what_deserves_a_look_is_a_warning() {
    let policy = format!(
        "{BASE}p, Engineering, *, deploy.*, run, *, allow\np, Contractors, *, deploy.promote, run, *, allow\n"
    );
    let findings = World::new(policy).check();
    let codes: Vec<&str> = findings.findings.iter().map(|finding| finding.code).collect();
    assert_eq!((findings.errors(), codes.as_slice()), (0, ["duplicate", "shadowed"].as_slice()));
}

#[test]
fn too_many_rows_and_links_too_deep_are_refused() {
    let mut world = World::new(BASE);
    world.options.most_rows = 1;
    assert!(world.check().findings.iter().any(|finding| finding.code == "too-many-rows"));
    let names: Vec<String> = (0..11).map(|n| format!("G{n}")).collect();
    let lock: String = names.iter().map(|name| format!("slack:T0ACME/{name}, {name}, {name}\n")).collect();
    let links: String = names.windows(2).map(|pair| format!("g, {}, {}\n", pair[0], pair[1])).collect();
    let deep = World::with(format!("p, G0, *, help, run, *, allow\n{links}"), MODEL, &lock).check();
    assert!(deep.findings.iter().any(|finding| finding.code == "role-depth"), "{deep}");
}
