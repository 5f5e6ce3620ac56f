//! What is told of policy: which one is in force here, since when that is certain, and what was not put in force.

use crate::{
    bus::to_float,
    clock,
    kind::Part,
    name::Name,
    registry::{begin, count, set},
};

/// A process begins to decide by policy.
pub fn begun() {
    begin(Part::Policy, &[]);
    set(Name::PolicyVersion, &[], 0.0);
}

/// This one is in force now: its version, and the hexadecimal digest of its files.
pub fn in_force(version: u64, sha256: &str) {
    set(Name::PolicyVersion, &[], to_float(version));
    let digest = sha256.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    set(Name::PolicyDigest, &[], digest.unwrap_or_default().into());
    count(Name::PolicyLoads, &[]);
}

/// What is in force is known to be the current one.
pub fn confirmed() {
    clock::touch(Name::PolicyAge, None);
}

/// One was not put in force.
pub fn refused() {
    count(Name::PolicyLoadFailures, &[]);
}
