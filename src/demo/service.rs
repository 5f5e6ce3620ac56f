//! The service: answers each call once, whatever is repeated, and refuses a caller that was overtaken.

use std::{path::Path, time::Duration};

use adjutant_bus::{
    event::Progress,
    ports::{ProgressSink, Serve},
    reply::Reply,
    service::Call,
    spec::Effect,
};
use anyhow::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::error;

use super::{
    commands::{self, Command},
    state::{Keeper, State},
};

/// The deployments service.
pub(crate) struct Deployments {
    state: Mutex<State>,
    turn: Mutex<()>,
    keeper: Option<Keeper>,
    step: Duration,
}

/// One call at work.
pub(super) struct Work<'a> {
    pub(super) state: State,
    pub(super) call: &'a Call,
    progress: &'a ProgressSink,
    step: Duration,
}

impl Work<'_> {
    /// A text argument.
    pub(super) fn text(&self, name: &str) -> &str {
        self.call.arguments.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Takes the time of one step, after saying what it is.
    pub(super) async fn step(&self, percent: u8, text: impl Into<String>) {
        // A caller that does not listen any more does not stop the work.
        let _ = self.progress.try_send(Progress { text: text.into(), percent: Some(percent) });
        tokio::time::sleep(self.step).await;
    }

    /// The app that was named, or who it may have been.
    pub(super) fn app(&self) -> Result<String, String> {
        let name = self.text("app").to_lowercase();
        if self.state.apps.contains_key(&name) {
            return Ok(name);
        }
        let like = |known: &&String| strsim::normalized_damerau_levenshtein(known, &name);
        let near = self
            .state
            .apps
            .keys()
            .filter(|known| like(known) > 0.5)
            .max_by(|a, b| like(a).total_cmp(&like(b)));
        let known: Vec<&str> = self.state.apps.keys().map(String::as_str).collect();
        Err(match near {
            Some(near) => format!("There is no app `{name}`; did you mean `{near}`?"),
            None => format!("There is no app `{name}`; there are {}.", known.join(", ")),
        })
    }
}

impl Deployments {
    /// Reads the state, if it is kept in a file.
    pub(crate) fn open(path: Option<&Path>, step: Duration) -> Result<Self> {
        let (keeper, state) = match path.map(Keeper::open).transpose()? {
            Some((keeper, state)) => (Some(keeper), state),
            None => (None, State::first()),
        };
        Ok(Self { state: Mutex::new(state), turn: Mutex::new(()), keeper, step })
    }

    async fn mutate(&self, command: &Command, call: &Call, progress: &ProgressSink) -> Result<Reply, String> {
        self.state.lock().await.arrive(call.request, call.fence)?;
        // One at a time: the turn is the queue. The state stays open to readers, and to whoever takes a request over.
        let _turn = self.turn.lock().await;
        let state = self.state.lock().await.clone();
        if let Some(reply) = state.arrived(call.request, call.fence)? {
            return Ok(reply);
        }
        if Timestamp::now() >= call.deadline {
            return Err("It waited for its turn until nobody waited for it; nothing was changed.".to_owned());
        }
        let mut work = Work { state, call, progress, step: self.step };
        let reply = (command.run)(&mut work).await?;
        self.commit(work.state, call, &reply).await?;
        Ok(reply)
    }

    /// Takes over what was done, unless another worker has come for the same request meanwhile.
    async fn commit(&self, done: State, call: &Call, reply: &Reply) -> Result<(), String> {
        let mut state = self.state.lock().await;
        state.arrived(call.request, call.fence)?;
        let mut next = State { apps: done.apps, answered: state.answered.clone() };
        next.note(call.request, call.fence, Some(reply.clone()));
        self.keep(&next)?;
        *state = next;
        Ok(())
    }

    fn keep(&self, state: &State) -> Result<(), String> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        keeper.write(state).map_err(|fault| {
            error!(%fault, "the state of the deployments cannot be kept");
            "The service cannot write its state; nothing was changed.".to_owned()
        })
    }
}

#[async_trait]
impl Serve for Deployments {
    async fn serve(&self, call: Call, progress: ProgressSink) -> Result<Reply, String> {
        let found = commands::ALL.iter().find(|command| (command.spec)().path == call.path);
        let command = found.ok_or_else(|| format!("This service has no command `{}`.", call.path))?;
        if (command.spec)().effect == Effect::Mutating {
            return self.mutate(command, &call, &progress).await;
        }
        let state = self.state.lock().await.clone();
        (command.run)(&mut Work { state, call: &call, progress: &progress, step: self.step }).await
    }
}

#[cfg(test)]
mod tests;
