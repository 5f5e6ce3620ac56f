//! From bytes to the five files of a policy, and what must hold whatever they are: the check comes to an end without a panic, and
//! what loads refuses a stranger.
//!
//! An input is text in parts; a line `--- policy.csv` begins a part, and a file without a part is that of [`default_files`]. A line
//! `--- own-model` sets the operator's flag.

use std::{collections::BTreeMap, sync::Arc};

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    spec::Action,
};
use adjutant_policies::{Ask, Caller, Dimension, Files, Gate, Options, Policy, Vocabulary, check_files};
use jiff::Timestamp;

/// What begins a line that begins a part.
pub const MARK: &[u8] = b"--- ";
const COMMANDS: [&str; 9] = [
    "commands",
    "deploy",
    "deploy.list",
    "deploy.promote",
    "deploy.rollback",
    "deployer.wipe",
    "help",
    "notify",
    "whoami",
];
const POLICY: &str = "p, Contractors, *, deploy.promote, run, *, deny\np, Engineering, *, deploy.*, run, *, allow\ng, Temps, Contractors\n";
const LOCK: &str = "slack:T0ACME/S0ENG, Engineering, Engineering\nslack:T0ACME/S0CON, Contractors, Contractors\nslack:T0ACME/S0TMP, Temps, Temps\n";
const PLACES: [&str; 3] = ["slack:T0ACME/C0DEPLOY", "discord:9001/5001", "console:local/terminal"];

/// The words of the policies here.
#[must_use]
pub fn vocabulary() -> Vocabulary {
    let environments = ["none", "preview", "staging", "production"].map(str::to_owned).to_vec();
    Vocabulary {
        commands: COMMANDS.map(str::to_owned).into(),
        context: BTreeMap::from([("env".to_owned(), environments), ("destination".to_owned(), Vec::new())]),
        binds: BTreeMap::new(),
        trusted_homes: ["slack:T0ACME", "discord:9001", "console:local"].map(str::to_owned).to_vec(),
    }
}

/// A small policy that loads.
#[must_use]
pub fn default_files() -> Files {
    Files {
        policy: POLICY.as_bytes().to_vec(),
        lock: LOCK.as_bytes().to_vec(),
        tests: Vec::new(),
        settings: Vec::new(),
        ..Files::shipped()
    }
}

/// The files that an input stands for, and whether the operator wants a model of their own.
#[must_use]
pub fn files(input: &[u8]) -> (Files, bool) {
    let mut parts: BTreeMap<&[u8], Vec<u8>> = BTreeMap::new();
    let mut name: &[u8] = b"";
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        if let Some(begun) = line.strip_prefix(MARK) {
            name = begun.trim_ascii_end();
            parts.entry(name).or_default();
        } else {
            parts.entry(name).or_default().extend_from_slice(line);
        }
    }
    let mut files = default_files();
    let mut take = |name: &[u8], file: &mut Vec<u8>| {
        if let Some(part) = parts.remove(name) {
            *file = part;
        }
    };
    take(b"model.conf", &mut files.model);
    take(b"policy.csv", &mut files.policy);
    take(b"policy.lock", &mut files.lock);
    take(b"policy.test", &mut files.tests);
    take(b"policy.toml", &mut files.settings);
    (files, parts.contains_key(b"own-model".as_slice()))
}

/// Loads what the input stands for, both ways; panics if it does what it must not.
pub fn examine(input: &[u8]) {
    let (files, own_model) = files(input);
    let mut options = Options::new(None);
    options.own_model = own_model;
    let findings = check_files(&files, &options, &vocabulary());
    let told = findings.to_string();
    assert!(!findings.refuse() || told.contains("error"), "{told}");
    for finding in &findings.findings {
        let clean = !finding.message.chars().any(char::is_control) && finding.message.len() < 2_000;
        assert!(clean && !finding.code.is_empty() && !finding.file.is_empty(), "{finding:?}");
    }
    let loaded = put_in_force(files, options);
    match loaded {
        Ok(gate) => assert_strangers_refused(&gate, own_model),
        // A panic within is told as an error by whoever waits for it.
        Err(why) => {
            assert!(findings.refuse() && !why.contains("panicked"), "it was checked and found good: {why}")
        }
    }
}

fn put_in_force(files: Files, options: Options) -> Result<Arc<Gate>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|fault| fault.to_string())?;
    let policy = Policy::published(options, vocabulary());
    runtime.block_on(policy.candidate(files, 1)).map(|(gate, _)| Arc::new(gate))
}

fn assert_strangers_refused(gate: &Gate, own_model: bool) {
    let bot = Actor {
        platform: Platform::Slack,
        tenant: Tenant::new("T0ACME"),
        user: "B1".to_owned(),
        label: "Engineering".to_owned(),
        standing: Standing::Bot,
    };
    let strangers = [
        gate.caller(&bot, &Membership::known(Vec::new())),
        gate.caller_in("slack:T0ACME/U1", ["nobody:at-all".to_owned()]),
        gate.caller_in("", ["Engineering".to_owned()]),
    ];
    for stranger in &strangers {
        each(gate, stranger, |command, allowed, _| assert!(!allowed, "a stranger may `{command}`"));
    }
    // Who belongs somewhere may be allowed or refused; under the model that ships, never by a fault of the engine.
    for group in ["Engineering", "everyone", "external"] {
        let member = gate.caller_in("slack:T0ACME/U2", [group.to_owned()]);
        each(gate, &member, |command, allowed, engine| {
            assert!(own_model || !engine, "the engine fails for {group} on `{command}`");
            assert!(COMMANDS.contains(&command) || !allowed, "{group} may `{command}`, which is no command");
        });
    }
}

/// Asks for each command, known and unknown, in some places and contexts.
fn each(gate: &Gate, caller: &Caller, judge: impl Fn(&str, bool, bool)) {
    let production = BTreeMap::from([("env".to_owned(), "production".to_owned())]);
    let now = Timestamp::UNIX_EPOCH;
    let nothing = BTreeMap::new();
    let contexts =
        [gate.complete(&production, now, Some(true)), gate.complete(&nothing, now, None), nothing.clone()];
    for command in COMMANDS.into_iter().chain(["deploy.*", "*", ""]) {
        for (place, context) in PLACES.into_iter().zip(&contexts) {
            for action in [Action::Run, Action::View, Action::Approve] {
                let verdict = gate.decide(&Ask { caller, place, command, action, context });
                let engine = verdict.denial.is_some_and(|denial| denial.dimension == Dimension::Engine);
                judge(command, verdict.authorization.allowed, engine);
            }
        }
    }
}
