//! Gauges that tell how long ago something was: what is kept is when, and the age is worked out when somebody looks.

use std::{
    collections::HashMap,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::RwLock;

use crate::{name::Name, registry};

/// A gauge, and the value of its one label, if it has one.
type Key = (Name, Option<&'static str>);

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Milliseconds after the beginning at which each was last touched.
static TOUCHED: LazyLock<RwLock<HashMap<Key, AtomicU64>>> = LazyLock::new(RwLock::default);

fn now() -> u64 {
    u64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// It was just now.
pub(crate) fn touch(name: Name, value: Option<&'static str>) {
    let now = now();
    if let Some(at) = TOUCHED.read().get(&(name, value)) {
        at.store(now, Ordering::Relaxed);
        return;
    }
    TOUCHED.write().entry((name, value)).or_default().store(now, Ordering::Relaxed);
}

/// Nothing is told of it any more.
pub(crate) fn forget(name: Name, value: Option<&'static str>) {
    TOUCHED.write().remove(&(name, value));
    registry::remove(name, value.as_slice());
}

/// Works out every age.
pub(crate) fn refresh() {
    let now = now();
    for ((name, value), at) in TOUCHED.read().iter() {
        let age = Duration::from_millis(now.saturating_sub(at.load(Ordering::Relaxed)));
        registry::set(*name, value.as_slice(), age.as_secs_f64());
    }
}
