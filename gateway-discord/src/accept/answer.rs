//! The first answer to an interaction (Discord: "Interaction Callback Type").

use adjutant_bus::{
    TraceContext,
    id::{RequestId, RunId},
};
use serde_json::{Value, json};

use crate::{
    answered::{First, Promise},
    render::{self, Message},
    web::EPHEMERAL,
};

/// What to answer, and for which request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The body of the callback.
    pub(crate) body: Value,
    /// What is left to be said after it.
    pub(crate) first: First,
    pub(crate) request: Option<RequestId>,
    /// The trace that it belongs to.
    pub(crate) trace: Option<TraceContext>,
}

impl Answer {
    const fn new(body: Value) -> Self {
        Self { body, first: First::Whole, request: None, trace: None }
    }

    pub(super) fn pong() -> Self {
        Self::new(json!({ "type": 1 }))
    }

    pub(super) fn message(message: Message, ephemeral: bool) -> Self {
        let mut data = message.body;
        if ephemeral {
            data.insert("flags".to_owned(), EPHEMERAL.into());
        }
        Self::new(json!({ "type": 4, "data": data }))
    }

    /// The result follows. Who sees it is fixed by this.
    pub(super) fn deferred(ephemeral: bool) -> Self {
        let data = if ephemeral { json!({ "flags": EPHEMERAL }) } else { json!({}) };
        Self {
            first: First::Deferred(Promise { ephemeral, said: 0 }),
            ..Self::new(json!({ "type": 5, "data": data }))
        }
    }

    pub(super) fn choices(choices: Vec<Value>) -> Self {
        Self::new(json!({ "type": 8, "data": { "choices": choices } }))
    }

    pub(super) fn modal(modal: Value) -> Self {
        Self::new(json!({ "type": 9, "data": modal }))
    }

    pub(super) fn not_accepted(why: &str) -> Self {
        Self::message(render::plain(&not_accepted(why)), true)
    }

    pub(super) fn uncertain(run: RunId) -> Self {
        Self::message(render::plain(&uncertain(run)), true)
    }

    pub(super) fn of(self, request: RequestId) -> Self {
        Self { request: Some(request), trace: TraceContext::current(), ..self }
    }
}

pub(super) fn not_accepted(why: &str) -> String {
    format!("This could not be accepted: {why}. Nothing was done; try again in a moment.")
}

pub(super) fn uncertain(run: RunId) -> String {
    format!(
        "The bus did not answer, so it is not certain that this was accepted. `status {run}` tells once it is back."
    )
}
