//! Traps 1–25: realistic bad edits of policy.csv, each with its family. All are refused with code, place and hint, and change
//! nothing.

use std::collections::BTreeSet;

use super::{
    traps::assert_refused,
    world::{BASE, MODEL, World, vocabulary},
};

const DENY: &str = "p, Contractors, *, deploy.promote, run, *, deny";
/// Signs that show as nothing, or as a blank.
const HIDDEN: [char; 22] = [
    '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{200e}', '\u{202e}', '\u{34f}',
    '\u{3164}', '\u{115f}', '\u{180e}', '\u{2800}', '\u{a0}', '\u{2003}', '\u{3000}', '\t', '\u{b}', '\u{c}',
    '\u{85}', '\u{2028}', '\u{e000}',
];

/// The base with its deny row replaced.
fn deny(row: impl AsRef<str>) -> String {
    assert_ne!(row.as_ref(), DENY, "it edits nothing");
    BASE.replace(DENY, row.as_ref())
}

/// The deny row with its nth field (from 0, the `p`) made into each of these.
fn field(nth: usize, values: &[&str]) -> Vec<String> {
    let edit = |value: &&str| {
        let mut fields: Vec<&str> = DENY.split(", ").collect();
        fields[nth] = value;
        deny(fields.join(", "))
    };
    values.iter().map(edit).collect()
}

fn added(rows: &[&str]) -> Vec<String> {
    rows.iter().map(|row| format!("{BASE}{row}\n")).collect()
}

/// The deny row with the nth of its commas, from 0, replaced.
fn comma(nth: usize, by: &str) -> String {
    let (at, _) = DENY.match_indices(',').nth(nth).unwrap();
    deny(format!("{}{by}{}", &DENY[..at], &DENY[at + 1..]))
}

fn hidden(places: &[&str]) -> Vec<String> {
    let put = |place: &&str| HIDDEN.map(|c| BASE.replacen(place, &format!("{place}{c}"), 1));
    places.iter().flat_map(put).collect()
}

