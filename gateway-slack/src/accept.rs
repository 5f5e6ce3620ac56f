//! The way in, the same for sockets and HTTP: read, identify, put on the bus, and only then acknowledge. Never longer than
//! the platform's three seconds.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    actor::{Actor, Platform},
    place::Place,
    request::Request,
    wire::Version,
};
use adjutant_gateway::{Deliver, Delivered, Specs};
use adjutant_metrics::gateway::Ear;
use adjutant_traces::{Attribute, Name, Span};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::{
    inbound::{self, Ask, Inbound, Person},
    modal::{self, Origin},
    payload::{Callback, Interaction, Slash},
    people::People,
    web::FAST,
    workspace::{Workspace, Workspaces},
};

/// From the arrival of something to the last moment at which the bus may accept it.
const BUDGET: Duration = Duration::from_millis(2_400);
/// The channel of the app's home tab, as policy names it.
pub(crate) const HOME: &str = "home";
/// The command whose answer is the app's home tab.
const HOME_COMMAND: &str = "home";

/// What to answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Taken care of.
    Acknowledge,
    /// Not accepted: leave it, so that Slack delivers it again.
    Leave,
    /// Not accepted, and it will not come again: tell the person.
    Say(String),
    /// Answer a submitted modal: close it.
    Clear,
    /// Answer a submitted modal: keep it open, with this text below a field.
    Errors { block: String, text: String },
    /// Answer a question for options.
    Options(Vec<Value>),
    /// Answer the question whether the address is ours.
    Challenge(String),
}

/// The way in.
pub(crate) struct Accept {
    pub(crate) workspaces: Arc<Workspaces>,
    pub(crate) people: People,
    pub(crate) deliver: Arc<Deliver>,
    /// Hears what the platform sends.
    pub(crate) ear: Ear,
    pub(crate) specs: Specs,
    /// The slash command that takes any words.
    pub(crate) command: String,
}

impl Accept {
    /// An event of the Events API.
    pub(crate) async fn event(&self, payload: Value) -> Answer {
        let arrived = Instant::now();
        let callback: Callback = serde_json::from_value(payload).unwrap_or_default();
        let app = callback.api_app_id.clone();
        let inbound = inbound::event(&callback, |install| self.workspaces.us(install, app));
        self.accept(inbound, arrived).await.0
    }

    /// A slash command.
    pub(crate) async fn slash(&self, payload: Slash) -> Answer {
        let arrived = Instant::now();
        let inbound = inbound::slash(&payload, &self.command);
        match self.accept(inbound, arrived).await {
            (Answer::Leave, Some(why)) => Answer::Say(why),
            (answer, _) => answer,
        }
    }

    /// An interaction.
    pub(crate) async fn interaction(&self, payload: Value) -> Answer {
        let arrived = Instant::now();
        let payload: Interaction = serde_json::from_value(payload).unwrap_or_default();
        let team = |install: &inbound::Install| self.workspaces.find(install).map(|found| found.team.clone());
        let inbound = inbound::interaction(&payload, team);
        let asks = matches!(inbound, Inbound::Ask(_));
        let (answer, why) = self.accept(inbound, arrived).await;
        match (payload.kind.as_deref(), answer, why) {
            (Some("view_submission"), Answer::Leave, why) => Answer::Errors {
                block: first_block(&payload.view.state),
                text: why.unwrap_or_else(nothing_done),
            },
            (Some("view_submission"), Answer::Acknowledge, _) if asks => Answer::Clear,
            (_, Answer::Leave, why) => {
                self.tell(&payload, &why.unwrap_or_else(nothing_done));
                Answer::Acknowledge
            }
            (_, answer, _) => answer,
        }
    }

    /// Tells by the answer address that a click was not accepted.
    fn tell(&self, payload: &Interaction, why: &str) {
        let install =
            inbound::Install { team: payload.team.id.clone(), enterprise: payload.enterprise.id.clone() };
        let (Some(url), Some(workspace)) = (payload.response_url.clone(), self.workspaces.find(&install))
        else {
            return warn!("a click could not be accepted, and there is no address to say so");
        };
        let body = json!({ "response_type": "ephemeral", "replace_original": false, "text": why });
        tokio::spawn(async move {
            if let Err(error) = workspace.web.respond(&url, &body).await {
                warn!(%error, "a click could not be accepted, and that could not be said");
            }
        });
    }

    /// The answer; with `Leave` also why, for the person.
    async fn accept(&self, inbound: Inbound, arrived: Instant) -> (Answer, Option<String>) {
        match inbound {
            Inbound::Ask(ask) => self.ask(*ask, arrived).await,
            Inbound::Prefill { ask, trigger } => {
                let origin = Origin { channel: ask.channel, thread: ask.thread, answer: None, command: None };
                let Some(workspace) = self.workspaces.find(&ask.install) else {
                    return (Answer::Acknowledge, None);
                };
                self.open(&workspace, &trigger, modal::prefilled(&ask.text, &origin)).await;
                (Answer::Acknowledge, None)
            }
            Inbound::Home { install, person, event } => {
                let ask = Ask {
                    install,
                    person,
                    by: inbound::By::View,
                    channel: HOME.to_owned(),
                    thread: None,
                    private: true,
                    answer: None,
                    text: HOME_COMMAND.to_owned(),
                    raw: None,
                    trigger: None,
                    event,
                };
                self.ask(ask, arrived).await
            }
            Inbound::Options { path, argument, typed } => {
                (Answer::Options(self.options(&path, &argument, &typed)), None)
            }
            Inbound::GroupsChanged(install) => {
                if let Some(found) = self.workspaces.find(&install) {
                    self.people.forget_groups(&found.team).await;
                }
                (Answer::Acknowledge, None)
            }
            Inbound::UserChanged { install, user } => {
                if let Some(found) = self.workspaces.find(&install) {
                    self.people.forget_user(&found.team, &user).await;
                }
                (Answer::Acknowledge, None)
            }
            Inbound::Removed(install) => {
                warn!(team = install.team, "the app was removed from a workspace; it is served no more");
                self.workspaces.remove(&install);
                (Answer::Acknowledge, None)
            }
            Inbound::Challenge(challenge) => (Answer::Challenge(challenge), None),
            Inbound::Ignored(why) => {
                debug!(reason = why.as_str(), "nothing is asked");
                if why == inbound::Ignored::RateLimited {
                    warn!("Slack holds back events of this app: it sends more than 30,000 in an hour");
                }
                (Answer::Acknowledge, None)
            }
        }
    }

