//! Traps 58–63: state that is stale or half loaded. Policy is never loaded into something that already decides, no decision is
//! kept, and what casbin offers for both is called nowhere.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use adjutant_bus::spec::Action;
use adjutant_policies::{Ask, Gate};

use super::{
    traps::assert_refused,
    world::{BASE, LOCK, MODEL, PLACE, TESTS, World, assert_unchanged, context, decide, member},
};

#[tokio::test]
async fn trap_58_a_bad_row_midway_leaves_no_part_of_the_rows_and_links_behind() {
    // Mallory's own group is allowed, and only the link to the denied group holds her: half of the links would let her in.
    let direct = format!("{BASE}p, Temps, *, deploy.promote, run, *, allow\n");
    let good: Vec<&str> = direct.lines().collect();
    for at in 0..=good.len() {
        for bad in [
            "p, Engineering, *, deploy.promote, run, *",
            "g, Temps",
            "x",
            "p, Nobody, *, help, view, *, allow",
        ] {
            let mut rows = good.clone();
            rows.insert(at, bad);
            let code = match bad {
                "x" => "row-kind",
                bad if bad.contains("Nobody") => "unknown-group",
                _ => "field-count",
            };
            assert_refused("58", false, "policy.csv", format!("{}\n", rows.join("\n")), code).await;
        }
    }
    let world = World::new(&direct);
    assert_unchanged(&*world.gate().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_59_an_editor_that_takes_the_file_away_and_puts_it_back_refuses_nobody() {
    let world = World::base();
    let policy = world.load().await;
    let version = policy.status().version;
    let done = Arc::new(AtomicBool::new(false));
    let (folder, until) = (world.path().to_owned(), done.clone());
    let editor = tokio::task::spawn_blocking(move || {
        let (file, aside) = (folder.join("policy.csv"), folder.join("policy.csv~"));
        while !until.load(Ordering::Relaxed) {
            std::fs::rename(&file, &aside).unwrap();
            std::fs::write(&file, "").unwrap();
            std::fs::rename(&aside, &file).unwrap();
        }
    });
    for _ in 0..300 {
        policy.reload().await;
        assert_unchanged(&policy.gate().unwrap());
        assert_eq!(policy.status().version, version);
    }
    done.store(true, Ordering::Relaxed);
    editor.await.unwrap();
    policy.reload().await;
    assert_eq!((policy.status().version, policy.status().problem), (version, None));
}

#[tokio::test]
async fn trap_60_a_byte_of_latin_1_is_refused_by_line_and_column_in_every_file() {
    for (file, text) in
        [("policy.csv", BASE), ("policy.lock", LOCK), ("model.conf", MODEL), ("policy.test", TESTS)]
    {
        for byte in [b"\xe9".as_slice(), b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"] {
            let bytes = [text.as_bytes(), b"# caf", byte, b"\n"].concat();
            assert_refused("60", false, file, bytes, "not-utf8").await;
        }
    }
    let world = World::new([BASE.as_bytes(), b"# caf\xe9\n"].concat());
    let found = world.check().findings.remove(0);
    assert_eq!((found.code, found.line, found.column), ("not-utf8", 4, 6));
}

#[tokio::test]
async fn trap_61_a_row_taken_back_counts_at_once_and_no_context_answers_for_another() {
    let rows = "p, Engineering, *, deploy.promote, run, env=staging, allow\n";
    let world = World::new(rows);
    let policy = world.load().await;
    let may = |gate: &Gate, env: &str| {
        let alice = member(gate, &["S0ENG"]);
        let context = context(env);
        let ask = Ask {
            caller: &alice,
            place: PLACE,
            command: "deploy.promote",
            action: Action::Run,
            context: &context,
        };
        gate.decide(&ask).authorization.allowed
    };
    for _ in 0..20 {
        let gate = policy.gate().unwrap();
        assert!(may(&gate, "staging") && !may(&gate, "production") && !may(&gate, "none"));
        world.write("policy.csv", rows.replace("staging", "production"));
        policy.reload().await;
        let gate = policy.gate().unwrap();
        assert!(!may(&gate, "staging") && may(&gate, "production"));
        world.write("policy.csv", rows.replace("deploy.promote", "help"));
        policy.reload().await;
        let gate = policy.gate().unwrap();
        assert!(!may(&gate, "staging") && !may(&gate, "production"));
        world.write("policy.csv", rows);
        policy.reload().await;
    }
    // A gate that a request holds stays as it is, whatever is put in force meanwhile.
    let held = policy.gate().unwrap();
    world.write("policy.csv", BASE);
    policy.reload().await;
    assert!(may(&held, "staging") && !may(&held, "production"));
    assert!(decide(&held, &member(&held, &["S0ENG", "S0TMP"]), "deploy.promote").authorization.allowed);
    assert_unchanged(&policy.gate().unwrap());
}

#[test]
fn traps_61_to_63_what_casbin_has_for_loading_caching_and_switching_off_is_called_nowhere() {
    let mut sources = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut read = 0;
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            sources.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for word in [
            "enable_enforce",
            "load_policy",
            "load_filtered",
            "get_filtered",
            "save_policy",
            "CachedEnforcer",
            "FileAdapter",
            "StringAdapter",
            "set_watcher",
            "set_model",
        ] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
        read += 1;
    }
    assert!(read > 10, "{read}");
}
