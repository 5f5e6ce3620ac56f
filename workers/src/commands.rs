//! The built-in commands: one file each in `commands/`, and one line each in [`all`].

mod cancel;
mod catalogue;
mod freeze;
mod help;
mod help_search;
mod history;
mod home;
mod notify;
mod ping;
mod policy;
mod rerun;
mod runs;
mod status;
mod version;
mod whoami;
mod why;

use std::{collections::BTreeMap, sync::Arc};

use adjutant_bus::{
    ports::{Bus, BusError},
    refusal::Refusal,
    reply::Reply,
    request::Request,
    spec::{CommandPath, CommandSpec},
};
use adjutant_policies::Policy;
use async_trait::async_trait;
use serde_json::Value;

pub(crate) use self::notify::{DESTINATION, NAME as NOTIFY};
use crate::{authorize::Asker, catalogue::Catalogue};

/// What a built-in command may use.
pub(crate) struct Asked {
    /// Who asks, with what policy says of them.
    pub(crate) asker: Asker,
    /// The typed arguments, complete with defaults.
    pub(crate) arguments: BTreeMap<String, Value>,
    /// The commands known at the moment.
    pub(crate) catalogue: Arc<Catalogue>,
    /// The bus.
    pub(crate) bus: Bus,
    /// The policy that decides.
    pub(crate) policy: Arc<Policy>,
    /// Name and version of the program and the worker.
    pub(crate) about: Arc<About>,
}

impl Asked {
    /// The request that asks.
    pub(crate) fn request(&self) -> &Request {
        self.asker.request()
    }

    /// A text argument.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(Value::as_str)
    }
}

/// What `version` tells.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Version of the program.
    pub(crate) version: String,
    /// Name of the worker.
    pub(crate) worker: String,
}

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell the person, Markdown; the title first.
    Told(Box<Reply>),
    /// A fault, for operators.
    Fault(BusError),
}

impl Failure {
    /// A failure that the person can understand and mend.
    pub(crate) fn told(title: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Told(Box::new(Reply::failure(title).text(next)))
    }
}

impl From<BusError> for Failure {
    fn from(error: BusError) -> Self {
        Self::Fault(error)
    }
}

/// A command that is part of the program.
#[async_trait]
pub(crate) trait Command: Send + Sync {
    /// Its description.
    fn spec(&self) -> CommandSpec;

    /// Runs it.
    async fn run(&self, asked: &Asked) -> Result<Reply, Failure>;

    /// The line that this one stands for, if it stands for another; that line is then parsed, authorized and run instead.
    async fn stands_for(&self, _asked: &Asked) -> Result<Option<String>, Standstill> {
        Ok(None)
    }
}

/// Why a line could not be replaced by the one it stands for.
#[derive(Debug)]
pub(crate) enum Standstill {
    /// There is none: a no for the person.
    Refused(Refusal),
    /// The bus failed; worth another try.
    Bus(BusError),
}

impl From<BusError> for Standstill {
    fn from(error: BusError) -> Self {
        Self::Bus(error)
    }
}

/// Every built-in command.
pub(crate) fn all() -> Vec<Arc<dyn Command>> {
    vec![
        Arc::new(help::Help),
        Arc::new(help_search::HelpSearch),
        Arc::new(whoami::Whoami),
        Arc::new(ping::Ping),
        Arc::new(version::Version),
        Arc::new(status::Status),
        Arc::new(history::History),
        Arc::new(home::Home),
        Arc::new(rerun::Rerun),
        Arc::new(cancel::Cancel),
        Arc::new(why::Why),
        Arc::new(notify::Notify),
        Arc::new(catalogue::Commands),
        Arc::new(freeze::On),
        Arc::new(freeze::Off),
        Arc::new(freeze::Status),
        Arc::new(policy::Publish),
        Arc::new(policy::Rollback),
        Arc::new(policy::Status),
        Arc::new(policy::History),
    ]
}

/// The description of every built-in command.
#[must_use]
pub fn built_in() -> Vec<CommandSpec> {
    all().iter().map(|command| command.spec()).collect()
}

/// A path that is written in the code.
#[expect(
    clippy::expect_used,
    reason = "the text is a literal; the test of the built-in list reads every one"
)]
fn path(text: &'static str) -> CommandPath {
    text.parse().expect("literal command path")
}
