//! Traps 26–44 and what of 45–54 is a model: bad edits of model.conf with their families, refused while the model is pinned, and
//! refused again, for what is wrong, when the operator wants a model of their own.

use super::{
    traps::{assert_finding, assert_refused},
    world::{BASE, LOCK, MODEL, World, assert_unchanged},
};

const MATCHER: &str = "m = cmdMatch(r.cmd, p.cmd) && (p.act == r.act || p.act == \"*\") && p.group in r.groups && placeMatch(r.place, p.place) && whenMatch(r.ctx, p.when, p.eft)";
const EFFECT: &str = "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))";
const COLUMNS: &str = "p = group, place, cmd, act, when, eft";
const REQUEST: &str = "r = who, groups, place, cmd, act, ctx";
const NO_DENY: &str = "p, Engineering, *, deploy.*, run, *, allow\n";

fn matcher(edit: impl Fn(&str) -> String) -> String {
    MODEL.replace(MATCHER, &edit(MATCHER))
}

/// The model with one text replaced by each of these.
fn replaced(text: &str, by: &[&str]) -> Vec<String> {
    by.iter().map(|by| MODEL.replacen(text, by, 1)).collect()
}

/// The model with something more to hold.
fn also(terms: &[&str]) -> Vec<String> {
    terms.iter().map(|term| matcher(|m| m.replace("m = ", &format!("m = {term} && ")))).collect()
}

fn sections() -> Vec<&'static str> {
    vec!["[request_definition]", "[policy_definition]", "[role_definition]", "[policy_effect]", "[matchers]"]
}

/// The number of the trap, what finds it when the pin is off, and the models.
pub fn traps() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let without = |section: &str| replaced(section, &["", "#"]);
    let renamed = |section: &str| {
        let name = section.trim_matches(['[', ']']);
        let mut first = name.chars();
        let capital: String = first.next().into_iter().flat_map(char::to_uppercase).chain(first).collect();
        replaced(
            section,
            &[
                &format!("[{capital}]"),
                &format!("[ {name} ]"),
                &format!("[{name}s]"),
                name,
                &format!("[{name}"),
            ],
        )
    };
    let deep = format!("{}p.act == r.act{}", "(".repeat(50_000), ")".repeat(50_000));
    vec![
        ("26", "model-effect", replaced(") && !", &[")&&!", ") and !", ") && ", ") || !"])),
        (
            "27",
            "model-effect",
            replaced(
                EFFECT,
                &[
                    "e = subjectPriority(p.eft) || deny",
                    "e = true",
                    "e = allow",
                    "e = some(where (p_eft == allow)) && !some(where (p_eft == deny))",
                    "e =",
                ],
            ),
        ),
        (
            "28",
            "model-effect",
            replaced(EFFECT, &["e = some(where (p.eft == allow))", "e = !some(where (p.eft == deny))"]),
        ),
        (
            "29",
            "model-effect",
            replaced(EFFECT, &["e = priority(p.eft) || deny", "e = priority(p_eft) || deny"]),
        ),
        ("30", "model-section", sections().into_iter().flat_map(without).collect()),
        ("31", "model-section", sections().into_iter().flat_map(renamed).collect()),
        (
            "32",
            "model-eft",
            replaced(
                COLUMNS,
                &[
                    "p = group, place, cmd, act, when, effect",
                    "p = group, place, cmd, act, when, Eft",
                    "p = eft, group, place, cmd, act, when",
                    "p = group, place, cmd, act, when",
                    "p = group, place, cmd, act, when, eft, note",
                    "p = group, place, cmd, act, when, p_eft",
                    "p = place, group, cmd, act, when, eft",
                ],
            ),
        ),
        (
            "32",
            "model-eft",
            vec![
                MODEL.replace("when, eft\n", "when, effect\n").replace("p.when, p.eft)", "p.when, p.effect)"),
            ],
        ),
        (
            "33",
            "model-function",
            replaced(
                "r.cmd",
                &["r.cdm", "r.command", "R.cmd", "rcmd", "r2.cmd", "r.cmd.x", "r.", "p.cdm", "r.Cmd"],
            ),
        ),
        (
            "33",
            "model-section",
            replaced(
                REQUEST,
                &[
                    "r = who, groups, place, cdm, act, ctx",
                    "r = sub, obj, act",
                    "r = groups, who, place, cmd, act, ctx",
                    "r = who, groups, place, cmd, act, ctx, more",
                ],
            ),
        ),
        (
            "34",
            "model-function",
            replaced(
                "p.act == \"*\"",
                &[
                    "r.acct == \"*\"",
                    "p.act == \"*\" || r.acct == \"*\"",
                    "p.act == \"*\" && p.acct == \"*\"",
                ],
            ),
        ),
        ("34", "model-function", replaced("p.act == r.act", &["r.acct == p.act"])),
        (
            "35",
            "model-function",
            replaced(
                "p.act == r.act",
                &[
                    "p.act = r.act",
                    "p.act === r.act",
                    "p.act =! r.act",
                    "p.act < r.act",
                    "p.act =~ r.act",
                    "p.act r.act",
                    "p.act == == r.act",
                ],
            ),
        ),
        (
            "36",
            "model-function",
            replaced(
                "(p.act == r.act || p.act == \"*\")",
                &["r.act", "\"*\"", "r.groups", "(r.act)", "(p.act == r.act || r.act)", "true", "1"],
            ),
        ),
        ("37", "model-section", also(&["r.act != \"#ops\""])),
        (
            "38",
            "model-section",
            replaced("r.groups && placeMatch", &["r.groups # && placeMatch", "r.groups && # placeMatch"]),
        ),
        (
            "38",
            "model-section",
            vec![
                format!("{}\\\n", MODEL.trim_end()),
                matcher(|m| m.replace("r.groups &&", "r.groups \\\n&&")),
            ],
        ),
        (
            "39",
            "model-twice",
            vec![
                format!("{MODEL}m = true\n"),
                format!("{MODEL}m2 = true\n"),
                format!("{MODEL}\n[matchers]\nm = true\n"),
                format!("{MODEL}{MATCHER}\n"),
            ],
        ),
        (
            "40",
            "model-group",
            replaced(
                " && p.group in r.groups",
                &["", " && (p.group in r.groups || p.cmd == \"*\")", " && (p.group in r.groups)"],
            ),
        ),
        ("41", "model-g", replaced("g = _, _", &["g = _", "g = _, _, _"])),
        ("42", "model-g", replaced("g = _, _", &["g = _, _, _, _", "g = _,_", "g ="])),
        (
            "43",
            "model-function",
            also(&[
                "r.who != \"p.admin\"",
                "r.who != 'p.admin'",
                "r.cmd != \"**\"",
                "r.cmd != \"\"",
                "r.cmd != `x`",
            ]),
        ),
        ("44", "model-section", ["", "\n", "# nothing\n", "\n\n\n"].map(str::to_owned).to_vec()),
        (
            "45",
            "model-function",
            replaced("cmdMatch", &["keyMatch", "keyGet", "keyMatch3", "keyMatch4", "keyMatch5"]),
        ),
        ("46", "model-function", also(&["ipMatch(r.place, p.place)"])),
        ("47", "model-function", replaced("cmdMatch", &["regexMatch", "keyMatch2", "globMatch"])),
        (
            "48",
            "model-function",
            also(&["regexMatch(r.cmd, p.cmd)", "r.cmd.contains(p.cmd)", "p.cmd.starts_with(\"*\")"]),
        ),
        ("52", "model-twice", replaced("e = some", &["e2 = some(where (p.eft == allow))\ne = some"])),
        ("52", "model-twice", replaced("p = group", &["p2 = group, place, cmd, act, when, eft\np = group"])),
        (
            "52",
            "model-effect",
            replaced(EFFECT, &["e = some(where (p2.eft == allow)) && !some(where (p2.eft == deny))"]),
        ),
        ("53", "model-twice", replaced("g = _, _", &["g = _, _\ng2 = _, _", "g2 = _, _\ng = _, _"])),
        (
            "53",
            "model-function",
            replaced(
                "p.group in r.groups",
                &["g(r.who, p.group)", "g2(r.who, p.group)", "p.group in r.groups && g(r.who, p.group)"],
            ),
        ),
        (
            "54",
            "model-function",
            also(&[
                "eval(p.when)",
                "p.when.eval()",
                "{ loop {} }",
                "(|| true).call()",
                "if true { true }",
                "r.act == p.act; true",
            ]),
        ),
        (
            "55",
            "model-function",
            also(&[
                "r.groups != p.group",
                "r.ctx != p.when",
                "r.cmd != p.group",
                "r.act == r.act",
                "r.who == p.group",
            ]),
        ),
        ("a way round the whole chain", "model-or", vec![matcher(|m| format!("{m} || r.act == p.act"))]),
        (
            "a chain too deep for the stack",
            "model-function",
            also(&[&deep, "p.act == r.act && ".repeat(5_000).trim_end_matches(" && ")]),
        ),
        (
            "signs that cannot be seen",
            "hidden-char",
            vec![
                format!("\u{feff}{MODEL}"),
                MODEL.replace("p.act ==", "p.act\u{a0}=="),
                MODEL.replace('\n', "\r"),
            ],
        ),
        (
            "cut off",
            "no-final-newline",
            vec![MODEL.trim_end().to_owned(), MODEL[..MODEL.len() - 40].to_owned()],
        ),
    ]
}