pub fn traps() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let kinds = ["P", "Ｐ", "р", "p.", "pp", "policy", "p1", "e", "m", "G", "1"];
    let late = ["deny # temp", "deny #temp", "deny# temp", "deny # allow"];
    vec![
        ("1", "row-kind", field(0, &kinds)),
        ("2", "hidden-char", HIDDEN.map(|c| format!("{c}{BASE}")).to_vec()),
        ("2", "hidden-char", vec![format!("{BASE}\u{feff}{BASE}")]),
        (
            "3",
            "effect",
            field(
                6,
                &["block", "Deny", "DENY", "denied", "den y", "0", "-", "*", "denу", "deny.", "deny;allow"],
            ),
        ),
        ("4", "inline-comment", field(6, &late)),
        ("4", "inline-comment", field(5, &["* # any", "env=staging#temp"])),
        ("5", "quote", field(6, &["\"deny", "deny\"", "'deny", "“deny", "„deny", "`deny", "«deny", "deny”"])),
        ("6", "quote", field(6, &["\"deny\"", "“deny”", "\"\"deny\"\""])),
        ("6", "quote", field(1, &["\"Contractors\"", "\"Contractors, Temps\""])),
        ("6", "quote", vec![deny(format!("\"{DENY}\""))]),
        ("7", "quote", field(6, &["'deny'", "‘deny’", "`deny`"])),
        ("8", "field-count", (1..6).map(|nth| comma(nth, " ")).collect()),
        ("8", "row-kind", vec![comma(0, " "), comma(0, "")]),
        ("9", "field-count", vec![deny(format!("{DENY},")), deny(format!("{DENY}, "))]),
        ("9", "field-count", (0..6).map(|nth| comma(nth, ",,")).collect()),
        ("9", "row-kind", vec![deny(format!(",{DENY}")), deny(format!(", {DENY}"))]),
        (
            "10",
            "row-kind",
            [";", "|", " ", ":", "，", "، "].map(|sign| deny(DENY.replace(',', sign))).to_vec(),
        ),
        ("10", "hidden-char", vec![deny(DENY.replace(", ", "\t"))]),
        ("11", "row-kind", field(0, &["p2", "p3", "p_eft", "g2", "e", "r"])),
        (
            "12",
            "row-kind",
            ["//", ";", "--", "%", "/*", "REM", "!", "-", "off"]
                .map(|mark| deny(format!("{mark} {DENY}")))
                .to_vec(),
        ),
        (
            "13",
            "unknown-group",
            field(
                1,
                &[
                    "contractors",
                    "CONTRACTORS",
                    "Contractor",
                    "Con tractors",
                    "Contractors.",
                    "Contractors|Temps",
                    "Contractors+Temps",
                    "anyone",
                    "*",
                    "Сontractors",
                    "slack:T0ACME/U1",
                    "svc:unknown",
                    "slack:T0ACME/S0CON",
                ],
            ),
        ),
        ("14", "hidden-char", hidden(&["Contractors", "Contr", "deploy.promote", "deny", "run", "p,", "g"])),
        ("15", "empty-field", (1..7).flat_map(|nth| field(nth, &["", "  "])).collect()),
        ("15", "empty-field", added(&["g, Temps,", "g, , Contractors"])),
        (
            "16",
            "unknown-command",
            field(
                3,
                &[
                    "deploy.promot",
                    "deploy.promotee",
                    "Deploy.Promote",
                    "deploy promote",
                    "deploy/promote",
                    "deploy.promote.",
                    ".deploy.promote",
                    "deploy..promote",
                    "deploy.promote|deploy.list",
                    "dеploy.promote",
                    "dploy.promote",
                    "deploy.promote;deploy.list",
                    "/deploy.promote",
                ],
            ),
        ),
        (
            "18",
            "hidden-char",
            vec![
                BASE.replace('\n', "\r"),
                BASE.replacen('\n', "\r", 1),
                BASE.replacen('\n', "\r\n", 1),
                BASE.replace('\n', "\r\r\n"),
            ],
        ),
        (
            "19",
            "field-count",
            added(&["g, Temps, Contractors, x", "g, Temps, Contractors,", "g, Temps", "g"]),
        ),
        (
            "20",
            "row-kind",
            added(&[
                "g2, Temps, Contractors",
                "g3, Temps, Contractors",
                "G, Temps, Contractors",
                "group, Temps, Contractors",
            ]),
        ),
        (
            "21",
            "field-count",
            added(&["p, x, y", "p", "p, Contractors", "p, Contractors, *, deploy.promote, run, *"]),
        ),
        (
            "22",
            "role-cycle",
            added(&[
                "g, Contractors, Temps",
                "g, Temps, Temps",
                "g, Contractors, Engineering\ng, Engineering, Temps",
            ]),
        ),
        (
            "22",
            "role-reserved",
            added(&[
                "g, external, Engineering",
                "g, Engineering, guests",
                "g, everyone, Engineering",
                "g, guests, everyone",
            ]),
        ),
        (
            "23",
            "empty-policy",
            ["", "\n", " \n\n", "# all gone\n", "g, Temps, Contractors\n"].map(str::to_owned).to_vec(),
        ),
        (
            "24",
            "no-final-newline",
            vec!["p, Engineering, *, deploy.*, run, *, allow\ng, Temps, Contr".to_owned()],
        ),
        (
            "25",
            "unknown-command",
            field(
                3,
                &[
                    "dep*",
                    "*.promote",
                    "deploy*",
                    "deploy.p*",
                    "deploy.*.*",
                    "deploy.**",
                    "*.*",
                    "**",
                    ".*",
                    "de*.promote",
                    "deploy.promot?",
                    "deploy.[a-z]+",
                    "^deploy",
                ],
            ),
        ),
        ("rule unknown-action", "unknown-action", field(4, &["runn", "Run", "run|view", "execute", "r*"])),
        (
            "rule condition",
            "condition",
            field(
                5,
                &[
                    "evn=staging",
                    "env=stagin",
                    "env=Staging",
                    "ENV=staging",
                    "env=",
                    "env",
                    "env=*",
                    "=staging",
                    "env=staging|",
                    "env=staging;",
                    ";",
                    "env==staging",
                    "env= staging",
                    "env=staging;env=production",
                    "env:staging",
                    "env!=staging",
                ],
            ),
        ),
        (
            "rule place",
            "place",
            field(
                2,
                &[
                    "slak:*",
                    "slack:T0ACME",
                    "slack",
                    "slack:",
                    "slack:/*",
                    "slack:T0ACME/",
                    "slack:T0ACME/C0*",
                    "slack:T0ACME/C0DEPLOY/*",
                    "slack:T0ACME/C0DEPLOY:*",
                    "slack:T0ACME:*",
                    "slack:T0ACME/C0/C1",
                    "slack:*/C0DEPLOY",
                    "deploys",
                    "**",
                    "Slack:*",
                    "slack:T0ACME/C0 OPS",
                ],
            ),
        ),
        ("rule place", "inline-comment", field(2, &["#deploys"])),
    ]
}

