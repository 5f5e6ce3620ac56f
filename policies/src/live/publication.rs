//! The next version of the published policy, and how far the replicas are with it.

use std::time::{Duration, Instant};

use adjutant_bus::{
    bundle::{Bundle, Named},
    id::RequestId,
    ports::Bus,
    presence::{self, Replica},
    wire::Version,
};
use futures::StreamExt;
use jiff::Timestamp;

use crate::load::Files;

/// Who publishes, and why.
#[derive(Clone, Debug)]
pub struct Author {
    /// `console:local/pat`, or `operator` for whoever holds the bus's admin login.
    pub who: String,
    /// Why, one line.
    pub reason: String,
    /// The request that asked for it, if a command did.
    pub request: Option<RequestId>,
}

/// These files as the version after the newest, or as the first one.
///
/// # Errors
/// The name of the file that is not UTF-8.
pub fn next(files: &Files, newest: Option<&Named>, author: Author) -> Result<Bundle, String> {
    Ok(Bundle {
        v: Version,
        named: Named { version: newest.map_or(1, |newest| newest.version + 1), sha256: files.sha256() },
        previous: newest.cloned(),
        author: author.who,
        at: Timestamp::now(),
        reason: author.reason,
        request: author.request,
        files: files.pack()?,
    })
}

/// How many workers decide by a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switched {
    /// Those that do, or by a newer one.
    pub there: usize,
    /// All that are up.
    pub workers: usize,
    /// How long that took.
    pub took: Duration,
}

impl Switched {
    /// Whether all do.
    #[must_use]
    pub const fn all(&self) -> bool {
        self.workers > 0 && self.there == self.workers
    }
}

/// Waits until all workers decide by this version, but not longer than `most`.
pub async fn switched(bus: &Bus, version: u64, most: Duration) -> Switched {
    let begun = Instant::now();
    let mut last = Switched::default();
    let wait = async {
        let Ok(mut replicas) = presence::watch(bus).await else { return };
        while let Some(replicas) = replicas.next().await {
            let workers = || replicas.iter().filter(|replica| replica.role == "worker");
            let decides =
                |worker: &&Replica| worker.policy.as_ref().and_then(|policy| policy.version) >= Some(version);
            last.there = workers().filter(decides).count();
            last.workers = workers().count();
            if last.all() {
                return;
            }
        }
    };
    // However it ends, what was last known is told.
    let _ = tokio::time::timeout(most, wait).await;
    Switched { took: begun.elapsed(), ..last }
}

/// What keeps a replica from deciding by what is published, or by its files; none: all is well, or it decides nothing.
#[must_use]
pub fn trouble(replica: &Replica, newest: Option<&Named>) -> Option<String> {
    let policy = replica.policy.as_ref()?;
    if let Some(problem) = &policy.problem {
        return Some(problem.clone());
    }
    if policy.version.is_none() {
        return Some("no policy; everything is refused".to_owned());
    }
    let wanted = newest.filter(|_| policy.source == "bus")?;
    if policy.version < Some(wanted.version) {
        return Some(format!("behind; version {} is published", wanted.version));
    }
    let same = policy.version != Some(wanted.version) || policy.sha256.as_ref() == Some(&wanted.sha256);
    (!same).then(|| "its content is not what is published".to_owned())
}

/// Heads of the columns of [`stand`].
pub const STAND: [&str; 5] = ["replica", "version", "content", "since", "state"];

/// How a replica stands, for a table that people read; none: it decides nothing.
#[must_use]
pub fn stand(replica: &Replica, newest: Option<&Named>) -> Option<Vec<String>> {
    let policy = replica.policy.as_ref()?;
    let good = || match policy.source.as_str() {
        "bus" => "ok".to_owned(),
        other => format!("ok, from {other}"),
    };
    let first = |trouble: String| trouble.lines().next().unwrap_or_default().to_owned();
    Some(vec![
        format!("{} {}", replica.role, replica.name),
        policy.version.map_or_else(|| "none".to_owned(), |version| version.to_string()),
        policy.sha256.as_deref().map_or_else(String::new, |sha256| format!("{sha256:.8}")),
        policy.loaded_at.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
        trouble(replica, newest).map_or_else(good, first),
    ])
}

/// Heads of the columns of [`entry`].
pub const ENTRY: [&str; 5] = ["version", "content", "at", "by", "why"];

/// A published version, for a table that people read.
#[must_use]
pub fn entry(bundle: &Bundle) -> Vec<String> {
    vec![
        bundle.named.version.to_string(),
        format!("{:.8}", bundle.named.sha256),
        bundle.at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        bundle.author.clone(),
        bundle.reason.clone(),
    ]
}
