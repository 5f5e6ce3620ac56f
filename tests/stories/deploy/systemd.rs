//! `deploy/systemd/`: units that systemd takes, that are confined, and whose settings the program takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::settings;

const ROLES: [&str; 5] = ["worker", "gateway-slack", "gateway-discord", "api", "bus-setup"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd")
}

/// A unit: what it says, in order.
struct Unit {
    name: String,
    lines: Vec<(String, String)>,
}

impl Unit {
    fn read(name: &str) -> Self {
        let path = folder().join(name);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let said = text.lines().filter(|line| !line.starts_with(['#', '[']) && !line.is_empty());
        let lines = said.map(|line| {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{name}: {line}"));
            (key.to_owned(), value.to_owned())
        });
        Self { name: name.to_owned(), lines: lines.collect() }
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn one<'a>(&'a self, key: &'a str) -> &'a str {
        let values: Vec<&str> = self.all(key).collect();
        let [value] = values.as_slice() else {
            panic!("{}: {key} is there {} times", self.name, values.len())
        };
        value
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let pair = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.all("Environment").map(|text| pair(text).unwrap()).collect()
    }

    /// The name of each credential, and the file that it comes from.
    fn credentials(&self) -> BTreeMap<String, String> {
        let pair = |text: &str| text.split_once(':').map(|(name, file)| (name.to_owned(), file.to_owned()));
        self.all("LoadCredential").map(|text| pair(text).unwrap()).collect()
    }

    fn args(&self) -> Vec<String> {
        let line = self.one("ExecStart").strip_prefix("/usr/local/bin/adjutant ").expect("the program");
        line.split(' ').map(str::to_owned).collect()
    }
}

fn units() -> Vec<Unit> {
    ROLES.iter().map(|role| Unit::read(&format!("adjutant-{role}.service"))).collect()
}

#[test]
fn every_file_is_one_of_these() {
    let there =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let known: BTreeSet<String> = ROLES
        .iter()
        .map(|role| format!("adjutant-{role}.service"))
        .chain(["README.md", "adjutant.target"].map(str::to_owned))
        .collect();
    assert_eq!(there.collect::<BTreeSet<_>>(), known);
}

#[test]
fn the_program_takes_the_variables_and_arguments_of_every_unit() {
    let mut found = Vec::new();
    for unit in units() {
        let environment = unit.environment();
        found.extend(settings::misfits(environment.keys().map(String::as_str)));
        found.extend(settings::refused_arguments(&unit.args()));
        let credentials = tempfile::tempdir().unwrap();
        for name in unit.credentials().keys() {
            std::fs::write(
                credentials.path().join(name),
                "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
            )
            .unwrap();
        }
        let specifiers = |value: &String| {
            value
                .replace("%d", credentials.path().to_str().unwrap())
                .replace("%S", "/var/lib")
                .replace("%H", "host")
        };
        let environment = environment.iter().map(|(name, value)| (name.clone(), specifiers(value))).collect();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/adjutant.example.toml");
        found.extend(
            settings::refused_settings(Some(&example), &environment)
                .map(|told| format!("{}: {told}", unit.name)),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each secret is a credential of the unit alone, and each credential is used.
#[test]
fn secrets_are_credentials() {
    let mut files = BTreeMap::new();
    for unit in units() {
        let environment = unit.environment();
        let named: BTreeSet<&str> =
            environment.values().filter_map(|value| value.strip_prefix("%d/")).collect();
        let credentials = unit.credentials();
        assert_eq!(named, credentials.keys().map(String::as_str).collect(), "{}", unit.name);
        for (name, value) in environment.iter().filter(|(name, _)| name.ends_with("_FILE")) {
            assert!(value.starts_with("%d/"), "{}: {name} is {value}", unit.name);
        }
        let user = &environment["ADJUTANT_BUS__USER"];
        assert_eq!(
            credentials["bus-password"],
            format!("/etc/adjutant/credentials/bus-{user}"),
            "{}",
            unit.name
        );
        for file in credentials.into_values() {
            let other = files.insert(file.clone(), unit.name.clone());
            assert!(other.is_none(), "{file} is given to {} and to {other:?}", unit.name);
        }
    }
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for file in files.keys() {
        let name = file.rsplit('/').next().unwrap();
        assert!(page.contains(&format!("`{name}`")), "README.md does not name {name}");
    }
}

#[test]
fn units_have_time_to_stop_start_again_and_belong_to_the_target() {
    let mut ports = BTreeSet::new();
    for unit in units() {
        let name = &unit.name;
        for (variable, address) in unit.environment() {
            if variable.ends_with("LISTEN") {
                assert!(address.starts_with("127.0.0.1:"), "{name}: {address} is open to all");
                assert!(ports.insert(address.clone()), "{name}: {address} is taken");
            }
        }
        assert_eq!(unit.one("DynamicUser"), "yes", "{name}");
        if unit.one("Type") == "oneshot" {
            continue;
        }
        let stop: u64 = unit.one("TimeoutStopSec").parse().unwrap();
        let needed = settings::longest_stop(&unit.args(), &BTreeMap::new());
        assert!(stop > needed, "{name}: has {stop} s to stop, and needs more than {needed}");
        let said =
            ["Type", "KillSignal", "KillMode", "Restart", "PartOf", "WantedBy", "StartLimitIntervalSec"];
        let values: Vec<&str> = said.iter().map(|key| unit.one(key)).collect();
        let wanted = ["exec", "SIGTERM", "mixed", "always", "adjutant.target", "adjutant.target", "0"];
        assert_eq!(values, wanted, "{name}");
        assert!(unit.one("After").ends_with("adjutant-bus-setup.service"), "{name}");
    }
}

#[cfg(target_os = "linux")]
mod analyzed {
    use std::process::{Command, Output};

    use super::*;

    /// The exposure that a unit may have, in tenths: systemd calls less than two "OK", and eight and more "unsafe".
    const EXPOSURE: &str = "15";

    fn analyze(dir: &Path, args: &[&str]) -> Output {
        let mut command = Command::new("systemd-analyze");
        command.args(args).current_dir(dir).env("SYSTEMD_UNIT_PATH", format!("{}:", dir.display()));
        command.output().expect("systemd-analyze: run ./dev setup")
    }

    /// The units, with the program where it is now.
    fn lay(change: impl Fn(&str) -> String) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let names = ROLES.iter().map(|role| format!("adjutant-{role}.service"));
        for name in names.chain(["adjutant.target".to_owned()]) {
            let text = std::fs::read_to_string(folder().join(&name)).unwrap();
            let text = change(&text).replace("/usr/local/bin/adjutant", env!("CARGO_BIN_EXE_adjutant"));
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    /// What systemd has to say of our units.
    fn remarks(dir: &Path) -> Vec<String> {
        let names: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
            .collect();
        let args: Vec<&str> =
            ["verify", "--man=no"].into_iter().chain(names.iter().map(String::as_str)).collect();
        let output = analyze(dir, &args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || said.contains("adjutant"), "{said}");
        said.lines().filter(|line| line.contains("adjutant")).map(str::to_owned).collect()
    }

    #[test]
    fn systemd_takes_the_units_and_no_spoiled_ones() {
        assert_eq!(remarks(lay(str::to_owned).path()), Vec::<String>::new());
        let spoiled = |from: &'static str, to: &'static str| {
            let found = remarks(lay(|text| text.replace(from, to)).path());
            assert!(!found.is_empty(), "{to}");
        };
        spoiled("KillMode=mixed", "KillMode=gentle");
        spoiled("ProtectSystem=", "ProtectSytem=");
        spoiled("ExecStart=/usr/local/bin/adjutant", "ExecStart=/usr/local/bin/nowhere");
    }

    #[test]
    fn units_are_confined() {
        let exposed = |dir: &Path, role: &str| {
            let (threshold, unit) = (format!("--threshold={EXPOSURE}"), format!("adjutant-{role}.service"));
            let path = dir.join(unit);
            let output = analyze(dir, &["security", "--offline=true", &threshold, path.to_str().unwrap()]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.contains("Overall exposure level"), "{said}");
            !output.status.success()
        };
        let (good, open) = (lay(str::to_owned), lay(|text| text.replace("CapabilityBoundingSet=\n", "")));
        for role in ROLES {
            assert!(!exposed(good.path(), role), "{role} is more exposed than {EXPOSURE}");
            assert!(exposed(open.path(), role), "{role} with all capabilities is more exposed");
        }
    }
}
