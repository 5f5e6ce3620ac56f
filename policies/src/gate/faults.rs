//! Trap 50: an engine that panics or fails inside of a decision. The model here is one that the loader would refuse; it is
//! smuggled past it, to see what the gate makes of it.

use std::collections::BTreeMap;

use adjutant_bus::spec::Action;

use super::{Ask, Gate};
use crate::{
    Dimension, Files, Options, Vocabulary,
    load::{Purpose, draft},
};

fn vocabulary() -> Vocabulary {
    Vocabulary {
        commands: ["deploy.promote".to_owned()].into(),
        context: BTreeMap::new(),
        binds: BTreeMap::new(),
        trusted_homes: vec!["slack:T0ACME".to_owned()],
    }
}

/// A gate on the shipped model with `placeMatch` replaced.
fn gate(place_match: &str) -> Gate {
    let mut files = Files::shipped();
    files.policy = b"p, Engineering, slack:T0ACME/*, deploy.promote, run, *, allow\n".to_vec();
    files.lock = b"slack:T0ACME/S0ENG, Engineering, E\n".to_vec();
    files.tests.clear();
    let (drafted, findings) = draft(&files, &Options::new(None), &vocabulary(), Purpose::Check);
    let mut drafted = drafted.unwrap_or_else(|| panic!("{findings}"));
    drafted.model = drafted.model.replace("placeMatch(r.place, p.place)", place_match);
    Gate::build(drafted, 1).unwrap_or_else(|findings| panic!("{findings}"))
}

#[test]
fn a_panic_or_an_error_of_the_engine_is_a_refusal_with_an_incident_and_the_gate_goes_on() {
    for (model, odd) in [
        // `keyMatch` cuts the place at the byte where the pattern has its `*`, be it in the middle of a character.
        ("keyMatch(r.place, p.place)", "slack:T0ACME😀/C1"),
        // A condition that is no truth value, for some places only.
        ("(placeMatch(r.place, p.place) || r.place)", "discord:9001/1"),
    ] {
        let gate = gate(model);
        let engineer = gate.caller_in("slack:T0ACME/U1", ["Engineering".to_owned()]);
        let context = BTreeMap::new();
        let ask = |place| {
            gate.decide(&Ask {
                caller: &engineer,
                place,
                command: "deploy.promote",
                action: Action::Run,
                context: &context,
            })
        };
        for _ in 0..3 {
            let failed = ask(odd);
            assert!(!failed.authorization.allowed, "{model}");
            let denial = failed.denial.unwrap_or_else(|| panic!("{model}"));
            assert_eq!((denial.dimension, denial.incident.is_some()), (Dimension::Engine, true), "{model}");
            assert!(
                ask("slack:T0ACME/C1").authorization.allowed,
                "{model}: the next request is served by the same gate"
            );
        }
    }
}

#[test]
fn an_engine_that_allows_what_its_twin_refuses_is_not_believed() {
    let mut files = Files::shipped();
    files.policy = b"p, Engineering, slack:T0ACME/C1, deploy.promote, run, *, allow\n".to_vec();
    files.lock = b"slack:T0ACME/S0ENG, Engineering, E\n".to_vec();
    files.tests.clear();
    let (drafted, _) = draft(&files, &Options::new(None), &vocabulary(), Purpose::Check);
    let mut drafted = drafted.unwrap_or_else(|| panic!("the files are good"));
    drafted.model = drafted.model.replace(" && placeMatch(r.place, p.place)", "");
    let gate = Gate::build(drafted, 1).unwrap_or_else(|findings| panic!("{findings}"));
    let engineer = gate.caller_in("slack:T0ACME/U1", ["Engineering".to_owned()]);
    let context = BTreeMap::new();
    let elsewhere = Ask {
        caller: &engineer,
        place: "slack:T0ACME/C2",
        command: "deploy.promote",
        action: Action::Run,
        context: &context,
    };
    let verdict = gate.decide(&elsewhere);
    assert!(!verdict.authorization.allowed);
    assert_eq!(verdict.denial.map(|denial| denial.dimension), Some(Dimension::Engine));
}
