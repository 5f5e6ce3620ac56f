//! Policy files in a body: tried, and put in force nowhere.

use std::{collections::BTreeMap, time::Duration};

use adjutant_policies::{CaseResult, Files, Severity};
use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{App, Shared},
    auth::{Auth, PolicyRead},
    http::Body,
    problem::{Problem, Problems},
};

/// Most bytes of a body with files.
pub(super) const BODY: usize = 4 * 1024 * 1024;

/// How long a policy waits for its turn.
const TURN: Duration = Duration::from_secs(10);

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(test)).layer(DefaultBodyLimit::max(BODY))
}

/// Files of a policy, as texts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// `policy.csv`; as it is in force when it is not given. So are the others.
    #[serde(rename = "policy.csv")]
    policy: Option<String>,
    /// `policy.lock`.
    #[serde(rename = "policy.lock")]
    lock: Option<String>,
    /// `policy.test`.
    #[serde(rename = "policy.test")]
    tests: Option<String>,
    /// `policy.toml`.
    #[serde(rename = "policy.toml")]
    settings: Option<String>,
    /// `model.conf`.
    #[serde(rename = "model.conf")]
    model: Option<String>,
}

impl Given {
    /// These, and the others as they are in force.
    pub(super) async fn complete(self, app: &App) -> Result<Files, Problem> {
        let base = app.policy.files().await.unwrap_or_else(Files::shipped);
        let in_force = base.named().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes).into_owned()));
        let mut files: BTreeMap<String, String> =
            in_force.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        let given = [
            ("policy.csv", self.policy),
            ("policy.lock", self.lock),
            ("policy.test", self.tests),
            ("policy.toml", self.settings),
            ("model.conf", self.model),
        ];
        files.extend(given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))));
        Files::of(files).map_err(|why| Problem::invalid("/files", why))
    }
}

/// A policy to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Candidate {
    /// Its files.
    files: Given,
}

/// Something that is wrong with a file, or deserves a look.
#[derive(Serialize, ToSchema)]
struct Found {
    /// `error` or `warning`; an error keeps it from being put in force.
    severity: &'static str,
    /// The name of the rule; docs/policy.md lists them.
    rule: &'static str,
    /// The file.
    file: String,
    /// Line, from 1; 0 when it is about no line.
    line: usize,
    /// Column, from 1.
    column: usize,
    /// What is wrong.
    message: String,
}

/// How one line of `policy.test` went.
#[derive(Serialize, ToSchema)]
struct Case {
    /// Its line.
    line: usize,
    /// Whether policy says what it expects.
    passed: bool,
    /// What was expected, what came, and what was asked.
    told: String,
    /// What decided.
    decided: String,
}

impl From<CaseResult> for Case {
    fn from(result: CaseResult) -> Self {
        Self { line: result.line, passed: result.passed, told: result.told, decided: result.decided }
    }
}

/// What came of it.
#[derive(Serialize, ToSchema)]
struct Outcome {
    /// Whether it could be put in force.
    good: bool,
    /// SHA-256 of the files, hexadecimal.
    sha256: String,
    /// What the checks found.
    findings: Vec<Found>,
    /// How its tests went; empty when it cannot be loaded.
    results: Vec<Case>,
}

/// Try a policy.
///
/// Its files are checked and its tests are run against the commands that are known now. Nothing is put in force.
#[utoipa::path(
    post,
    path = "/policy/test",
    tag = "policy",
    operation_id = "test_policy",
    request_body = Candidate,
    responses((status = 200, description = "What came of it.", body = Outcome), Problems)
)]
async fn test(
    State(app): State<Shared>,
    _caller: Auth<PolicyRead>,
    Body(candidate): Body<Candidate>,
) -> Result<Json<Outcome>, Problem> {
    let files = candidate.files.complete(&app).await?;
    let sha256 = files.sha256();
    let busy = || Problem::unavailable("Other policies are being tried; try again in a moment.");
    let _turn = tokio::time::timeout(TURN, app.trying.acquire()).await.map_err(|_| busy())?;
    let tried = app.policy.tried(files).await.map_err(|fault| Problem::fault(&fault))?;
    let found = tried.findings.findings.iter().map(|finding| Found {
        severity: match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        rule: finding.code,
        file: finding.file.clone(),
        line: finding.line,
        column: finding.column,
        message: finding.message.clone(),
    });
    Ok(Json(Outcome {
        good: tried.good(),
        sha256,
        findings: found.collect(),
        results: tried
            .report
            .map(|report| report.results.into_iter().map(Case::from).collect())
            .unwrap_or_default(),
    }))
}
