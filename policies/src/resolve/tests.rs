//! The ways to cheat with names, each refused, and what the table says.

use adjutant_bus::{
    actor::{GroupId, Platform, Tenant},
    directory::Listed,
};

use super::*;

const ROWS: &str = "\
p, everyone,    *, help,           view, *,              allow
p, Engineering, *, deploy.promote, run,  env=production, allow
p, Engineering, *, deploy.list,    view, *,              allow
p, Product,     *, deploy.list,    view, *,              allow
";
const LOCK: &str = "\
# id, policy name, name when locked (rest of the line)

slack:T0ACME/S0ENG, Engineering, Engineering
# Product is small.
slack:T0ACME/S0PRD, Product,     Product
";

fn vocabulary() -> Vocabulary {
    Vocabulary {
        commands: ["help", "deploy.promote", "deploy.list"].map(str::to_owned).into(),
        context: BTreeMap::from([("env".to_owned(), vec!["none".to_owned(), "production".to_owned()])]),
        binds: BTreeMap::new(),
        trusted_homes: ["slack:T0ACME", "discord:9001", "console:local"].map(str::to_owned).to_vec(),
    }
}

fn listing(platform: Platform, tenant: &str, groups: &[(&str, &str, Option<&str>)]) -> Listing {
    let tenant = Tenant::new(tenant);
    let group = |(id, name, problem): &(&str, &str, Option<&str>)| Listed {
        id: GroupId::new(platform, &tenant, id),
        name: (*name).to_owned(),
        problem: problem.map(str::to_owned),
        members: None,
        keepers: None,
    };
    let groups = groups.iter().map(group).collect();
    Listing { platform, tenant, name: String::new(), groups, untold: Vec::new() }
}

fn slack(groups: &[(&str, &str, Option<&str>)]) -> Listing {
    listing(Platform::Slack, "T0ACME", groups)
}

fn discord(groups: &[(&str, &str, Option<&str>)]) -> Listing {
    listing(Platform::Discord, "9001", groups)
}

const GOOD: [(&str, &str, Option<&str>); 2] = [("S0ENG", "Engineering", None), ("S0PRD", "Product", None)];

fn files(rows: &str, lock: &str) -> Files {
    Files { policy: rows.as_bytes().to_vec(), lock: lock.as_bytes().to_vec(), ..Files::shipped() }
}

fn resolved(rows: &str, lock: &str, listings: Vec<Listing>, approved: &[&str]) -> Resolution {
    let told = Told { listings, unasked: BTreeMap::new() };
    let approved = approved.iter().map(|name| (*name).to_owned()).collect();
    resolve(&files(rows, lock), &vocabulary(), &told, &approved).unwrap()
}

/// States of the ids of a name.
fn states(resolution: &Resolution, name: &str) -> Vec<State> {
    let found = resolution.names.iter().find(|resolved| resolved.name == name).unwrap();
    found.ids.iter().map(|step| step.state).collect()
}

#[test]
fn what_is_locked_and_as_it_was_stays() {
    let found = resolved(ROWS, LOCK, vec![slack(&GOOD), discord(&[("7003", "Designers", None)])], &[]);
    assert_eq!(states(&found, "Engineering"), [State::Unchanged]);
    assert!(found.lock.is_none() && !found.needs_somebody());
}

