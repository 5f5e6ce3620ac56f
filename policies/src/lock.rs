//! `policy.lock`: which chat groups a policy name stands for, by id. Names are resolved once, at review; at run time only ids
//! are met.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    finding::Findings,
    text::{self, Line},
    vocabulary::{NOBODY, RESERVED, Vocabulary, is_platform},
};

/// Name of the file.
pub(crate) const FILE: &str = "policy.lock";

/// Ids with the policy name that each stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    names: BTreeMap<String, (String, usize)>,
    policy_names: BTreeSet<String>,
}

impl Lock {
    /// The policy name of an id.
    pub(crate) fn name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(|(name, _)| name.as_str())
    }

    /// Each id with its policy name.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(id, (name, _))| (id.as_str(), name.as_str()))
    }

    /// Every policy name.
    pub(crate) const fn policy_names(&self) -> &BTreeSet<String> {
        &self.policy_names
    }

    /// Reads the file; what is wrong is left out and reported.
    pub(crate) fn read(file_text: &str, vocabulary: &Vocabulary, findings: &mut Findings) -> Self {
        let mut lock = Self::default();
        for line in text::lines(FILE, file_text, Some(3), findings) {
            lock.add(&line, vocabulary, findings);
        }
        lock
    }

    fn add(&mut self, line: &Line, vocabulary: &Vocabulary, findings: &mut Findings) {
        let [(id, at), (name, name_at), _] = line.fields.as_slice() else {
            let message = format!(
                "3 fields are needed (id, policy name, name when locked), {} are here",
                line.fields.len()
            );
            return findings.error("lock-field-count", FILE, (line.number, line.at(3)), message);
        };
        if let Err(why) = check_id(id, name, vocabulary) {
            return findings.error(why.0, FILE, (line.number, *at), why.1);
        }
        if RESERVED.into_iter().chain([NOBODY]).any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            let message = format!("`{name}` is reserved; no chat group can stand for it");
            return findings.error("lock-reserved", FILE, (line.number, *name_at), message);
        }
        if !id.starts_with("svc:") && name.contains([':', '/']) || name.is_empty() {
            let message = format!("`{name}` is no policy name: `:` and `/` belong to ids");
            return findings.error("lock-name", FILE, (line.number, *name_at), message);
        }
        if let Some((there, first)) = self.names.get(id) {
            let message = format!("`{id}` stands for `{there}` already, in line {first}");
            return findings.error("lock-twice", FILE, (line.number, *at), message);
        }
        self.policy_names.insert(name.clone());
        self.names.insert(id.clone(), (name.clone(), line.number));
    }

    /// Lines that no row needs.
    pub(crate) fn warn_unused(&self, used: &BTreeSet<&str>, findings: &mut Findings) {
        for (name, line) in self.names.values().filter(|(name, _)| !used.contains(name.as_str())) {
            findings.warn("lock-unused", FILE, (*line, 1), format!("no row names `{name}`"));
        }
    }
}

type Why = (&'static str, String);

/// `platform:tenant/group` of a trusted home, or `svc:name` that stands for itself.
fn check_id(id: &str, name: &str, vocabulary: &Vocabulary) -> Result<(), Why> {
    let bad = |why: &str| Err(("lock-id", format!("`{id}` is no id: {why}")));
    if let Some(service) = id.strip_prefix("svc:") {
        if service.is_empty() || service.contains([':', '/', ' ']) {
            return bad("it must be svc:<name>");
        }
        return if name == id {
            Ok(())
        } else {
            bad("a service stands for itself, so its policy name is its id")
        };
    }
    let Some((home, group)) = id.split_once('/') else { return bad("it must be platform:tenant/group") };
    let Some((platform, tenant)) = home.split_once(':') else {
        return bad("it must be platform:tenant/group");
    };
    if !is_platform(platform) || tenant.is_empty() || group.is_empty() || group.contains(['/', '*']) {
        return bad("it must be platform:tenant/group with a known platform");
    }
    // At the terminal the groups of the configuration have their names as ids.
    if platform != "console" && id.contains(' ') {
        return bad("a blank is in it; is a comma missing?");
    }
    if platform == "discord" && tenant == group {
        return bad("it is the role that every member has, which is `everyone`");
    }
    if vocabulary.trusts(home) {
        Ok(())
    } else {
        let message = format!("`{home}` is not among the trusted homes, so its groups mean nothing here");
        Err(("lock-untrusted", message))
    }
}
