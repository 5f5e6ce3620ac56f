//! The handle on the policy in force. A new one is read, checked, built and proved aside, then swapped in whole; if anything
//! is wrong with it, the last good one stays.

mod receive;
mod status;
mod tried;

use std::{sync::Arc, time::Duration};

use adjutant_bus::bundle::{Bundle, Named};
use adjutant_metrics::policy as told;
use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::receive::{build, receive};
pub use self::{
    status::{Published, Status},
    tried::Tried,
};
use crate::{
    finding::Findings,
    gate::Gate,
    load::{Files, Options},
    vocabulary::Vocabulary,
};

/// How long files must stay as they are before they are taken.
const QUIET: Duration = Duration::from_millis(200);

/// What is to be put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offer {
    version: u64,
    files: Files,
    published: Option<Published>,
}

/// What reloading goes by.
struct Aside {
    vocabulary: Vocabulary,
    /// What is in force.
    in_force: Option<Offer>,
    /// What was refused last, so that it is reported once, and tried again when commands have come.
    refused: Option<Result<Offer, String>>,
}

/// The policy in force.
pub struct Policy {
    options: Options,
    /// Whether it is the one that is published on the bus, and not files of this machine.
    published: bool,
    gate: ArcSwapOption<Gate>,
    aside: Mutex<Aside>,
    status: std::sync::RwLock<Status>,
    /// When the policy in force was last known to be the current one.
    confirmed: std::sync::RwLock<Option<Instant>>,
    /// Rises with each change of how it stands; zero until something is known.
    changed: watch::Sender<u64>,
}

impl Policy {
    fn new(options: Options, vocabulary: Vocabulary, published: bool) -> Arc<Self> {
        told::begun();
        Arc::new(Self {
            options,
            published,
            gate: ArcSwapOption::empty(),
            aside: Mutex::new(Aside { vocabulary, in_force: None, refused: None }),
            status: std::sync::RwLock::default(),
            confirmed: std::sync::RwLock::default(),
            changed: watch::Sender::new(0),
        })
    }

    /// Loads a policy from files. One that cannot be loaded leaves a handle without a gate: everything is refused until it can.
    pub async fn load(options: Options, vocabulary: Vocabulary) -> Arc<Self> {
        let policy = Self::new(options, vocabulary, false);
        policy.reload().await;
        policy
    }

    /// A handle for the policy that is published on the bus; [`crate::live::follow`] brings it.
    #[must_use]
    pub fn published(options: Options, vocabulary: Vocabulary) -> Arc<Self> {
        Self::new(options, vocabulary, true)
    }

