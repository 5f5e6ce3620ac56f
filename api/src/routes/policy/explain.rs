//! What policy says to a question, and why.

use std::collections::BTreeMap;

use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    mode,
};
use adjutant_policies::Ask;
use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    app::Shared,
    auth::{Auth, PolicyExplain},
    catalogue::{self, Catalogue},
    http::Body,
    problem::{Problem, Problems},
};

/// Most groups in a question.
const MOST_GROUPS: usize = 64;
/// Longest text in a question.
const LONGEST: usize = 255;

/// A question to policy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// Who: `svc:<name>`; the caller when neither this nor `groups` is given.
    #[schema(max_length = 255)]
    subject: Option<String>,
    /// Or somebody who is in these groups of the policy.
    #[schema(max_items = 64)]
    groups: Option<Vec<String>>,
    /// Name of the command, with dots or blanks.
    #[schema(max_length = 255)]
    command: String,
    /// Its arguments; without them the keys of the context are as `context` says.
    #[schema(value_type = Option<Object>)]
    args: Option<Map<String, Value>>,
    /// What policy is told of the arguments, by key.
    #[serde(default)]
    context: BTreeMap<String, String>,
    /// Where: `slack:T0ACME/C0DEPLOY`; the API when it is not given.
    #[schema(max_length = 255)]
    place: Option<String>,
    /// When; now when it is not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// What policy says, and why.
#[derive(Serialize, ToSchema)]
pub(super) struct Told {
    /// The verdict.
    allowed: bool,
    /// The row that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<String>,
    /// The groups that count.
    groups: Vec<String>,
    /// What policy was told of the arguments.
    context: BTreeMap<String, String>,
    /// Why not, and what would have to be different.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Value::is_null")]
    denial: Value,
    /// The rows that come nearest to allowing it.
    #[schema(value_type = Vec<Object>)]
    nearest: Value,
    /// Which policy says so.
    policy_version: String,
}

/// Ask what policy would say.
#[utoipa::path(
    post,
    path = "/policy/explain",
    tag = "policy",
    operation_id = "explain_policy",
    request_body = Question,
    responses((status = 200, description = "What it says.", body = Told), Problems)
)]
pub(super) async fn explain(
    State(app): State<Shared>,
    caller: Auth<PolicyExplain>,
    Body(question): Body<Question>,
) -> Result<Json<Told>, Problem> {
    let gate = app.policy.gate();
    let gate =
        gate.ok_or_else(|| Problem::unavailable("No policy is in force, so everything is refused."))?;
    let catalogue = Catalogue::new(app.specs.borrow().clone());
    let spec = catalogue.named(&question.command);
    let spec = spec.ok_or_else(|| Problem::invalid("/command", "no command of this name is known"))?;
    let arguments = match question.args {
        Some(args) => catalogue::check(spec, args)?,
        None => BTreeMap::new(),
    };
    let mut context = catalogue.context(spec, &arguments);
    let freeze = mode::load(&app.bus).await.ok().and_then(|mode| mode.is_frozen(Timestamp::now()));
    context.extend(gate.circumstances(question.at.unwrap_or_else(Timestamp::now), freeze));
    for (key, value) in question.context {
        match context.get_mut(&key) {
            Some(known) => *known = value,
            None => return Err(Problem::invalid("/context", "no command tells policy of this key")),
        }
    }
    let place = question.place.unwrap_or_else(|| caller.place().to_string());
    if place.chars().count() > LONGEST {
        return Err(Problem::invalid("/place", format!("at most {LONGEST} characters")));
    }
    let known = match (question.subject, question.groups) {
        (Some(_), Some(_)) => return Err(Problem::invalid("/groups", "either `subject` or `groups`")),
        (None, Some(groups)) if groups.len() <= MOST_GROUPS => gate.caller_in("somebody", groups),
        (None, Some(_)) => return Err(Problem::invalid("/groups", format!("at most {MOST_GROUPS}"))),
        (None, None) => gate.caller(&caller.actor(), &Membership::known(Vec::new())),
        (Some(subject), None) => {
            let name = subject.strip_prefix("svc:").filter(|name| (1..=LONGEST).contains(&name.len()));
            let name =
                name.ok_or_else(|| Problem::invalid("/subject", "`svc:` and the name of a service"))?;
            let actor = Actor {
                platform: Platform::Api,
                tenant: Tenant::new("-"),
                user: name.to_owned(),
                label: String::new(),
                standing: Standing::Service,
            };
            gate.caller(&actor, &Membership::known(Vec::new()))
        }
    };
    let command = spec.path.dotted();
    let explanation = gate.explain(&Ask {
        caller: &known,
        place: &place,
        command: &command,
        action: spec.action,
        context: &context,
    });
    Ok(Json(Told {
        allowed: explanation.allowed,
        row: explanation.row,
        groups: known.groups(),
        context,
        denial: explanation.denial.map_or(Value::Null, |denial| json!(denial)),
        nearest: json!(explanation.nearest),
        policy_version: gate.version().to_owned(),
    }))
}
