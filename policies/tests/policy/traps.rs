//! What every trap has to show: a clear refusal, and the last good policy still deciding. The numbers are those of the list of
//! traps, and so that each can be found they stand in the tests' tables or names.
//!
//! 1–25 `edits` (edits of policy.csv), 26–44 `models` (edits of model.conf), 45–57 `surprises` (what casbin's functions do,
//! meanings that surprise) and `requests`, 58–63 `stale` (state that is stale or half loaded), 65–66 `force`, 67 `locks`.

use adjutant_policies::{Findings, Severity};

use super::world::{World, assert_unchanged};

/// An edit of one file of the base: refused with this code, at a place, by `check` and when it is put in force.
pub async fn assert_refused(trap: &str, own_model: bool, file: &str, content: impl AsRef<[u8]>, code: &str) {
    let content = content.as_ref();
    let mut world = World::base();
    world.options.own_model = own_model;
    let policy = world.load().await;
    let version = policy.status().version;
    assert!(version.is_some(), "{trap}: the base is good");
    world.write(file, content);
    let shown = String::from_utf8_lossy(content);
    assert_finding(trap, &world.check(), file, code, &shown);
    policy.reload().await;
    let status = policy.status();
    assert_eq!(status.version, version, "{trap}: the version does not move: {shown}");
    let problem = status.problem.unwrap_or_else(|| panic!("{trap}: it is in force: {shown}"));
    assert!(problem.contains(code), "{trap}: {problem}: {shown}");
    assert_unchanged(&policy.gate().unwrap());
    assert!(world.load().await.gate().is_none(), "{trap}: it loads where nothing was before: {shown}");
}

/// A finding with this code, in this file, at a line and column; only what concerns a file as a whole has none.
pub fn assert_finding(trap: &str, findings: &Findings, file: &str, code: &str, shown: &str) {
    let errors = || findings.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let finding = errors()
        .find(|finding| finding.code == code)
        .unwrap_or_else(|| panic!("{trap}: wanted {code}, found {findings}\n{shown}"));
    assert_eq!(finding.file, file, "{trap}: {finding}");
    let whole = ["empty-policy", "model-engine", "canary"].contains(&code);
    assert!(whole || finding.line > 0 && finding.column > 0, "{trap}: no place: {finding}");
    assert!(finding.line <= shown.split(['\n', '\r']).count(), "{trap}: {finding}");
    assert!(
        finding.message.len() > 10 && !finding.message.chars().any(char::is_control),
        "{trap}: {finding}"
    );
}
