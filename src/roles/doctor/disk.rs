//! Room on the disk of the data folder, and for what the streams of a server of our own may come to hold.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use adjutant_bus::{
    look::{Look, Seen},
    open::{BusUrl, Found},
};
use adjutant_gateway::Finding;
use nix::{
    sys::statvfs::statvfs,
    unistd::{AccessFlags, access},
};

use super::site::Site;

const MIB: u64 = 1024 * 1024;
/// With less than this free nothing can be kept for long.
const FATAL: u64 = 64 * MIB;
/// With less than this free somebody should look.
const LITTLE: u64 = 1024 * MIB;

pub(super) async fn examine(site: &Arc<Site>) -> Vec<Finding> {
    let ours = match site.found().await {
        Ok(Found::Server(_)) if has_own_server(site) => match site.look().await {
            Ok(Ok(look)) => Some(still_wanted(look)),
            _ => None,
        },
        _ => None,
    };
    let needed = has_own_server(site);
    let dir = site.config().data_dir.clone();
    site.blocking(move |_| folder(&dir, needed, ours)).await
}

/// Whether the server of the bus, if any, keeps its streams in the data folder.
fn has_own_server(site: &Site) -> bool {
    matches!(site.config().bus.url.parse(), Ok(BusUrl::Auto | BusUrl::Child))
}

/// How many bytes the streams may come to hold beyond what they do now.
fn still_wanted(look: &Look) -> u64 {
    match &look.room {
        Seen::There(room) => room.wanted.saturating_sub(room.used),
        _ => 0,
    }
}

fn folder(dir: &Path, needed: bool, streams: Option<u64>) -> Vec<Finding> {
    const WHAT: &str = "data_dir";
    let (there, is_new) = existing(dir);
    let mut findings = Vec::new();
    if let Err(error) = access(&there, AccessFlags::W_OK | AccessFlags::X_OK) {
        let found = format!("{} cannot be written: {}", there.display(), error.desc());
        let fix = "Give it to the user that Adjutant runs as, or set data_dir.";
        findings.push(Finding::bad(WHAT, needed, found, fix));
    } else {
        let made = if is_new { ", is made at the first start" } else { " can be written" };
        findings.push(Finding::good(WHAT, format!("{}{made}", dir.display())));
    }
    match statvfs(&there) {
        Ok(disk) => {
            let (free, all) =
                (disk.blocks_available() * disk.fragment_size(), disk.blocks() * disk.fragment_size());
            findings.push(room(free, all, streams));
        }
        Err(error) => {
            findings.push(Finding::bad("free space", false, format!("not known: {}", error.desc()), ""));
        }
    }
    findings
}

/// The folder, or the nearest one above it that is there.
fn existing(dir: &Path) -> (PathBuf, bool) {
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let there = whole.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned);
    let there = there.unwrap_or_else(|| PathBuf::from("/"));
    let is_new = there != whole;
    (there, is_new)
}

fn room(free: u64, all: u64, streams: Option<u64>) -> Finding {
    const WHAT: &str = "free space";
    const FIX: &str = "Free some, or put data_dir on a larger disk.";
    let found = format!("{} of {} free", size(free), size(all));
    match streams {
        _ if free < FATAL => Finding::bad(WHAT, true, found, FIX),
        _ if free < LITTLE => Finding::bad(WHAT, false, found, FIX),
        Some(wanted) if free < wanted => {
            let told = format!("{found}; the streams may come to hold {} more", size(wanted));
            Finding::bad(WHAT, false, told, FIX)
        }
        _ => Finding::good(WHAT, found),
    }
}

/// `5.5 GiB`.
pub(super) fn size(bytes: u64) -> String {
    let (tenths, unit) = if bytes >= 1024 * MIB {
        (bytes.saturating_mul(10) / (1024 * MIB), "GiB")
    } else {
        (bytes.saturating_mul(10) / MIB, "MiB")
    };
    if tenths.is_multiple_of(10) {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_fails_and_a_small_one_is_said() {
        let all = 100 * 1024 * MIB;
        assert!(room(10 * MIB, all, None).fatal);
        let little = room(500 * MIB, all, None);
        assert!(!little.ok && !little.fatal && little.found == "500 MiB of 100 GiB free", "{little:?}");
        assert!(room(2 * LITTLE, all, None).ok);
        let streams = room(2 * LITTLE, all, Some(5 * LITTLE + LITTLE / 2));
        assert!(!streams.ok && streams.found.contains("may come to hold 5.5 GiB more"), "{streams:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_one_above() {
        let dir = tempfile::tempdir().unwrap();
        let found = folder(&dir.path().join("a/b"), true, None);
        assert!(found[0].ok && found[0].found.ends_with("is made at the first start"), "{found:?}");
        assert!(!dir.path().join("a").exists());
    }
}
