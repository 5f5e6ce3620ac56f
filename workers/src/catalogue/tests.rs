//! Tests of what a catalogue takes and finds.

use super::*;

fn spec(path: &str, args: Vec<ArgSpec>) -> CommandSpec {
    CommandSpec { args, ..CommandSpec::new(path.parse().unwrap(), "Does it") }
}

fn text(name: &str) -> ArgSpec {
    ArgSpec::positional(name, ArgKind::String, "a word")
}

fn rest(name: &str) -> ArgSpec {
    ArgSpec::positional(name, ArgKind::Rest, "the rest")
}

fn service(name: &str) -> Source {
    Source::Service { name: name.to_owned() }
}

fn found(catalogue: &Catalogue, line: &str) -> Option<(String, usize)> {
    let words = crate::words::split(line).unwrap().words;
    catalogue.find(&words).map(|found| (found.entry.spec.path.dotted(), found.consumed))
}

#[test]
fn a_description_that_contradicts_itself_is_left_out_and_told() {
    let choice =
        |words: &[&str]| ArgKind::Choice { choices: words.iter().map(|word| (*word).to_owned()).collect() };
    let flag = |kind| ArgSpec::flag("x", kind, "");
    let bad = [
        vec![text("Upper")],
        vec![text("")],
        vec![text("help")],
        vec![text("h")],
        vec![text("a"), text("a")],
        vec![rest("a"), text("b")],
        vec![text("a").optional(), text("b")],
        vec![flag(ArgKind::Rest)],
        vec![flag(choice(&[]))],
        vec![flag(choice(&["yes", "Yes"]))],
        vec![flag(choice(&["yes", "it’s on"]))],
        vec![flag(choice(&["a\u{200b}b"]))],
        vec![flag(choice(&["a"])).default_value("b")],
        vec![flag(ArgKind::Integer { min: Some(2), max: Some(1) })],
        vec![flag(ArgKind::Integer { min: Some(2), max: None }).default_value(1)],
        vec![flag(ArgKind::Boolean).default_value("true")],
        vec![flag(ArgKind::User).default_value("@ana")],
        vec![ArgSpec { required: true, ..text("a").default_value("b") }],
        (0..26).map(|n| text(&format!("a{n}"))).collect(),
    ];
    for args in bad {
        let (catalogue, problems) = Catalogue::new([Entry::new(spec("bad", args.clone()), Source::BuiltIn)]);
        assert!(matches!(problems.as_slice(), [CatalogueProblem::BadSpec { .. }]), "{args:?}: {problems:?}");
        assert_eq!(catalogue.iter().count(), 0);
    }
}

#[test]
fn a_built_in_command_stays_whoever_comes_first() {
    let theirs = Entry::new(spec("ping", vec![text("a")]), service("other"));
    let (catalogue, problems) = Catalogue::new([theirs, Entry::new(spec("ping", vec![]), Source::BuiltIn)]);
    let path: CommandPath = "ping".parse().unwrap();
    assert_eq!(catalogue.get(&path).unwrap().source, Source::BuiltIn);
    assert_eq!(problems, [CatalogueProblem::Taken { name: path }]);
}

#[test]
fn two_services_may_offer_one_command_only_if_they_describe_it_alike() {
    let offer = |name, args| Entry::new(spec("ping", args), service(name));
    assert_eq!(Catalogue::new([offer("a", vec![]), offer("b", vec![])]).1, []);
    assert_eq!(Catalogue::new([offer("a", vec![]), offer("b", vec![text("x")])]).1.len(), 1);
}

#[test]
fn an_alias_never_takes_the_name_of_a_command() {
    let greedy = CommandSpec { aliases: vec!["b".parse().unwrap()], ..spec("a", vec![]) };
    let (catalogue, problems) =
        Catalogue::new([greedy, spec("b", vec![])].map(|spec| Entry::new(spec, service("s"))));
    assert_eq!(found(&catalogue, "b"), Some(("b".to_owned(), 1)));
    assert_eq!(problems, [CatalogueProblem::Taken { name: "b".parse().unwrap() }]);
}

#[test]
fn the_longest_name_is_found_in_any_case() {
    let promote = CommandSpec { aliases: vec!["ship it".parse().unwrap()], ..spec("deploy promote", vec![]) };
    let (catalogue, _) =
        Catalogue::new([spec("deploy", vec![]), promote].map(|spec| Entry::new(spec, Source::BuiltIn)));
    assert_eq!(found(&catalogue, "DEPLOY Promote web"), Some(("deploy.promote".to_owned(), 2)));
    assert_eq!(found(&catalogue, "deploy web"), Some(("deploy".to_owned(), 1)));
    assert_eq!(found(&catalogue, "Ship IT now"), Some(("deploy.promote".to_owned(), 2)));
    assert_eq!(found(&catalogue, "deployment"), None);
    let words = crate::words::split("Deploy").unwrap().words;
    let below: Vec<_> = catalogue.children(&words).iter().map(|entry| entry.spec.path.dotted()).collect();
    assert_eq!(below, ["deploy.promote"]);
}
