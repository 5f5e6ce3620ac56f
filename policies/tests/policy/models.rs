//! Bad edits of model.conf: refused while the model is pinned, and refused again when the operator wants a model of their own.

use super::world::{BASE, LOCK, MODEL, World, assert_unchanged};

const MATCHER: &str = "m = cmdMatch(r.cmd, p.cmd) && (p.act == r.act || p.act == \"*\") && p.group in r.groups && placeMatch(r.place, p.place) && whenMatch(r.ctx, p.when, p.eft)";
const EFFECT: &str = "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))";

fn matcher(edit: impl Fn(&str) -> String) -> String {
    MODEL.replace(MATCHER, &edit(MATCHER))
}

#[tokio::test]
async fn every_bad_edit_of_the_model_is_refused_pinned_or_not() {
    let effect = |text: &str| MODEL.replace(EFFECT, text);
    let no_deny = "p, Engineering, *, deploy.*, run, *, allow\n";
    let cases: Vec<(u32, String, &str)> = vec![
        (26, effect("e = some(where (p.eft == allow))&&!some(where (p.eft == deny))"), BASE),
        (27, effect("e = subjectPriority(p.eft) || deny"), BASE),
        (28, effect("e = some(where (p.eft == allow))"), BASE),
        (29, effect("e = priority(p.eft) || deny"), BASE),
        (30, MODEL.replace("[policy_effect]", ""), BASE),
        (31, MODEL.replace("[matchers]", "[Matchers]"), BASE),
        (
            32,
            MODEL
                .replace("when, eft\n", "when, effect\n")
                .replace("p.eft)", "p.effect)")
                .replace(&EFFECT.replace("p.eft)", "p.effect)"), EFFECT),
            BASE,
        ),
        (33, matcher(|m| m.replace("r.cmd", "r.cdm")), BASE),
        (34, matcher(|m| m.replace("r.act", "r.acct")), BASE),
        (35, matcher(|m| m.replace("p.act == r.act", "p.act = r.act")), BASE),
        (36, matcher(|m| m.replace("(p.act == r.act || p.act == \"*\")", "r.act")), BASE),
        (37, matcher(|m| m.replace("m = ", "m = r.act != \"#ops\" && ")), BASE),
        (38, matcher(|m| m.replace("r.groups &&", "r.groups # &&")), BASE),
        (39, format!("{MODEL}m = true\n"), no_deny),
        (40, matcher(|m| m.replace(" && p.group in r.groups", "")), no_deny),
        (41, MODEL.replace("g = _, _", "g = _"), BASE),
        (42, MODEL.replace("g = _, _", "g = _, _, _, _"), BASE),
        (43, matcher(|m| m.replace("m = ", "m = r.who != \"p.admin\" && ")), BASE),
        (44, String::new(), BASE),
        (45, matcher(|m| m.replace("cmdMatch", "keyMatch")), BASE),
        (46, matcher(|m| m.replace("placeMatch", "ipMatch")), BASE),
        (47, matcher(|m| m.replace("cmdMatch", "regexMatch")), BASE),
        (48, matcher(|m| m.replace("cmdMatch", "keyMatch2")), BASE),
        (52, MODEL.replace("e = some", "e2 = some(where (p.eft == allow))\ne = some"), BASE),
        (53, MODEL.replace("g = _, _", "g = _, _\ng2 = _, _"), BASE),
        (54, matcher(|m| m.replace("m = ", "m = eval(p.when) && ")), BASE),
        (101, matcher(|m| format!("{m} || r.who == p.group")), BASE),
        (102, matcher(|m| m.replace("p.group in r.groups", "g(r.who, p.group)")), BASE),
    ];
    for (number, model, policy) in cases {
        assert_ne!(model, MODEL, "{number} edits nothing");
        for own in [false, true] {
            let world = World::new(policy);
            let handle = world.load().await;
            let before = handle.status().version;
            let mut edited = World::with(policy, &model, LOCK);
            edited.options.own_model = own;
            let findings = edited.check();
            assert!(findings.refuse(), "{number}, own model {own}: it loads");
            assert!(edited.load().await.gate().is_none(), "{number}, own model {own}: it is in force");
            world.write("model.conf", &model);
            handle.reload().await;
            assert_eq!(handle.status().version, before, "{number}: the version does not move");
            if policy == BASE {
                assert_unchanged(&handle.gate().unwrap());
            }
        }
    }
}

#[tokio::test]
async fn comments_and_blanks_do_not_unpin_the_model_and_a_model_of_one_s_own_can_be_used() {
    let spaced = format!("# ours\n\n{}", MODEL.replace(" && ", "  && "));
    assert_unchanged(&*World::with(BASE, &spaced, LOCK).gate().await);
    let mut own = World::with(BASE, &matcher(|m| m.replace("m = ", "m = r.act != \"*\" && ")), LOCK);
    own.options.own_model = true;
    assert_eq!(own.check().errors(), 0, "{}", own.check());
    assert_unchanged(&*own.gate().await);
}
