//! The workspaces that this gateway serves: one bot token each; which is whose is found out at the start.

use std::{collections::HashSet, sync::Arc};

use adjutant_bus::actor::Tenant;
use parking_lot::RwLock;

use crate::{
    inbound::{Install, Us},
    web::Web,
};

/// A workspace, or a whole organization, in which the app is installed.
pub(crate) struct Workspace {
    /// The team id, by which everything on the bus is keyed. Team ids are unique over all of Slack.
    pub(crate) tenant: Tenant,
    pub(crate) team: String,
    /// The name, for people.
    pub(crate) name: String,
    pub(crate) enterprise: Option<String>,
    /// Installed for the whole organization: events name any of its teams.
    pub(crate) whole_enterprise: bool,
    /// The bot's user id.
    pub(crate) bot: String,
    pub(crate) web: Web,
}

/// All of them.
pub(crate) struct Workspaces {
    all: Vec<Arc<Workspace>>,
    removed: RwLock<HashSet<String>>,
}

impl Workspaces {
    pub(crate) fn new(all: Vec<Workspace>) -> Self {
        Self { all: all.into_iter().map(Arc::new).collect(), removed: RwLock::default() }
    }

    pub(crate) fn all(&self) -> &[Arc<Workspace>] {
        &self.all
    }

    /// The workspace that an install means. With one that the payload does not name at all, nobody is served.
    pub(crate) fn find(&self, install: &Install) -> Option<Arc<Workspace>> {
        let by_team = install.team.as_ref().and_then(|team| self.all.iter().find(|one| one.team == *team));
        let of_enterprise =
            |one: &&Arc<Workspace>| one.whole_enterprise && one.enterprise == install.enterprise;
        let found = by_team
            .or_else(|| install.enterprise.as_ref().and_then(|_| self.all.iter().find(of_enterprise)))?;
        (!self.removed.read().contains(&found.team)).then(|| found.clone())
    }

    /// The app was removed there: it is served no more until the next start.
    pub(crate) fn remove(&self, install: &Install) {
        if let Some(found) = self.find(install) {
            self.removed.write().insert(found.team.clone());
        }
    }

    pub(crate) fn us(&self, install: &Install, app: Option<String>) -> Option<Us> {
        let found = self.find(install)?;
        Some(Us { user: found.bot.clone(), app, team: found.team.clone() })
    }
}
