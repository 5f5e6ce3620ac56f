//! Every way to be told no, as people read it.

use adjutant_bus::{
    actor::Membership,
    event::{Fact, Outcome},
    refusal::Refusal,
};
use adjutant_workers::parse::parse;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    parsing::catalogue,
    world::{World, request},
};

fn shown(refusal: &Refusal) -> String {
    let lines: String = refusal.shown.iter().map(|line| format!("    {line}\n")).collect();
    format!("[{}] {}\n{lines}{}\n", refusal.code.as_str(), refusal.what, refusal.next)
}

#[test]
fn lines_that_cannot_be_understood() {
    let lines = [
        "",
        "deplyo promote web",
        "deploy",
        "deploy promot web staging production",
        "nonsense",
        "deploy promote",
        "deploy promote web stagin production",
        "deploy promote web staging production surplus",
        "deploy promote web staging production --reson x",
        "deploy promote web staging production --reason",
        "deploy promote web staging production --batch 99 --share half --after soon",
        "deploy promote web staging production --force --force",
        "deploy promote \"web staging",
        "ping \u{7}",
        "help serch",
        "history --limit=0",
        "deploy promote web 👩‍🚀 production",
    ];
    let told: Vec<String> = lines
        .iter()
        .map(|line| {
            let outcome = parse(&catalogue(), line, &|_| true);
            format!(
                "> {line:?}\n{}",
                outcome.map_or_else(
                    |refusal| shown(&refusal),
                    |parsed| format!("{}\n", parsed.invocation.canonical)
                )
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn nothing_is_suggested_that_the_asker_may_not_run() {
    for line in ["deplyo promote web", "deploy promot web", "deploy", "pong"] {
        let refusal = parse(&catalogue(), line, &|_| false).unwrap_err();
        let text = shown(&refusal);
        assert!(!text.contains("deploy promote") && !text.contains("`ping`"), "{text}");
    }
}

#[tokio::test]
async fn what_policy_refuses() {
    let policy = "p, Eng, *, do.deploy, run, env=staging, allow\np, everyone, slack:T1/C1, do.fail, run, *, allow\n\
                  p, everyone, *, do.steps, view, *, allow\np, everyone, *, do.work, run, *, deny\np, everyone, *, do.work, run, *, allow\n\
                  p, everyone, *, ping, run, *, allow\np, everyone, *, help, view, *, allow\np, everyone, *, why, view, *, allow\n\
                  p, guests, *, do.much, run, *, allow\n";
    let world = World::with_policy(policy).await;
    let lines = ["do deploy production", "do fail", "do steps", "do work", "do much", "do hang", "version"];
    let mut told = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let id = world.submit(&n.to_string(), line).await;
        let (outcome, _, events) = world.ended(id).await;
        assert_eq!(outcome, Outcome::Refused, "{line}");
        let Fact::Refused { refusal, .. } = &events[0].event.fact else { panic!("refused at once") };
        told.push(format!("> {line}\n{}", shown(refusal)));
    }
    let mut unknown = request("unknown", "ping");
    unknown.groups = Membership::Unknown { reason: "the directory did not answer".to_owned() };
    let id = world.send(unknown).await;
    let (_, _, events) = world.ended(id).await;
    let Fact::Refused { refusal, .. } = &events[0].event.fact else { panic!("refused") };
    told.push(format!("> ping, groups unknown\n{}", shown(refusal)));
    insta::assert_snapshot!(told.join("\n"));
    let (_, why) = world.ask("why", "why do deploy production").await;
    insta::assert_json_snapshot!("why", why, { ".body[0].fields[6].value" => "[policy]" });
    let (_, help) = world.ask("help", "help").await;
    let help = format!("{help:?}");
    assert!(help.contains("do deploy") && !help.contains("do hang"), "only what the asker may run: {help}");
}

#[tokio::test]
async fn without_a_policy_only_help_and_status_answer() {
    let world = World::with_policy("nonsense\n").await;
    let (outcome, reply) = world.ask("1", "ping").await;
    assert_eq!(
        (outcome, reply.title.as_str()),
        (Outcome::Refused, "No policy is loaded, so everything is refused")
    );
    assert_eq!(world.ask("2", "help").await.0, Outcome::Succeeded);
    assert_eq!(world.ask("3", "status 00000000").await.0, Outcome::Failed);
}

#[tokio::test]
async fn what_only_the_time_stands_against_is_told_with_when_it_may_be_done() {
    let world = World::new().await;
    let tomorrow = Timestamp::now().to_zoned_datetime(TimeZone::UTC).tomorrow().unwrap();
    let (day, date) = (tomorrow.strftime("%a").to_string(), tomorrow.strftime("%Y-%m-%d"));
    let settings = format!("[windows]\noffice = [\"{day} 09:30-17:00\"]\n");
    let policy = "p, everyone, *, do.work, run, hours=office, allow\np, everyone, *, do.fail, run, *, allow\n\
                  p, everyone, *, do.fail, run, hours=off, deny\np, everyone, *, do.deploy, run, env=staging;hours=office, allow\n\
                  p, everyone, *, why, view, *, allow\n";
    world.settle(policy, &settings).await;
    let opens = format!("By the time alone, you may from {day} {date} 09:30 UTC.");
    for (n, (line, told)) in
        [("do work", true), ("do fail", true), ("do deploy staging", true), ("do deploy production", false)]
            .into_iter()
            .enumerate()
    {
        let id = world.submit(&n.to_string(), line).await;
        let (outcome, _, events) = world.ended(id).await;
        assert_eq!(outcome, Outcome::Refused, "{line}");
        let Fact::Refused { refusal, .. } = &events[0].event.fact else { panic!("refused at once") };
        assert_eq!(refusal.next.contains(&opens), told, "{line}: {}", refusal.next);
    }
    let (_, why) = world.ask("why", "why do work").await;
    let why = format!("{why:?}");
    assert!(why.contains(&format!("{day} {date} 09:30 UTC")), "{why}");
    assert!(why.contains("policy.csv:1 only with hours=office"), "{why}");
}
