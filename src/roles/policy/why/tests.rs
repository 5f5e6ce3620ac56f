//! From words to a request, and from an explanation to lines.

use adjutant_policies::{Dimension, Explanation, Miss};

use super::*;

fn read(line: &str) -> Result<Request, String> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    Request::read(&parts::catalogue(), &words).map_err(|why| why.to_string())
}

#[test]
fn a_command_is_given_as_in_chat_or_by_name_and_values() {
    let chat = read("deploy promote web staging production").unwrap();
    assert_eq!((chat.command.as_str(), chat.context["env"].as_str()), ("deploy.promote", "production"));
    let named = read("deploy.promote env=production").unwrap();
    assert_eq!((named.command.as_str(), named.context.len()), ("deploy.promote", 1));
    assert_eq!(read("deploy.promote").unwrap().context.len(), 0);
    assert!(read("deploy.promote envy=production").is_err());
    assert!(read("deploy.promot env=production").unwrap_err().contains("deploy promote"));
}

#[test]
fn a_place_is_whole_and_by_ids() {
    assert!(checked("slack:T0ACME/C0DEPLOY".to_owned()).is_ok());
    for bad in ["#deploys", "slack:T0ACME", "slack:*", "irc:x/y", "slack:T0ACME/*", "slack:T0ACME/"] {
        assert!(checked(bad.to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn the_nearest_rows_are_told_in_words_that_fit_a_terminal() {
    let miss = |row: &str, missed: &[Dimension], when: &str| Miss {
        row: row.to_owned(),
        missed: missed.to_vec(),
        group: "Release Managers".to_owned(),
        action: "approve".to_owned(),
        place: "slack:T0ACME/C0DEPLOY".to_owned(),
        when: when.to_owned(),
    };
    let nearest = vec![
        miss("policy.csv:6", &[Dimension::Place], "*"),
        miss(
            "policy.csv:5",
            &[Dimension::Group, Dimension::Action, Dimension::When],
            "env=staging|preview;hours=office",
        ),
    ];
    let told = Told {
        policy: "42 (7f3c9a1e)".to_owned(),
        who: Some("slack:T0ACME/U1".to_owned()),
        command: "deploy.promote".to_owned(),
        action: Action::Run,
        place: "slack:T0ACME/C0OPS".to_owned(),
        groups: vec!["Engineering (slack:T0ACME/S012AB3)".to_owned(), "everyone".to_owned()],
        context: BTreeMap::from([("env".to_owned(), "production".to_owned())]),
        explanation: Explanation { allowed: false, row: None, denial: None, nearest },
    };
    let text = anstream::adapter::strip_str(&told.text().unwrap()).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text);
}