    async fn ask(&self, ask: Ask, arrived: Instant) -> (Answer, Option<String>) {
        let Some(workspace) = self.workspaces.find(&ask.install) else {
            warn!(team = ask.install.team, "a command from a workspace that is not configured");
            return (Answer::Acknowledge, None);
        };
        if let Some(view) = self.asks_for_more(&ask)
            && let Some(trigger) = &ask.trigger
            && self.open(&workspace, trigger, view).await
        {
            return (Answer::Acknowledge, None);
        }
        let span = Span::begin(Name::Receive).with(Attribute::Platform(Platform::Slack.as_str()));
        span.run(self.submit(&workspace, ask, arrived + BUDGET)).await
    }

    async fn submit(&self, workspace: &Workspace, ask: Ask, deadline: Instant) -> (Answer, Option<String>) {
        let request = self.request(workspace, ask).await;
        let run = request.id.run();
        match self.deliver.deliver(&request, deadline).await {
            Delivered::Accepted => {
                info!(run = %run, actor = %request.actor, "accepted");
                (Answer::Acknowledge, None)
            }
            Delivered::Not(why) | Delivered::Never(why) => {
                warn!(run = %run, why, "not accepted");
                (
                    Answer::Leave,
                    Some(format!(
                        "This could not be accepted: {why}. Nothing was done; try again in a moment."
                    )),
                )
            }
            Delivered::Uncertain => {
                warn!(run = %run, "not known whether it was accepted");
                (
                    Answer::Leave,
                    Some(format!(
                        "The bus did not answer, so it is not certain that this was accepted. `status {run}` tells once it is back."
                    )),
                )
            }
        }
    }

    async fn request(&self, workspace: &Workspace, ask: Ask) -> Request {
        let identity = Span::part(Name::Identify).run(self.people.identify(workspace, &ask.person)).await;
        let id = ask.id(&workspace.tenant);
        Request {
            v: Version,
            id,
            actor: Actor {
                platform: Platform::Slack,
                tenant: workspace.tenant.clone(),
                user: ask.person.id,
                label: identity.label,
                standing: identity.standing,
            },
            groups: identity.groups,
            place: Place {
                platform: Platform::Slack,
                tenant: workspace.tenant.clone(),
                channel: ask.channel,
                thread: ask.thread,
                private: ask.private,
                answer: ask.answer,
            },
            text: ask.text,
            raw: ask.raw,
            received_at: Timestamp::now(),
            expires_at: None,
        }
    }

    /// The modal for a command that cannot run without arguments that were not given.
    fn asks_for_more(&self, ask: &Ask) -> Option<Value> {
        ask.trigger.as_ref()?;
        let specs = self.specs.borrow().clone();
        let spec = modal::incomplete(&ask.text, &specs)?;
        let origin = Origin {
            channel: ask.channel.clone(),
            thread: ask.thread.clone(),
            answer: ask.answer.as_ref().map(|answer| answer.expose().to_owned()),
            command: None,
        };
        Some(modal::arguments(spec, &origin))
    }

    async fn open(&self, workspace: &Workspace, trigger: &str, view: Value) -> bool {
        let body = json!({ "trigger_id": trigger, "view": view });
        let opened = workspace.web.post("views.open", &body, FAST).await;
        if let Err(error) = &opened {
            warn!(%error, "a modal could not be opened");
        }
        opened.is_ok()
    }

    fn options(&self, path: &str, argument: &str, typed: &str) -> Vec<Value> {
        let specs = self.specs.borrow().clone();
        let spec = specs.iter().find(|spec| spec.path.to_string() == path);
        let arg = spec.and_then(|spec| spec.args.iter().find(|arg| arg.name == argument));
        match arg.map(|arg| &arg.kind) {
            Some(adjutant_bus::spec::ArgKind::Choice { choices }) => modal::options(choices, typed),
            _ => Vec::new(),
        }
    }

    /// Looks up the groups of every workspace, so that the first commands do not wait for it.
    pub(crate) async fn warm(&self) {
        for workspace in self.workspaces.all() {
            let bot = Person { id: workspace.bot.clone(), ..Person::default() };
            self.people.identify(workspace, &bot).await;
        }
    }
}

fn nothing_done() -> String {
    "This could not be accepted. Nothing was done; try again in a moment.".to_owned()
}

fn first_block(state: &Value) -> String {
    let values = state.get("values").and_then(Value::as_object);
    values.and_then(|values| values.keys().next().cloned()).unwrap_or_default()
}