#[tokio::test]
async fn traps_26_to_44_every_bad_edit_of_the_model_is_refused_with_the_pin_and_without() {
    for (trap, code, models) in traps() {
        for model in models {
            assert_ne!(model, MODEL, "{trap} edits nothing");
            let text = ["hidden-char", "no-final-newline"].contains(&code);
            assert_refused(trap, false, "model.conf", &model, if text { code } else { "model-pinned" }).await;
            assert_refused(trap, true, "model.conf", &model, code).await;
            let mut allowing = World::with(NO_DENY, &model, LOCK);
            allowing.options.own_model = true;
            assert_finding(trap, &allowing.check(), "model.conf", code, &model);
        }
    }
}

#[test]
fn a_pinned_model_names_the_line_that_differs() {
    let findings = World::with(BASE, &MODEL.replace("g = _, _", "g = _"), LOCK).check();
    let found = findings.findings.iter().map(|found| (found.code, found.line)).collect::<Vec<_>>();
    let line = MODEL.lines().position(|line| line == "g = _, _").unwrap() + 1;
    assert_eq!(found, [("model-pinned", line)]);
}

#[tokio::test]
async fn comments_and_blanks_do_not_unpin_the_model_and_a_model_of_one_s_own_can_be_used() {
    let spaced = format!("# ours\n\n{}", MODEL.replace(" && ", "  && "));
    assert_unchanged(&*World::with(BASE, &spaced, LOCK).gate().await);
    let own = also(&["r.act != \"*\"", "(p.place == r.place || p.place == \"*\")"]);
    for model in own {
        let mut world = World::with(BASE, &model, LOCK);
        world.options.own_model = true;
        assert_eq!(world.check().errors(), 0, "{}", world.check());
        assert_unchanged(&*world.gate().await);
    }
}
