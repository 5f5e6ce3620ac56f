//! What is examined: the configuration, and the bus, which several parts need and which is looked at once for all of them.

use std::sync::Arc;

use adjutant_api::{
    key::{Pepper, Peppers},
    look::{Look as DatabaseLook, Unseen},
};
use adjutant_bus::{
    look::{Blind, Look},
    open::{self, Found, Role},
    ports::{Bus, BusError},
    service::Offer,
};
use adjutant_gateway::Finding;
use tokio::sync::OnceCell;

use crate::{
    config::{Config, Loaded},
    roles::parts,
};

/// How long services may take to say what they offer.
const WINDOW: std::time::Duration = std::time::Duration::from_millis(750);

/// What is examined.
pub(super) struct Site {
    pub(super) loaded: Loaded,
    /// Whether the parts were named one by one: then what is not configured is what was asked for.
    pub(super) named: bool,
    found: OnceCell<Result<Found, String>>,
    look: OnceCell<Result<Look, Blind>>,
    bus: OnceCell<Option<Bus>>,
    offers: OnceCell<Result<Vec<Offer>, BusError>>,
    database: OnceCell<Result<DatabaseLook, Unlooked>>,
}

/// Why the database was not looked at.
#[derive(Debug)]
pub(super) enum Unlooked {
    /// The address or the pepper cannot be read; in one line.
    Settings(String),
    /// It was tried.
    Unseen(Unseen),
}

/// Why nothing on the bus can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoBus {
    /// Nobody is on it now; how that comes.
    Alone(String),
    /// It should be there and is not, as the part `bus` says.
    Broken,
}

impl NoBus {
    /// What a part says that needs the bus.
    pub(super) fn finding(&self, what: &str) -> Finding {
        match self {
            Self::Alone(how) => Finding::unseen(what, how),
            Self::Broken => {
                Finding::bad(what, false, "not looked at: the bus cannot be used", "Put the bus right first.")
            }
        }
    }
}

impl Site {
    pub(super) fn new(loaded: Loaded, named: bool) -> Self {
        Self {
            loaded,
            named,
            found: OnceCell::new(),
            look: OnceCell::new(),
            bus: OnceCell::new(),
            offers: OnceCell::new(),
            database: OnceCell::new(),
        }
    }

    pub(super) const fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// Examines with what blocks: files on a disk that may hang.
    pub(super) async fn blocking(
        self: &Arc<Self>,
        examine: impl FnOnce(&Self) -> Vec<Finding> + Send + 'static,
    ) -> Vec<Finding> {
        let site = self.clone();
        let examined = tokio::task::spawn_blocking(move || examine(&site)).await;
        examined.unwrap_or_else(|fault| {
            vec![Finding::bad("this check", true, format!("failed itself: {fault}"), "Report it.")]
        })
    }

    /// The bus as it is found, without asking it.
    pub(super) async fn found(&self) -> &Result<Found, String> {
        let find = async || match parts::bus(self.config(), false) {
            Ok(config) => Ok(open::find(&config).await),
            Err(error) => Err(error.to_string()),
        };
        self.found.get_or_init(find).await
    }

    /// What is at the server.
    pub(super) async fn look(&self) -> Result<Result<&Look, &Blind>, NoBus> {
        match self.found().await {
            Err(_) => Err(NoBus::Broken),
            Ok(Found::Memory(_)) => Err(NoBus::Alone("the bus is in memory".to_owned())),
            Ok(Found::NotRunning(_)) => Err(NoBus::Alone("no Adjutant runs in this data_dir".to_owned())),
            Ok(Found::Server(opened)) => {
                Ok(self.look.get_or_init(async || opened.look().await).await.as_ref())
            }
        }
    }

    /// The bus as whoever may see most of it sees it.
    pub(super) async fn bus(&self) -> Result<&Bus, NoBus> {
        self.look().await?.map_err(|_| NoBus::Broken)?;
        let Ok(Found::Server(opened)) = self.found().await else { return Err(NoBus::Broken) };
        let bus = self.bus.get_or_init(async || opened.as_it_is(Role::Admin).await.ok()).await;
        bus.as_ref().ok_or(NoBus::Broken)
    }

    /// What services offer now.
    pub(super) async fn offers(&self) -> Result<&Vec<Offer>, NoBus> {
        let bus = self.bus().await?;
        let offers = self.offers.get_or_init(async || bus.services.list(WINDOW).await).await;
        offers.as_ref().map_err(|_| NoBus::Broken)
    }

    /// The database, and how the pepper fits it.
    pub(super) async fn database(&self) -> &Result<DatabaseLook, Unlooked> {
        self.database.get_or_init(async || look_at_database(self.config()).await).await
    }
}

async fn look_at_database(config: &Config) -> Result<DatabaseLook, Unlooked> {
    let settings = |error: &dyn std::fmt::Display| Unlooked::Settings(format!("{error:#}"));
    let database = parts::database(config).map_err(|error| settings(&error))?;
    let (pepper, previous) = parts::peppers(config).map_err(|error| settings(&error))?;
    let pepper = match pepper {
        Some(pepper) => Some(pepper),
        None => Pepper::load(&config.data_dir.join("pepper")).map_err(|error| settings(&error))?,
    };
    let peppers = pepper.map(|pepper| Peppers::new(&pepper, previous.as_ref()));
    adjutant_api::look::look(&database, peppers.as_ref()).await.map_err(Unlooked::Unseen)
}