#[test]
fn a_new_id_comes_under_its_name_and_everything_else_stays_as_it_is_written() {
    let found = resolved(ROWS, LOCK, vec![slack(&GOOD), discord(&[("7001", "Engineering", None)])], &[]);
    assert_eq!(states(&found, "Engineering"), [State::Unchanged, State::New]);
    assert!(!found.needs_somebody());
    insta::assert_snapshot!(found.lock.as_ref().unwrap(), @r"
    # id, policy name, name when locked (rest of the line)

    slack:T0ACME/S0ENG, Engineering, Engineering
    discord:9001/7001,  Engineering, Engineering
    # Product is small.
    slack:T0ACME/S0PRD, Product,     Product
    ");
    let again = resolved(
        ROWS,
        found.lock.as_ref().unwrap(),
        vec![slack(&GOOD), discord(&[("7001", "Engineering", None)])],
        &[],
    );
    assert!(again.lock.is_none() && !again.needs_somebody(), "{again}");
}

#[test]
fn an_impostor_under_the_old_name_is_a_change_to_approve() {
    let listings = || {
        vec![slack(&[
            ("S0ENG", "Old engineering", None),
            ("S0FAKE", "Engineering", None),
            ("S0PRD", "Product", None),
        ])]
    };
    let found = resolved(ROWS, LOCK, listings(), &[]);
    assert_eq!(states(&found, "Engineering"), [State::Changed]);
    assert!(found.needs_somebody());
    assert_eq!(found.lock, None, "nothing of it is written");
    assert!(
        found.to_string().contains("slack:T0ACME/S0ENG -> slack:T0ACME/S0FAKE   CHANGED: another group bears the name now. Approve or rename."),
        "{found}"
    );
    // To approve another name does not approve this one, and is an error of its own.
    let other = resolved(ROWS, LOCK, listings(), &["Product"]);
    assert_eq!((states(&other, "Engineering"), other.lock.clone()), (vec![State::Changed], None));
    assert!(other.problems[0].contains("nothing to approve"), "{other}");
    let approved = resolved(ROWS, LOCK, listings(), &["Engineering"]);
    assert_eq!(states(&approved, "Engineering"), [State::Approved]);
    let lock = approved.lock.unwrap();
    assert_eq!(lock, LOCK.replace("S0ENG, Engineering, Eng", "S0FAKE, Engineering, Eng"));
}

#[test]
fn a_second_group_of_the_name_means_nothing_once_one_is_locked() {
    let groups = [GOOD[0], GOOD[1], ("S0FAKE", "Engineering", None)];
    let found = resolved(ROWS, LOCK, vec![slack(&groups)], &["Engineering"]);
    assert_eq!(states(&found, "Engineering"), [State::Unchanged]);
    assert_eq!(found.lock, None);
    assert!(found.to_string().contains("slack:T0ACME/S0FAKE has the same name and means nothing"), "{found}");
}

#[test]
fn two_groups_of_a_name_are_not_chosen_between() {
    let two = vec![discord(&[("7003", "Engineering", None), ("7009", "Engineering", None)])];
    let found = resolved(ROWS, "", two.clone(), &["Engineering"]);
    assert_eq!(states(&found, "Engineering"), [State::Ambiguous]);
    assert_eq!(found.lock, None);
    assert!(
        found.to_string().contains(
            "ERROR: two groups of that name in discord:9001 (7003, 7009). Put the right id into policy.lock."
        ),
        "{found}"
    );
    // The cure that is told works.
    let cured = resolved(ROWS, "discord:9001/7009, Engineering, Engineering\n", two, &[]);
    assert_eq!(states(&cured, "Engineering"), [State::Unchanged]);
    // The locked one gone, two heirs: nobody guesses.
    let heirs = vec![slack(&[("S1", "Engineering", None), ("S2", "Engineering", None), GOOD[1]])];
    assert_eq!(states(&resolved(ROWS, LOCK, heirs, &["Engineering"]), "Engineering"), [State::Ambiguous]);
}

#[test]
fn a_group_that_may_not_be_locked_is_refused_with_the_reason() {
    for why in
        ["it is disabled", "it belongs to another organization", "members get it by boosting the server"]
    {
        let found =
            resolved(ROWS, "", vec![discord(&[("7001", "Engineering", Some(why))])], &["Engineering"]);
        assert_eq!(
            (states(&found, "Engineering"), found.lock.clone()),
            (vec![State::Refused], None),
            "{why}"
        );
        assert!(found.to_string().contains(&format!("ERROR: it cannot be used: {why}.")), "{found}");
        // One that was locked and has become so since.
        let later = resolved(ROWS, LOCK, vec![slack(&[("S0ENG", "Engineering", Some(why)), GOOD[1]])], &[]);
        assert_eq!(
            (states(&later, "Engineering"), later.needs_somebody()),
            (vec![State::Refused], true),
            "{why}"
        );
    }
    let beside = vec![slack(&GOOD), discord(&[("7001", "Engineering", Some("it belongs to a bot"))])];
    let found = resolved(ROWS, LOCK, beside, &[]);
    assert_eq!(states(&found, "Engineering"), [State::Unchanged, State::Skipped]);
    assert!(!found.needs_somebody() && found.lock.is_none());
}

#[test]
fn lookalikes_are_never_taken_and_only_pointed_at() {
    for name in ["engineering", "Еngineering", "Ｅngineering", "Engineering\u{200B}", "Engineering "] {
        let found = resolved(ROWS, "", vec![slack(&[("S1", name, None)])], &["Engineering"]);
        assert_eq!(
            (states(&found, "Engineering"), found.lock.clone()),
            (vec![State::Missing], None),
            "{name:?}"
        );
        assert!(found.to_string().contains("slack:T0ACME/S1 looks alike"), "{found}");
        assert!(!found.to_string().contains('\u{200B}'), "what cannot be seen is spelled out");
    }
    let typo = resolved(ROWS, "", vec![slack(&[("S1", "Enginering", None)])], &[]);
    assert!(typo.to_string().contains("did you mean `Enginering`?"), "{typo}");
}

#[test]
fn ids_and_reserved_words_are_no_names() {
    let rows = ROWS.replace("Product", "a/b")
        + "p, svc:keds, *, help, view, *, allow\np, anyone, *, help, view, *, allow\n";
    let groups = [
        ("S1", "a/b", None),
        ("S2", "svc:keds", None),
        ("S3", "anyone", None),
        ("S4", "everyone", None),
        GOOD[0],
    ];
    let found = resolved(&rows, "slack:T0ACME/S0ENG, Engineering, Engineering\n", vec![slack(&groups)], &[]);
    for (name, why) in
        [("a/b", "belong to ids"), ("svc:keds", "stands for itself"), ("anyone", "did you mean `everyone`?")]
    {
        assert_eq!(states(&found, name), [State::Refused], "{name}");
        assert!(found.to_string().contains(why), "{found}");
    }
    assert!(!found.names.iter().any(|resolved| resolved.name == "everyone"));
    assert_eq!(found.lock, None);
}

#[test]
fn lines_that_mean_nothing_are_refused_and_nothing_is_taken_in_their_place() {
    let table = [
        ("discord:6666/7001, Engineering, Engineering", "not among the trusted homes"),
        ("discord:9001/9001, Engineering, @everyone", "every member has"),
        ("slack:T0ACME/S0ENG, everyone, Engineering", "reserved"),
        ("slack:T0ACME, Engineering, Engineering", "is no id"),
        ("slack:T0ACME/S0ENG, a:b, Engineering", "belong to ids"),
    ];
    for (line, why) in table {
        let found = resolved(ROWS, &format!("{line}\n"), vec![slack(&[])], &["Engineering"]);
        let all = found.to_string();
        assert!(found.count(&[State::Refused]) == 1 && all.contains(why), "{line}: {all}");
        assert_eq!(found.lock, None, "{line}");
    }
}

#[test]
fn a_group_stands_for_one_name_only() {
    let lock = "slack:T0ACME/S0ENG, Product, Engineering\n";
    let found = resolved(ROWS, lock, vec![slack(&GOOD)], &[]);
    assert_eq!(states(&found, "Product"), [State::Unchanged], "locked by hand under another name");
    assert_eq!(states(&found, "Engineering"), [State::Refused]);
    assert!(found.to_string().contains("it stands for `Product` already"), "{found}");
}

#[test]
fn gone_and_renamed_groups_are_told_apart() {
    let found = resolved(ROWS, LOCK, vec![slack(&[("S0ENG", "Eng, all of it", None)])], &[]);
    assert_eq!(
        (states(&found, "Engineering"), states(&found, "Product")),
        (vec![State::Renamed], vec![State::Gone])
    );
    assert_eq!(found.lock.unwrap(), LOCK.replace("Engineering, Engineering", "Engineering, Eng, all of it"));
    let hidden = resolved(ROWS, LOCK, vec![slack(&[("S0ENG", "Eng\nx, y, z", None), GOOD[1]])], &[]);
    assert_eq!((states(&hidden, "Engineering"), hidden.lock), (vec![State::Renamed], None));
}

#[test]
fn services_the_console_and_homes_that_do_not_answer_are_left_alone() {
    let lock = "console:local/Engineering, Engineering, Engineering\nslack:T0ACME/S0PRD, Product, Product\nsvc:ci, svc:ci, ci\n";
    let unasked =
        BTreeMap::from([("slack:T0ACME".to_owned(), "Slack did not answer: no answer in time".to_owned())]);
    let told = Told { listings: Vec::new(), unasked };
    let found = resolve(&files(ROWS, lock), &vocabulary(), &told, &BTreeSet::new()).unwrap();
    assert_eq!(states(&found, "Engineering"), [State::Kept]);
    assert_eq!(states(&found, "svc:ci"), [State::Kept]);
    assert_eq!(states(&found, "Product"), [State::Unasked]);
    assert!(found.needs_somebody() && found.lock.is_none());
}

#[test]
fn files_that_cannot_be_read_for_sure_are_not_resolved() {
    for (rows, lock, code) in [
        ("p, Engineering\u{200B}, *, help, view, *, allow\n", LOCK, "hidden-char"),
        ("p, \"Engineering\", *, help, view, *, allow\n", LOCK, "quote"),
        ("p, Engineering, *, help, view, *\n", LOCK, "field-count"),
        (ROWS, "slack:T0ACME/S0ENG, Engineering, Engineering", "no-final-newline"),
    ] {
        let findings =
            resolve(&files(rows, lock), &vocabulary(), &Told::default(), &BTreeSet::new()).unwrap_err();
        assert!(findings.findings.iter().any(|finding| finding.code == code), "{findings}");
    }
}

#[test]
fn the_table_fits_a_terminal() {
    let rows =
        ROWS.to_owned() + "p, Designers, *, help, view, *, allow\np, Nobody, *, help, view, *, allow\n";
    let listings = vec![
        slack(&[("S0ENG", "Engineering", None), ("S0OLD", "Old product", None), ("S0FAKE", "Product", None)]),
        discord(&[("7001", "Engineering", None), ("7003", "Designers", None), ("7009", "Designers", None)]),
    ];
    let lock = LOCK.to_owned() + "discord:9001/7001, Engineering, Engineering\nsvc:ci, svc:ci, ci\n";
    insta::assert_snapshot!(resolved(&rows, &lock, listings, &[]));
}
