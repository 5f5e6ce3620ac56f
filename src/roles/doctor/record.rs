//! The record, as far as it can be judged cheaply: the key that signs it, its last signed place, and whether the copy goes on.
//! `adjutant audit verify` looks at every entry.

use std::time::Duration;

use adjutant_api::{
    audit::{AuditKey, PublicKey},
    look::Signed,
};
use adjutant_bus::{mode, ports::Bus};
use adjutant_gateway::Finding;
use jiff::{SignedDuration, Timestamp};

use super::{database, site::Site};
use crate::roles::parts;

/// How long the bus may take to tell. A user that may not read it gets no answer.
const TOLD: Duration = Duration::from_secs(5);
/// The copier gives a sign of life every five seconds; this many are more than a pause.
const SILENT: SignedDuration = SignedDuration::from_secs(30);

pub(super) async fn examine(site: &Site) -> Vec<Finding> {
    let look = site.database().await.as_ref().ok();
    let checkpoint = look.and_then(|look| look.checkpoint.as_ref());
    if look.is_none() && !database::is_wanted(site.config()) {
        return vec![Finding::absent("record")];
    }
    let (signing, public) = key(site);
    let mut findings = vec![signing];
    if look.is_some() {
        findings.push(signed(checkpoint, public.as_ref(), Timestamp::now()));
    }
    let refuse_after = site.config().audit.refuse_after_seconds;
    let kept = look.and_then(|look| look.beat);
    findings.push(match site.bus().await {
        Ok(bus) => {
            let told = tokio::time::timeout(TOLD, beat(bus)).await.ok().flatten();
            // Who may not read the mode on the bus has the database's word.
            copy(told.or(kept), Timestamp::now(), refuse_after)
        }
        Err(no_bus) => no_bus.finding(COPY),
    });
    findings
}

const COPY: &str = "copy of the journal";

async fn beat(bus: &Bus) -> Option<Timestamp> {
    mode::load(bus).await.ok()?.audit.map(|beat| beat.at)
}

/// The key that signs checkpoints, and its public half.
fn key(site: &Site) -> (Finding, Option<PublicKey>) {
    const WHAT: &str = "signing key";
    let file = site.config().data_dir.join("audit-key");
    let given = match parts::signing_key(site.config()) {
        Ok(given) => given,
        Err(error) => {
            let fix = "Correct audit.signing_key: 64 hexadecimal digits.";
            return (Finding::bad(WHAT, true, format!("{error:#}"), fix), None);
        }
    };
    let key = match given {
        Some(key) => Ok(Some(key)),
        None => AuditKey::load(&file),
    };
    match key {
        Ok(Some(key)) => {
            let public = key.public();
            (Finding::good(WHAT, format!("its public half is {}", short(&public))), Some(public))
        }
        Ok(None) => {
            let told = "none here; the API makes one at its first start, in audit-key in data_dir";
            (Finding::good(WHAT, told), None)
        }
        Err(error) => (
            Finding::bad(
                WHAT,
                true,
                error.to_string(),
                "Put the key back, or correct the rights of its file.",
            ),
            None,
        ),
    }
}

/// Enough of a public key to know it again.
fn short(key: &PublicKey) -> String {
    format!("{:.16}…", key.to_string())
}

/// The newest signed place.
fn signed(checkpoint: Option<&Signed>, ours: Option<&PublicKey>, now: Timestamp) -> Finding {
    const WHAT: &str = "last checkpoint";
    let Some(Signed { seq, at, by }) = checkpoint else {
        return Finding::good(WHAT, "none yet; one is signed within the hour in which something happens");
    };
    let told = format!("entry {seq}, signed {} ago", ago(now.duration_since(*at)));
    match (by, ours) {
        (Some(by), Some(ours)) if by != ours => {
            let fix = "Give all replicas of the API the same audit.signing_key; if it was changed on purpose, keep the old public key for `adjutant audit verify`.";
            Finding::bad(WHAT, false, format!("{told} by another key, {}", short(by)), fix)
        }
        _ => Finding::good(WHAT, told),
    }
}

/// Whether the copy goes on.
fn copy(beat: Option<Timestamp>, now: Timestamp, refuse_after: u64) -> Finding {
    const FIX: &str = "Start the API; if it runs, its log says what keeps the copy from going on.";
    let Some(at) = beat else { return Finding::good(COPY, "none has been made yet") };
    let still = now.duration_since(at);
    if still <= SILENT {
        return Finding::good(COPY, format!("goes on; last sign of life {} ago", ago(still)));
    }
    let refused = refuse_after > 0 && still.as_secs().unsigned_abs() >= refuse_after;
    let told = format!("has stood still for {}", ago(still));
    if refused {
        let told = format!("{told}: commands that change something are refused");
        return Finding::bad(COPY, true, told, FIX);
    }
    Finding::bad(COPY, false, told, FIX)
}

/// `3 min`, in the largest unit.
pub(super) fn ago(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_copy_that_stands_still_is_said_and_fails_when_commands_are_refused() {
        assert!(copy(None, at(0), 300).ok);
        assert!(copy(Some(at(0)), at(6), 300).ok);
        let still = copy(Some(at(0)), at(60), 300);
        assert!(!still.ok && !still.fatal && still.found == "has stood still for 60 s", "{still:?}");
        let refused = copy(Some(at(0)), at(400), 300);
        assert!(refused.fatal && refused.found.contains("for 6 min: commands"), "{refused:?}");
        assert!(!copy(Some(at(0)), at(400), 0).fatal, "nothing is refused with 0");
    }

    #[test]
    fn a_checkpoint_by_another_key_is_said() {
        let key = |byte: u8| AuditKey::parse(&format!("{byte:02x}").repeat(32)).unwrap().public();
        let by = |byte| Signed { seq: 7, at: at(0), by: Some(key(byte)) };
        assert_eq!(signed(Some(&by(1)), Some(&key(1)), at(300)).found, "entry 7, signed 5 min ago");
        let other = signed(Some(&by(1)), Some(&key(2)), at(300));
        assert!(!other.ok && !other.fatal && other.found.contains("by another key"), "{other:?}");
        assert!(signed(Some(&by(1)), None, at(300)).ok && signed(None, None, at(0)).ok);
    }
}