    /// Whether it is the one that is published on the bus.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        self.published
    }

    /// The gate in force; none: refuse everything.
    #[must_use]
    pub fn gate(&self) -> Option<Arc<Gate>> {
        self.gate.load_full()
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Waits until it is known whether there is a policy: before, nothing can be decided.
    pub async fn settled(&self) {
        // The sender lives as long as this.
        let _ = self.changed.subscribe().wait_for(|changes| *changes > 0).await;
    }

    /// Sees each change of how it stands.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether the policy in force could not be confirmed as the current one for too long, see [`Options::stale_after`].
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let confirmed = *self.confirmed.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        confirmed.is_none_or(|at| at.elapsed() > self.options.stale_after)
    }

    /// Notes that what is in force is the current policy.
    pub(crate) fn confirm(&self) {
        *self.confirmed.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        told::confirmed();
        self.note(|status| status.confirmed_at = Some(Timestamp::now()));
    }

    /// Looks at the files, and puts them in force if they have changed and are good.
    pub async fn reload(&self) {
        self.take(self.read().await).await;
    }

    async fn read(&self) -> Result<Files, String> {
        let options = self.options.clone();
        let read = tokio::task::spawn_blocking(move || Files::take(&options)).await;
        read.unwrap_or_else(|fault| Err(fault.to_string()))
    }

    async fn take(&self, read: Result<Files, String>) {
        let mut aside = self.aside.lock().await;
        let files = match read {
            Ok(files) => files,
            Err(why) => return self.refuse(&mut aside, Err(why.clone()), &why),
        };
        // Files that are wrong are known all the same; what cannot be read at all is not.
        self.confirm();
        let version = match &aside.in_force {
            Some(known) if known.files == files => {
                aside.refused = None;
                return self.note(|status| status.problem = None);
            }
            known => known.as_ref().map_or(1, |known| known.version + 1),
        };
        // What is wrong with them is told by the status.
        let _ = self.put_in_force(&mut aside, Offer { version, files, published: None }).await;
    }

    /// Puts a published bundle in force, if it is good. `known` is what was announced as the version before it, if that is known.
    ///
    /// # Errors
    /// Why it is not in force; the last good one stays.
    pub async fn offer(&self, bundle: &Bundle, known: Option<&Named>) -> Result<(), String> {
        let mut aside = self.aside.lock().await;
        let in_force = aside.in_force.as_ref().map(|offer| (offer.version, offer.files.sha256()));
        match receive(bundle, in_force.as_ref(), known) {
            Ok(None) => {
                aside.refused = None;
                self.note(|status| status.problem = None);
                Ok(())
            }
            Ok(Some(files)) => {
                let published =
                    Published { author: bundle.author.clone(), at: bundle.at, reason: bundle.reason.clone() };
                let offer = Offer { version: bundle.named.version, files, published: Some(published) };
                self.put_in_force(&mut aside, offer).await
            }
            Err(why) => {
                let why = format!("version {}: {why}", bundle.named.version);
                self.refuse(&mut aside, Err(why.clone()), &why);
                Err(why)
            }
        }
    }

    /// Tells why nothing is known of what is published.
    pub(crate) async fn nothing(&self, why: &str) {
        let mut aside = self.aside.lock().await;
        self.refuse(&mut aside, Err(why.to_owned()), why);
    }

    /// Builds a policy aside and proves it, tests included, without putting it in force. What deserves a look goes with it.
    ///
    /// # Errors
    /// All that is wrong with it, as text.
    pub async fn candidate(&self, files: Files, version: u64) -> Result<(Gate, Findings), String> {
        let (options, vocabulary) = (self.options.clone(), self.aside.lock().await.vocabulary.clone());
        let built = tokio::task::spawn_blocking(move || build(&files, &options, &vocabulary, version));
        built.await.unwrap_or_else(|fault| Err(fault.to_string()))
    }

    /// Takes in commands that have come: builds aside for them and swaps. The version stays, for the files are the same.
    pub async fn learn(&self, vocabulary: Vocabulary) {
        let mut aside = self.aside.lock().await;
        aside.vocabulary = vocabulary;
        if let Some(offer) = aside.in_force.clone() {
            let _ = self.put_in_force(&mut aside, offer).await;
        }
        // What was refused may have been about commands that are there now.
        match aside.refused.take() {
            Some(Ok(offer)) => drop(self.put_in_force(&mut aside, offer).await),
            Some(Err(why)) if self.published => aside.refused = Some(Err(why)),
            Some(Err(_)) | None => {}
        }
    }

    async fn put_in_force(&self, aside: &mut Aside, offer: Offer) -> Result<(), String> {
        if aside.refused.as_ref().is_some_and(|refused| refused.as_ref() == Ok(&offer)) {
            return Err(self.status().problem.unwrap_or_default());
        }
        let (options, vocabulary, files) =
            (self.options.clone(), aside.vocabulary.clone(), offer.files.clone());
        let version = offer.version;
        let built = tokio::task::spawn_blocking(move || build(&files, &options, &vocabulary, version));
        match built.await.unwrap_or_else(|fault| Err(fault.to_string())) {
            Ok((gate, findings)) => {
                findings.findings.iter().for_each(|finding| warn!(%finding, "policy"));
                info!(version = gate.version(), digest = gate.digest(), "policy is in force");
                self.gate.store(Some(Arc::new(gate)));
                told::in_force(version, &offer.files.sha256());
                self.confirm();
                let named = Named { version, sha256: offer.files.sha256() };
                self.note(|status| {
                    *status = Status {
                        version: Some(format!("{version} ({})", offer.files.digest())),
                        named: Some(named),
                        loaded_at: Some(Timestamp::now()),
                        confirmed_at: status.confirmed_at,
                        published: offer.published.clone(),
                        problem: None,
                    };
                });
                aside.in_force = Some(offer);
                aside.refused = None;
                Ok(())
            }
            Err(why) => {
                self.refuse(aside, Ok(offer), &why);
                Err(why)
            }
        }
    }

    fn refuse(&self, aside: &mut Aside, what: Result<Offer, String>, why: &str) {
        if aside.refused.as_ref() == Some(&what) {
            return;
        }
        let stays = self.status().version.unwrap_or_else(|| "none; everything is refused".to_owned());
        told::refused();
        error!(why, in_force = %stays, "a policy is not put in force");
        aside.refused = Some(what);
        self.note(|status| status.problem = Some(why.to_owned()));
    }

    fn note(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.write().unwrap_or_else(std::sync::PoisonError::into_inner));
        self.changed.send_modify(|changes| *changes += 1);
    }

    /// Looks at the files again and again, until told to stop.
    pub async fn watch(&self, every: Duration, stop: CancellationToken) {
        loop {
            let look = async {
                tokio::time::sleep(every).await;
                self.quiet(self.read().await).await
            };
            match stop.run_until_cancelled(look).await {
                Some(read) => self.take(read).await,
                None => return,
            }
        }
    }

    /// What is read once nothing changes any more: several files are written one after the other, and a mixture of old and new
    /// ones is no policy that anybody meant.
    async fn quiet(&self, mut read: Result<Files, String>) -> Result<Files, String> {
        let known = self.aside.lock().await.in_force.as_ref().map(|offer| offer.files.clone());
        if read.as_ref().is_ok_and(|files| known.as_ref() == Some(files)) {
            return read;
        }
        loop {
            tokio::time::sleep(QUIET).await;
            let again = self.read().await;
            if again == read {
                return read;
            }
            read = again;
        }
    }
}
