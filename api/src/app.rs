//! What every handler has: the database, the bus, the keys, the policy. Built once, shared by all calls.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{ports::Bus, spec::CommandSpec};
use adjutant_policies::Policy;
use ipnet::IpNet;
use tokio::sync::{Semaphore, watch};

use crate::{auth::Keys, keyring::Keyring, live::Live, relay::Wake, service::Probe, store::Db};

/// What the handlers go by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Name of this replica.
    pub(crate) name: String,
    /// Version of the program.
    pub(crate) version: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How long a key's row is good without asking the database: the longest that a revocation can take.
    pub(crate) key_cache_ttl: Duration,
    /// For how long a key is good unless its maker says otherwise.
    pub(crate) key_lifetime: Duration,
    /// For how long it may be good at most, unless an administrator says otherwise.
    pub(crate) longest_key_lifetime: Duration,
    /// Where it is said that keys end soon; none: nowhere.
    pub(crate) warn_destination: Option<String>,
}

/// What every handler has.
pub(crate) struct App {
    pub(crate) config: Settings,
    pub(crate) db: Db,
    pub(crate) bus: Bus,
    pub(crate) keys: Keys,
    pub(crate) keyring: Keyring,
    pub(crate) wake: Wake,
    pub(crate) policy: Arc<Policy>,
    /// The commands that there are now.
    pub(crate) specs: watch::Receiver<Arc<Vec<CommandSpec>>>,
    pub(crate) live: Live,
    /// Whether commands of its own come back, if some are sent.
    pub(crate) canary: Option<Probe>,
    /// Turns to try a policy: a large one takes a core for seconds, and there is other work.
    pub(crate) trying: Semaphore,
}

/// As handlers get it.
pub(crate) type Shared = Arc<App>;
