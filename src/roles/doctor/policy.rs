//! The policy that decisions go by: the published one, or the files here. Whether it loads, its findings and tests, its age, and
//! the homes whose members are trusted.

use std::{sync::Arc, time::Duration};

use adjutant_bus::bundle::{self, Bundle};
use adjutant_gateway::Finding;
use adjutant_policies::{Files, Findings, Options, Severity, Vocabulary};
use jiff::Timestamp;

use super::{
    commands,
    record::ago,
    site::{NoBus, Site},
};
use crate::{
    config::Config,
    roles::{many, parts},
};

const WHAT: &str = "policy";
/// How long the bus may take to give the newest one. A user that may not read it gets no answer.
const NEWEST: Duration = Duration::from_secs(5);
/// Rules that are no mistake of the policy where a service is away; the part `commands` names them.
pub(super) const AWAY: &str = "unknown-command";
/// Rules of the policy's own tests.
const TESTS: [&str; 2] = ["test-failed", "test-form"];
/// Findings that are told one by one.
const TOLD: usize = 3;

pub(super) async fn examine(site: &Arc<Site>) -> Vec<Finding> {
    let (files, source) = match files(site).await {
        Ok(read) => read,
        Err(finding) => return vec![finding, homes(site.config())],
    };
    let words = commands::vocabulary(site).await;
    site.blocking(move |site| {
        let options = parts::policy(site.config());
        let mut findings = judge(&files, &source, &options, &words);
        findings.push(homes(site.config()));
        findings
    })
    .await
}

/// The files that decisions go by, and where they come from.
pub(super) async fn files(site: &Arc<Site>) -> Result<(Files, String), Finding> {
    if parts::policy_is_published(site.config()) {
        return published(site).await;
    }
    let folder = parts::policy(site.config()).folder;
    let Some(folder) = folder else { return Ok((Files::shipped(), "the one that ships".to_owned())) };
    let source = folder.display().to_string();
    let read = tokio::task::spawn_blocking(move || Files::read(&folder)).await;
    let fix = "Put the files there, or correct policy.source.";
    match read {
        Ok(Ok(files)) => Ok((files, source)),
        Ok(Err(why)) => Err(Finding::bad(WHAT, true, why, fix)),
        Err(fault) => Err(Finding::bad(WHAT, true, fault.to_string(), fix)),
    }
}

async fn published(site: &Arc<Site>) -> Result<(Files, String), Finding> {
    let bus = match site.bus().await {
        Ok(bus) => bus,
        Err(NoBus::Alone(how)) => return Err(NoBus::Alone(how).finding(WHAT)),
        Err(broken) => return Err(broken.finding(WHAT)),
    };
    match tokio::time::timeout(NEWEST, bundle::newest(bus)).await {
        Ok(Ok(Some(bundle))) => {
            let source = told(&bundle, Timestamp::now());
            let unpacked = Files::unpack(&bundle.files).map(|files| (files, source));
            unpacked
                .map_err(|why| Finding::bad(WHAT, true, why, "Publish it again: `adjutant policy publish`."))
        }
        Ok(Ok(None)) => {
            let fix = "`adjutant policy publish --as-operator` publishes the first one.";
            Err(Finding::bad(WHAT, true, "none is published: everything is refused", fix))
        }
        _ => {
            let fix =
                "Run it as a user that may read the bucket policy: admin, worker, api or gateway-console.";
            Err(Finding::bad(WHAT, false, "the published one cannot be read", fix))
        }
    }
}

fn told(bundle: &Bundle, now: Timestamp) -> String {
    format!(
        "version {}, published {} ago by {}",
        bundle.named.version,
        ago(now.duration_since(bundle.at)),
        bundle.author
    )
}

