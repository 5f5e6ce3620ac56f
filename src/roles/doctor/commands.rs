//! The commands that there are: those of this program and those that services offer now, names that two of them want, and commands
//! that policy names and nobody offers.

use std::sync::Arc;

use adjutant_bus::{service::Offer, spec::CommandSpec};
use adjutant_gateway::Finding;
use adjutant_policies::Vocabulary;
use adjutant_workers::catalogue::{Catalogue, CatalogueProblem, Entry, Source};

use super::{
    policy::{self, AWAY},
    site::Site,
};
use crate::roles::{many, parts, specs};

pub(super) async fn examine(site: &Arc<Site>) -> Vec<Finding> {
    let offers = match site.offers().await {
        Ok(offers) => offers,
        Err(no_bus) => {
            let own = many(adjutant_workers::built_in().len(), "built-in command");
            return vec![Finding::good("built-in commands", own), no_bus.finding("services")];
        }
    };
    let (catalogue, problems) = catalogue(offers);
    let mut findings = vec![services(offers)];
    findings.extend(problems.iter().map(conflict));
    findings.push(away(site, &catalogue).await);
    findings
}

/// The words that policy may use: of the commands that there are now; where that cannot be learnt, of those that are known.
pub(super) async fn vocabulary(site: &Site) -> Vocabulary {
    match site.offers().await {
        Ok(offers) => adjutant_workers::vocabulary(&catalogue(offers).0, &site.config().trusted_homes()),
        Err(_) => parts::vocabulary(site.config()),
    }
}

/// The commands of the catalogue as gateways have it.
pub(super) async fn specs(site: &Site) -> Option<Vec<CommandSpec>> {
    let offers = site.offers().await.ok()?;
    Some(specs::merged(&adjutant_workers::built_in(), offers.clone()))
}

fn catalogue(offers: &[Offer]) -> (Catalogue, Vec<CatalogueProblem>) {
    let own = adjutant_workers::built_in().into_iter().map(|spec| Entry::new(spec, Source::BuiltIn));
    let offered = offers.iter().flat_map(|offer| {
        let source = Source::Service { name: offer.name.clone() };
        offer.commands.iter().map(move |spec| Entry::new(spec.clone(), source.clone()))
    });
    Catalogue::new(own.chain(offered))
}

fn services(offers: &[Offer]) -> Finding {
    const WHAT: &str = "services";
    if offers.is_empty() {
        return Finding::good(WHAT, "none offers commands now");
    }
    let one = |offer: &Offer| {
        format!("{} {} ({})", offer.name, offer.version, many(offer.commands.len(), "command"))
    };
    Finding::good(WHAT, offers.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// A command, or one of its names, that is left out.
fn conflict(problem: &CatalogueProblem) -> Finding {
    let fix = match problem {
        CatalogueProblem::BadSpec { .. } => "Correct how the service describes it.",
        CatalogueProblem::Taken { .. } => "Rename one of the two, or withdraw one of the services.",
    };
    Finding::bad("commands left out", false, problem.to_string(), fix)
}

/// Commands that policy names and nobody offers now.
async fn away(site: &Arc<Site>, catalogue: &Catalogue) -> Finding {
    const WHAT: &str = "commands in policy";
    let Ok((files, _)) = policy::files(site).await else {
        return Finding::unseen(WHAT, "the policy cannot be read");
    };
    let words = adjutant_workers::vocabulary(catalogue, &site.config().trusted_homes());
    let found = adjutant_policies::check_files(&files, &parts::policy(site.config()), &words);
    let missing: Vec<String> = found
        .findings
        .iter()
        .filter(|finding| finding.code == AWAY)
        .map(|finding| format!("{}: {}", finding.place(), finding.message))
        .collect();
    absent(WHAT, &missing)
}

fn absent(what: &str, missing: &[String]) -> Finding {
    const SHOWN: usize = 3;
    if missing.is_empty() {
        return Finding::good(what, "all are offered");
    }
    let shown = missing.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    let more =
        if missing.len() > SHOWN { format!("\nand {} more", missing.len() - SHOWN) } else { String::new() };
    let fix = "Start the services that offer them; or take the rows out.";
    Finding::bad(what, false, format!("nobody offers:\n{shown}{more}"), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(name: &str, paths: &[&str]) -> Offer {
        let commands = paths.iter().map(|path| CommandSpec::new(path.parse().unwrap(), path)).collect();
        Offer { name: name.to_owned(), version: "1.0.0".to_owned(), description: String::new(), commands }
    }

    #[test]
    fn two_services_with_one_name_are_a_conflict() {
        let mut other = offer("two", &["deploy list"]);
        other.commands[0].summary = "another one".to_owned();
        let offers = [offer("one", &["deploy list"]), other];
        let (_, problems) = catalogue(&offers);
        let found: Vec<Finding> = problems.iter().map(conflict).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].fatal && found[0].found.contains("`deploy list` is offered twice"), "{found:?}");
        assert_eq!(services(&offers).found, "one 1.0.0 (1 command), two 1.0.0 (1 command)");
        assert!(catalogue(&[offer("one", &["deploy list"])]).1.is_empty());
    }

    #[test]
    fn a_command_that_nobody_offers_is_a_warning() {
        assert!(absent("x", &[]).ok);
        let found = absent("x", &["policy.csv:3: `deploy.list` names no command".to_owned()]);
        assert!(!found.ok && !found.fatal && found.found.contains("policy.csv:3"), "{found:?}");
    }
}