#[tokio::test]
async fn traps_1_to_25_every_bad_edit_of_the_policy_is_refused_and_the_last_good_one_stays() {
    let mut met = 0;
    for (trap, code, edits) in traps() {
        for edit in edits {
            assert_refused(trap, false, "policy.csv", edit, code).await;
            met += 1;
        }
    }
    assert!(met > 300, "{met}");
}

#[test]
fn a_finding_names_line_and_column_and_says_what_was_probably_meant() {
    let world = World::new(format!("{BASE}p, Enginering, *, deploy.promot, run, env=stagin, allow\n"));
    insta::assert_snapshot!(world.check());
}

#[test]
fn a_condition_on_a_key_that_the_command_never_has_is_found() {
    let mut words = vocabulary();
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>();
    words.binds = words.commands.iter().map(|command| (command.clone(), keys(&[]))).collect();
    words.binds.insert("deploy.promote".to_owned(), keys(&["env"]));
    for (row, good) in [
        ("deploy.promote, run, env=staging", true),
        ("deploy.*, run, env=staging", true),
        ("*, *, env=staging", true),
        ("deploy.list, view, env=none", true),
        ("deploy.list, view, env=staging", false),
        ("deployer.*, run, env=staging|production", false),
    ] {
        let world = World::new(format!("{BASE}p, Contractors, *, {row}, deny\n"));
        let findings = adjutant_policies::check(&world.options, &words).unwrap();
        let found = findings.findings.iter().any(|found| found.code == "condition" && found.line == 4);
        assert_eq!(found, !good, "{row}: {findings}");
    }
}

#[test]
fn what_deserves_a_look_is_a_warning() {
    let policy = format!(
        "{BASE}p, Engineering, *, deploy.*, run, *, allow\np, Contractors, *, deploy.promote, run, *, allow\n"
    );
    let findings = World::new(policy).check();
    let codes: Vec<&str> = findings.findings.iter().map(|finding| finding.code).collect();
    assert_eq!((findings.errors(), codes.as_slice()), (0, ["duplicate", "shadowed"].as_slice()));
    let mixed =
        World::with("p, Еngineering, *, help, run, *, allow\n", MODEL, "slack:T0ACME/S1, Еngineering, E\n");
    let found = mixed.check();
    assert_eq!((found.errors(), found.findings[0].code), (0, "mixed-script"), "{found}");
}

#[test]
fn too_many_rows_and_links_too_deep_are_refused() {
    let mut world = World::new(BASE);
    world.options.most_rows = 1;
    assert!(world.check().findings.iter().any(|finding| finding.code == "too-many-rows"));
    let names: Vec<String> = (0..11).map(|n| format!("G{n}")).collect();
    let lock: String = names.iter().map(|name| format!("slack:T0ACME/{name}, {name}, {name}\n")).collect();
    for (groups, errors) in [(11, 2), (10, 1), (9, 0)] {
        let links: String =
            names[..groups].windows(2).map(|pair| format!("g, {}, {}\n", pair[0], pair[1])).collect();
        let deep = World::with(format!("p, G0, *, help, run, *, allow\n{links}"), MODEL, &lock).check();
        let found = deep.findings.iter().filter(|finding| finding.code == "role-depth").count();
        assert_eq!(found, errors, "{groups}: {deep}");
    }
}