fn judge(files: &Files, source: &str, options: &Options, words: &Vocabulary) -> Vec<Finding> {
    const CHECK: &str = "`adjutant policy check` shows each with its line.";
    let found = adjutant_policies::check_files(files, options, words);
    let loaded = adjutant_policies::open(files, options, words, 0);
    let mut findings = vec![match loaded {
        Ok(_) => Finding::good(WHAT, format!("{source} ({}) loads", files.digest())),
        Err(errors) => {
            let told =
                format!("{source} does not load: {}", list(&errors, |one| one.severity == Severity::Error));
            Finding::bad(WHAT, true, told, CHECK)
        }
    }];
    let of_tests = |one: &adjutant_policies::Finding| TESTS.contains(&one.code);
    let failed = found.findings.iter().filter(|one| of_tests(one)).count();
    findings.push(match (failed, files.tests.is_empty()) {
        (0, true) => Finding::good("policy tests", "there are none"),
        (0, false) => Finding::good("policy tests", "they pass"),
        _ => {
            let fix = "Correct the policy or the tests: a policy whose tests fail is not put in force. `adjutant policy test` shows each.";
            Finding::bad("policy tests", true, list(&found, of_tests), fix)
        }
    });
    let warns = |one: &adjutant_policies::Finding| one.severity == Severity::Warning && one.code != AWAY;
    if found.findings.iter().any(warns) {
        findings.push(Finding::bad("policy findings", false, list(&found, warns), CHECK));
    }
    findings
}

/// The first few, and how many more.
fn list(findings: &Findings, which: impl Fn(&adjutant_policies::Finding) -> bool) -> String {
    let all: Vec<String> = findings
        .findings
        .iter()
        .filter(|one| which(one))
        .map(|one| format!("{}: {}", one.place(), one.message))
        .collect();
    let shown = all.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n");
    if all.len() > TOLD { format!("{shown}\nand {} more", all.len() - TOLD) } else { shown }
}

/// The homes whose members are trusted, and platforms that have none.
fn homes(config: &Config) -> Finding {
    const HOMES: &str = "trusted homes";
    let homes = config.trusted_homes();
    let served = [
        ("Slack", "slack:", !parts::slack(config).bot_tokens.is_empty()),
        ("Discord", "discord:", parts::discord(config).bot_token.is_some()),
    ];
    let without: Vec<&str> = served
        .into_iter()
        .filter(|(_, prefix, served)| *served && !homes.iter().any(|home| home.starts_with(prefix)))
        .map(|(platform, ..)| platform)
        .collect();
    if without.is_empty() {
        let told = if homes.is_empty() {
            "none".to_owned()
        } else {
            format!("{}: {}", many(homes.len(), "home"), homes.join(", "))
        };
        return Finding::good(HOMES, told);
    }
    let told =
        format!("none on {}: everybody there is `external`, and in no group", without.join(" and on "));
    let fix = "Name your workspaces in policy.trusted_homes (\"slack:T…\") and your servers in discord.trusted_guilds.";
    Finding::bad(HOMES, false, told, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vocabulary {
        adjutant_workers::vocabulary(&parts::catalogue(), &["console:local".to_owned()])
    }

    fn with(change: impl FnOnce(&mut Files)) -> Vec<Finding> {
        let mut files = Files::shipped();
        change(&mut files);
        judge(&files, "here", &Options::new(None), &words())
    }

    #[test]
    fn the_policy_that_ships_loads_and_its_tests_pass() {
        let found = with(|_| {});
        assert!(found.iter().all(|one| one.ok), "{found:#?}");
        assert!(found[0].found.starts_with("here (") && found[1].found == "they pass", "{found:#?}");
    }

    #[test]
    fn a_policy_that_does_not_load_fails_with_the_place_of_the_mistake() {
        let found = with(|files| files.policy.extend_from_slice(b"p, everyone, *, ping, run, allow\n"));
        assert!(found[0].fatal && found[0].found.contains("policy.csv:"), "{found:#?}");
        assert!(found[0].fix.contains("adjutant policy check"));
    }

    #[test]
    fn a_failing_test_fails() {
        let found =
            with(|files| files.tests.extend_from_slice(b"deny, everyone, console:local/x, help, view, *\n"));
        assert!(found[1].fatal && found[1].found.contains("policy.test:"), "{found:#?}");
    }
}
