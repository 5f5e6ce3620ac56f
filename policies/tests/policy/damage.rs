//! Files that were damaged rather than edited: cut off, with a sign too many or too few, or nonsense of any size.

use adjutant_policies::Severity;

use super::{
    traps::assert_finding,
    world::{BASE, LOCK, MODEL, World, assert_unchanged, assert_widens_nothing},
};

#[tokio::test]
async fn trap_24_a_file_cut_off_anywhere_is_refused_by_its_form_or_by_its_own_tests() {
    let rows = format!("# the base\n{BASE}p, Engineering, *, help, view, *, allow\n");
    for end in 0..rows.len() {
        let world = World::base();
        world.write("policy.csv", &rows);
        let policy = world.load().await;
        world.write("policy.csv", &rows[..end]);
        let findings = world.check();
        if rows[..end].ends_with('\n') && end > rows.find("g, ").unwrap() {
            continue; // nothing is gone but a row that allows
        }
        policy.reload().await;
        let code = if rows[..end].ends_with('\n') { "test-failed" } else { "no-final-newline" };
        if end < rows.find("p,").unwrap() + 1 {
            assert!(findings.refuse(), "{end}");
        } else {
            let file = if code == "test-failed" { "policy.test" } else { "policy.csv" };
            assert_finding("24", &findings, file, code, &rows);
        }
        assert!(policy.status().problem.is_some(), "{end}");
        assert_unchanged(&policy.gate().unwrap());
    }
}

#[tokio::test]
async fn trap_17_edits_that_mean_no_harm_load_and_change_nothing() {
    for policy in [
        BASE.replace('\n', "\r\n"),
        format!("# a comment, \"quoted\" # twice ⚠️\n\n{BASE}"),
        BASE.replace(", ", ","),
        BASE.replace(", ", "  ,   "),
        format!("{BASE}{BASE}"),
    ] {
        let world = World::new(policy);
        assert_eq!(world.check().errors(), 0, "{}", world.check());
        assert_unchanged(&*world.gate().await);
    }
    let world =
        World::with(BASE.replace('\n', "\r\n"), &MODEL.replace('\n', "\r\n"), &LOCK.replace('\n', "\r\n"));
    assert_unchanged(&*world.gate().await);
}

#[tokio::test]
async fn any_one_sign_of_the_policy_lost_doubled_or_replaced_opens_nothing() {
    let world = World::base();
    let mut loaded = 0;
    for (at, by) in (0..BASE.len()).flat_map(|at| ["", "x", "*", ",", " ", "\n", "#", "."].map(|by| (at, by)))
    {
        for end in [at, at + 1] {
            let edited = format!("{}{by}{}", &BASE[..at], &BASE[end..]);
            world.write("policy.csv", &edited);
            if !world.check().refuse() {
                assert_widens_nothing(&*world.gate().await, &edited);
                loaded += 1;
            }
        }
    }
    assert!(loaded > 100, "some are harmless: {loaded}");
}

#[test]
fn nonsense_of_any_size_is_refused_soon_and_in_a_list_that_can_be_read() {
    let most = 256 * 1024;
    let fill = |line: &str| line.repeat(most / line.len());
    let star: String =
        (0..5_000).map(|n| format!("g, Temps{n}, Contractors\ng, Contractors, Top{n}\n")).collect();
    for policy in [
        fill("\u{1}"),
        fill("a\n"),
        fill("p,"),
        fill("p,x,y,z,run,*,deny\n"),
        fill("g,Temps,Contractors\n"),
        star,
    ] {
        let findings = World::new(format!("{policy}\n")).check();
        assert!(findings.refuse() && findings.findings.len() <= 2_002, "{}", findings.findings.len());
        let warnings =
            findings.findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
        assert!(warnings < findings.findings.len());
    }
}
