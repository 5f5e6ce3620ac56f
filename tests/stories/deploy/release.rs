//! Releases: the workflows as actionlint and rules of our own see them, and the scripts that they call.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn workflows() -> Vec<(PathBuf, String)> {
    let found = fs::read_dir(tree(".github/workflows")).unwrap().map(|entry| entry.unwrap().path());
    found.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn actionlint_has_nothing_against_the_workflows_and_finds_a_mistake() {
    let lint =
        |path: &Path| Command::new(tree(".tools/actionlint")).arg(path).output().expect("run ./dev setup");
    for (path, text) in workflows() {
        let found = lint(&path);
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stdout));
        let dir = tempfile::tempdir().unwrap();
        let spoiled = dir.path().join("spoiled.yml");
        fs::write(&spoiled, text.replace("runs-on: ubuntu-24.04", "runs-on: ${{ github.nowhere }}")).unwrap();
        assert!(!lint(&spoiled).status.success(), "{}", path.display());
    }
}

#[test]
fn workflows_are_pinned_and_may_no_more_than_they_need() {
    for (path, text) in workflows() {
        let name = path.display();
        for line in text.lines().map(|line| line.trim().trim_start_matches("- ")) {
            let Some(action) = line.strip_prefix("uses: ") else { continue };
            if action.starts_with("./") {
                continue;
            }
            let (action, version) = action.split_once(" # v").unwrap_or_else(|| panic!("{name}: {line}"));
            let commit = action.split_once('@').unwrap().1;
            let hexadecimal = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(hexadecimal && version.contains('.'), "{name}: {line}");
        }
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{name}");
        assert!(workflow["concurrency"]["group"].is_string(), "{name}");
        for (id, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["permissions"].is_object(), "{name}: {id}");
            let may_write = job["permissions"].as_object().unwrap().values().any(|right| right == "write");
            assert!(!may_write || ["image", "publish"].contains(&id.as_str()), "{name}: {id}");
            assert!(job.get("uses").is_some() || job["timeout-minutes"].is_u64(), "{name}: {id}");
            for step in job["steps"].as_array().into_iter().flatten() {
                let run = step["run"].as_str().unwrap_or_default();
                assert!(!run.contains("${{"), "{name}: {id}: a value stands in a script: {run}");
                if step["uses"].as_str().is_some_and(|action| action.starts_with("actions/checkout@")) {
                    assert_eq!(step["with"]["persist-credentials"], false, "{name}: {id}");
                }
            }
        }
    }
}

fn check(tag: &str, folder: &Path) -> Output {
    Command::new(tree("deploy/release/check")).arg(tag).arg(folder).output().unwrap()
}

#[test]
fn a_release_is_made_only_where_tag_version_and_change_log_agree() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(tree(file), dir.path().join(file)).unwrap();
    }
    let version = env!("CARGO_PKG_VERSION");
    let log = |heading: &str| {
        let text = format!("# Changelog\n\n## {heading}\n\n- new\n\n## 0.0.1\n");
        fs::write(dir.path().join("CHANGELOG.md"), text).unwrap();
    };
    log(version);
    let good = check(&format!("v{version}"), dir.path());
    assert!(good.status.success(), "{good:?}");
    assert_eq!(String::from_utf8(good.stdout).unwrap(), format!("{version}\n"));
    for tag in ["v9.9.9", version, "v1", ""] {
        assert_eq!(check(tag, dir.path()).status.code(), Some(1), "{tag}");
    }
    log("Unreleased");
    assert_eq!(check(&format!("v{version}"), dir.path()).status.code(), Some(1));
}

#[test]
fn an_archive_has_program_licence_and_docs_and_is_the_same_each_time() {
    let pack = |folder: &Path| {
        let status = Command::new(tree("deploy/release/pack"))
            .args([env!("CARGO_BIN_EXE_adjutant"), "adjutant-test"])
            .arg(folder)
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .status()
            .unwrap();
        assert!(status.success());
        folder.join("adjutant-test.tar.gz")
    };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (archive, again) = (pack(one.path()), pack(two.path()));
    assert!(fs::read(&archive).unwrap() == fs::read(again).unwrap(), "two archives differ");
    let unpacked = Command::new("tar").arg("-xzf").arg(&archive).current_dir(one.path()).status().unwrap();
    assert!(unpacked.success());
    let root = one.path().join("adjutant-test");
    for file in ["LICENSE", "README.md", "CHANGELOG.md", "docs/operations.md", "deploy/adjutant.example.toml"]
    {
        assert!(root.join(file).is_file(), "{file}");
    }
    let version = Command::new(root.join("adjutant")).arg("--version").output().unwrap();
    assert!(version.status.success());
}
