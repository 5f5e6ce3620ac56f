//! Subjects: the escape is injective and safe, and what is built can be parsed.

use std::collections::HashSet;

use adjutant_bus::{
    actor::{Platform, Tenant},
    id::{RequestId, RunId},
    subject::{JournalKey, Journals, Origin, Subject, Token},
};
use proptest::prelude::*;

fn platform() -> impl Strategy<Value = Platform> {
    prop::sample::select(Platform::ALL.to_vec())
}

proptest! {
    #[test]
    fn a_token_is_safe_in_subjects_and_keys(text in any::<String>()) {
        let token = Token::escape(&text);
        prop_assert!(!token.as_str().is_empty() && token.as_str().len() <= 64);
        prop_assert!(token.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"_-=".contains(&b)), "{token}");
        prop_assert_eq!(token.as_str().parse::<Token>().unwrap(), token);
    }

    #[test]
    fn a_token_gives_its_text_back_unless_it_is_a_digest(text in any::<String>()) {
        let token = Token::escape(&text);
        if token.as_str().starts_with("=h") {
            prop_assert!(text.len() > 16);
            prop_assert_eq!(token.unescape(), None);
        } else {
            prop_assert_eq!(token.unescape(), Some(text));
        }
    }

    #[test]
    fn different_texts_have_different_tokens(texts in prop::collection::hash_set("[=hA-F0-9a. é]{0,70}", 2..20)) {
        let tokens: HashSet<Token> = texts.iter().map(|text| Token::escape(text)).collect();
        prop_assert_eq!(tokens.len(), texts.len());
    }

    #[test]
    fn what_is_built_is_parsed_back(platform in platform(), tenant in any::<String>(), event in any::<String>()) {
        let tenant = Tenant::new(tenant);
        let origin = Origin::new(platform, &tenant);
        let request = RequestId::derive(platform, &tenant, &event);
        let key = JournalKey { origin: origin.clone(), request };
        for subject in [Subject::Command(origin.clone()), Subject::Journal(key), Subject::Notice(origin.clone()), Subject::Dead(origin.clone())] {
            let text = subject.to_string();
            prop_assert!(text.len() <= 256);
            prop_assert_eq!(text.parse::<Subject>().unwrap(), subject);
        }
        prop_assert_eq!(request.run().to_string().parse::<RunId>().unwrap(), request.run());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), tail in "[a-z.*>= ]{0,40}") {
        let _ = text.parse::<Subject>();
        if let Ok(subject) = format!("adjutant.v1.{tail}").parse::<Subject>() {
            prop_assert_eq!(subject.to_string(), format!("adjutant.v1.{tail}"));
        }
    }
}

#[test]
fn a_command_path_becomes_tokens() {
    let subject = Subject::Run("deploy promote".parse().unwrap());
    assert_eq!(subject.to_string(), "adjutant.v1.run.deploy.promote");
    assert_eq!("adjutant.v1.run.deploy.promote".parse(), Ok(subject));
    assert!("adjutant.v1.run.deploy promote".parse::<Subject>().is_err());
    assert!("adjutant.v1.run.>".parse::<Subject>().is_err());
}

#[test]
fn a_redelivered_event_has_the_same_id_and_neighbours_do_not() {
    let id = |tenant: &str, event: &str| RequestId::derive(Platform::Slack, &Tenant::new(tenant), event);
    assert_eq!(id("T0ACME", "Ev1"), id("T0ACME", "Ev1"));
    assert_ne!(id("T0ACME", "Ev1"), id("T0ACMEE", "v1"));
    assert_ne!(id("T0ACME", "Ev1"), RequestId::derive(Platform::Discord, &Tenant::new("T0ACME"), "Ev1"));
}

#[test]
fn a_run_id_is_read_as_people_type_it() {
    let run: RunId = "7ZK3M0Q1".parse().unwrap();
    assert_eq!("#7zk3moql".parse::<RunId>().unwrap(), run);
    for wrong in ["7ZK3M0Q", "7ZK3M0Q1X", "7ZK3M0QU", "", "é7ZK3M0Q"] {
        assert!(wrong.parse::<RunId>().is_err(), "{wrong}");
    }
}

#[test]
fn a_filter_means_what_it_contains() {
    let tenant = Tenant::new("T0ACME");
    let request = RequestId::derive(Platform::Slack, &tenant, "Ev1");
    let key = JournalKey { origin: Origin::new(Platform::Slack, &tenant), request };
    for journals in [
        Journals::All,
        Journals::Platform(Platform::Slack),
        Journals::Origin(key.origin.clone()),
        Journals::Request(key.clone()),
        Journals::Run(request.run()),
    ] {
        assert!(journals.contain(&key), "{journals}");
    }
    assert!(!Journals::Platform(Platform::Discord).contain(&key));
    assert_eq!(Journals::Run(request.run()).to_string(), format!("adjutant.v1.log.*.*.{}.*", request.run()));
}
