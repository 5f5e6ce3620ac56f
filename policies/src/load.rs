//! From files to rows that may be put in force: read once, every rule checked, nothing used that is not clean.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use adjutant_bus::bundle::Packed;
use sha2::{Digest, Sha256};

use crate::{
    closure::Closure,
    finding::Findings,
    lock::{self, Lock},
    model,
    rows::{self, Judge, Row, Rows},
    settings::Settings,
    text,
    vocabulary::{RESERVED, Vocabulary},
};

/// Most bytes of one file.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// Most rows unless told otherwise.
pub(crate) const MOST_ROWS: usize = 20_000;
/// How long a policy that cannot be confirmed counts for production commands, unless told otherwise.
const STALE_AFTER: Duration = Duration::from_secs(5 * 60);
/// Name of the file with the policy's own tests.
pub(crate) const TESTS: &str = "policy.test";
/// Name of the file with what rows cannot say: the time zone and its windows, whom to ask, what production is.
pub(crate) const SETTINGS: &str = "policy.toml";

/// Why files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody wants to know what is wrong.
    Check,
    /// They are to be put in force.
    Activate,
}

/// Where policy is, and how it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder; none: the policy that ships inside the program.
    pub folder: Option<PathBuf>,
    /// The operator wants another model than the shipped one, and owns the risk.
    pub own_model: bool,
    /// Most rows of a kind.
    pub most_rows: usize,
    /// How long a policy that cannot be confirmed as the current one counts for production commands.
    pub stale_after: Duration,
}

impl Options {
    /// The policy in this folder; none: the one that ships.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, own_model: false, most_rows: MOST_ROWS, stale_after: STALE_AFTER }
    }
}

/// The files as they were read, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// `model.conf`.
    pub model: Vec<u8>,
    /// `policy.csv`.
    pub policy: Vec<u8>,
    /// `policy.lock`.
    pub lock: Vec<u8>,
    /// `policy.test`; empty when there is none.
    pub tests: Vec<u8>,
    /// `policy.toml`; empty when there is none.
    pub settings: Vec<u8>,
}

impl Files {
    /// The files that ship.
    #[must_use]
    pub fn shipped() -> Self {
        Self {
            model: model::SHIPPED.as_bytes().to_vec(),
            policy: include_bytes!("../policy.csv").to_vec(),
            lock: include_bytes!("../policy.lock").to_vec(),
            tests: include_bytes!("../policy.test").to_vec(),
            settings: include_bytes!("../policy.toml").to_vec(),
        }
    }

    /// Reads a folder. `policy.test` and `policy.toml` need not be there.
    ///
    /// # Errors
    /// The name of the file that cannot be read, and why.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let optional =
            |name: &str| if folder.join(name).exists() { read(folder, name) } else { Ok(Vec::new()) };
        Ok(Self {
            model: read(folder, model::FILE)?,
            policy: read(folder, rows::FILE)?,
            lock: read(folder, lock::FILE)?,
            tests: optional(TESTS)?,
            settings: optional(SETTINGS)?,
        })
    }

    pub(crate) fn take(options: &Options) -> Result<Self, String> {
        options.folder.as_deref().map_or_else(|| Ok(Self::shipped()), Self::read)
    }

    /// The files, to be published.
    ///
    /// # Errors
    /// The name of the file that is not UTF-8.
    pub fn pack(&self) -> Result<Packed, String> {
        let text = |(name, bytes): (&str, &Vec<u8>)| {
            let text = String::from_utf8(bytes.clone()).map_err(|_| format!("{name} is not UTF-8"))?;
            Ok((name.to_owned(), text))
        };
        let files = self.named().into_iter().map(text).collect::<Result<_, String>>()?;
        Packed::pack(&files).map_err(|error| error.to_string())
    }

    /// Published files.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn unpack(packed: &Packed) -> Result<Self, String> {
        Self::of(packed.unpack().map_err(|error| error.to_string())?)
    }

    /// Files by name; those left out are empty.
    ///
    /// # Errors
    /// A name that no file of a policy has, or a file that is too large.
    pub fn of(mut files: BTreeMap<String, String>) -> Result<Self, String> {
        let mut take = |name: &str| -> Result<Vec<u8>, String> {
            let text = files.remove(name).unwrap_or_default().into_bytes();
            if text.len() as u64 > MOST_BYTES {
                return Err(format!("{name} has {} bytes, and {MOST_BYTES} is the most", text.len()));
            }
            Ok(text)
        };
        let taken = Self {
            model: take(model::FILE)?,
            policy: take(rows::FILE)?,
            lock: take(lock::FILE)?,
            tests: take(TESTS)?,
            settings: take(SETTINGS)?,
        };
        match files.into_keys().next() {
            Some(name) => Err(format!("`{name:.40}` is no file of a policy")),
            None => Ok(taken),
        }
    }

    /// Each file with its name, in the order in which they are hashed.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &Vec<u8>); 5] {
        [
            (model::FILE, &self.model),
            (rows::FILE, &self.policy),
            (lock::FILE, &self.lock),
            (TESTS, &self.tests),
            (SETTINGS, &self.settings),
        ]
    }

    /// The SHA-256 of the content, hexadecimal: over each file's length (8 bytes, big-endian) and bytes, in the order of the
    /// fields.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (_, file) in self.named() {
            hash.update((file.len() as u64).to_be_bytes());
            hash.update(file);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first eight digits of [`Self::sha256`], which name the content to people.
    #[must_use]
    pub fn digest(&self) -> String {
        self.sha256().chars().take(8).collect()
    }
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(name);
    let shown = path.display();
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("{shown} is not there"),
        _ => format!("{shown} cannot be read: {error}"),
    };
    let size = std::fs::metadata(&path).map_err(told)?.len();
    if size > MOST_BYTES {
        return Err(format!("{shown} has {size} bytes, and {MOST_BYTES} is the most"));
    }
    std::fs::read(&path).map_err(told)
}

/// What clean files say.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) model: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) lock: Lock,
    pub(crate) closure: Closure,
    pub(crate) own_model: bool,
    pub(crate) digest: String,
    pub(crate) settings: Settings,
    /// The words that there are, with those that the settings bring.
    pub(crate) vocabulary: Vocabulary,
}

/// Reads the files strictly. Without a draft there are errors among the findings.
pub(crate) fn draft(
    files: &Files,
    options: &Options,
    vocabulary: &Vocabulary,
    purpose: Purpose,
) -> (Option<Draft>, Findings) {
    let mut findings = Findings::default();
    let found = &mut findings;
    let model_text = text::decode(model::FILE, &files.model, found);
    let lock_text = text::decode(lock::FILE, &files.lock, found);
    let policy_text = text::decode(rows::FILE, &files.policy, found);
    let settings_text = text::decode(SETTINGS, &files.settings, found);
    let (Some(model_text), Some(lock_text), Some(policy_text), Some(settings_text)) =
        (model_text, lock_text, policy_text, settings_text)
    else {
        return (None, findings.sorted());
    };
    let all = [
        (model::FILE, model_text),
        (lock::FILE, lock_text),
        (rows::FILE, policy_text),
        (SETTINGS, settings_text),
    ];
    for (file, text) in all {
        text::check_characters(file, text, found);
    }
    model::check(model_text, options.own_model, found);
    let lock = Lock::read(lock_text, vocabulary, found);
    let groups = lock.policy_names().iter().map(String::as_str).chain(RESERVED).collect();
    let settings = Settings::read(settings_text, &groups, vocabulary, found);
    let vocabulary = &settings.extend(vocabulary);
    let rows = Rows::read(
        policy_text,
        options.most_rows,
        &mut Judge { vocabulary, lock: &lock, purpose, findings: found },
    );
    let closure = Closure::of(&rows.links, found);
    lock.warn_unused(&rows.groups(), found);
    warn_shadowed(&rows.rows, found);
    warn_mixed_script(&rows, found);
    if findings.refuse() {
        return (None, findings.sorted());
    }
    let draft = Draft {
        model: model::in_force(model_text).to_owned(),
        rows: rows.rows,
        lock,
        closure,
        own_model: options.own_model,
        digest: files.digest(),
        settings,
        vocabulary: vocabulary.clone(),
    };
    (Some(draft), findings.sorted())
}

/// An allow row that a deny row without condition always beats.
fn warn_shadowed(rows: &[Row], findings: &mut Findings) {
    let mut wide: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows.iter().filter(|row| !row.allow && row.when == "*") {
        wide.entry(&row.group).or_default().push(row);
    }
    for row in rows.iter().filter(|row| row.allow) {
        let covers = |deny: &&&Row| {
            (deny.place == "*" || deny.place == row.place)
                && (deny.action == "*" || deny.action == row.action)
                && (deny.command == "*" || deny.command == row.command)
        };
        if let Some(deny) = wide.get(row.group.as_str()).into_iter().flatten().find(covers) {
            let message = format!("the deny row in line {} always beats this row", deny.line);
            findings.warn("shadowed", rows::FILE, (row.line, 1), message);
        }
    }
}

/// One name in two scripts is a look-alike, or soon will be taken for one.
fn warn_mixed_script(rows: &Rows, findings: &mut Findings) {
    use unicode_script::{Script, UnicodeScript};
    let mixed = |name: &str| {
        let mut scripts =
            name.chars().map(|c| c.script()).filter(|s| !matches!(s, Script::Common | Script::Inherited));
        scripts.next().is_some_and(|first| scripts.any(|script| script != first))
    };
    for row in rows.rows.iter().filter(|row| mixed(&row.group)) {
        let message = format!("`{}` mixes scripts; a look-alike may be meant", row.group);
        findings.warn("mixed-script", rows::FILE, (row.line, 1), message);
    }
}

/// All that is wrong with the policy that these options name.
///
/// # Errors
/// Why the files could not be read at all.
pub fn check(options: &Options, vocabulary: &Vocabulary) -> Result<Findings, String> {
    Ok(check_files(&Files::take(options)?, options, vocabulary))
}

/// All that is wrong with these files, whatever folder the options name.
#[must_use]
pub fn check_files(files: &Files, options: &Options, vocabulary: &Vocabulary) -> Findings {
    let (drafted, mut findings) = draft(files, options, vocabulary, Purpose::Check);
    if let Some(drafted) = drafted {
        match crate::gate::Gate::build(drafted, 0) {
            Ok(gate) => findings.findings.extend(crate::cases::check(&files.tests, &gate).findings),
            Err(more) => findings.findings.extend(more.findings),
        }
    }
    findings.sorted()
}
