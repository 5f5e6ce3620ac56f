//! One story in Slack, in Discord and at the terminal: a command, its policy and its reply are the same on all.

use std::time::Duration;

use adjutant_bus::{event::Outcome, ports::Recorded};

use super::{
    discord::world::{self as discord, DiscordWorld},
    slack::world::SlackWorld,
    world::World,
};

/// What is asked by a member of Product, how it ends, whether others see it, and what the answer says.
const STORY: [(&str, Outcome, Seen, &[&str]); 8] = [
    ("deploy say hello there", Outcome::Succeeded, Seen::ByAll, &["said", "hello there"]),
    ("ping", Outcome::Succeeded, Seen::ByAsker, &["pong"]),
    ("deploy mutating", Outcome::Refused, Seen::ByAsker, &["may not", "deploy mutating"]),
    ("why deploy mutating", Outcome::Succeeded, Seen::ByAsker, &["policy.csv:2"]),
    ("deploi say x", Outcome::Refused, Seen::ByAsker, &["deploy say"]),
    ("deploy say \"unclosed", Outcome::Refused, Seen::ByAsker, &["quot"]),
    ("help deploy say", Outcome::Succeeded, Seen::ByAsker, &["deploy say", "What to say"]),
    ("status AAAAAAAA", Outcome::Failed, Seen::ByAsker, &["AAAAAAAA"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    ByAll,
    ByAsker,
}

/// Policy of all three: the same rows, with each platform's own groups.
const ROWS: &str = "\
p, everyone, *, *, *, *, allow
p, Product, *, deploy.mutating, *, *, deny
p, external, *, *, *, *, deny
";

/// How the requests of a system ended, by what was asked.
async fn outcomes(world: &World) -> Vec<(String, Outcome)> {
    let journals = world.journals().await;
    let ended = |events: &Vec<Recorded>| {
        let opening = events.first()?.event.opening.as_ref()?;
        Some((opening.request.text.clone(), events.last()?.event.fact.end()?.0))
    };
    journals.values().filter_map(ended).collect()
}

async fn assert_outcomes(world: &World) {
    let found = outcomes(world).await;
    for (line, outcome, _, _) in STORY {
        assert!(found.contains(&(line.to_owned(), outcome)), "{line}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_slack() {
    let slack = SlackWorld::new(Duration::ZERO).await;
    super::world::write_policy(
        &slack.world.path().join("policies"),
        ROWS,
        "slack:T0ACME/S0PRD, Product, product\n",
    );
    let (_worker, _gateway) = (slack.worker("w0"), slack.gateway("g0").await);
    for (line, _, seen, texts) in STORY {
        slack.fake.slash("U0PAT", "C0DEPLOY", "/adjutant", line);
        for text in texts {
            match seen {
                Seen::ByAll => slack.answer("C0DEPLOY", None, text).await,
                Seen::ByAsker => slack.whisper("U0PAT", text).await,
            };
        }
    }
    assert_eq!(slack.fake.messages("C0DEPLOY").len(), 1);
    assert_outcomes(&slack.world).await;
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_discord() {
    let system = DiscordWorld::new(Duration::ZERO).await;
    let lock = "discord:9001/7002, Product, product\n";
    super::world::write_policy(&system.world.path().join("policies"), ROWS, lock);
    let (_worker, _gateway) = (system.worker("w0"), system.gateway("g0").await);
    for (line, _, seen, texts) in STORY {
        let asked = system.fake.command(discord::BEN, discord::DEPLOYS, discord::line(line));
        for text in texts {
            let answer = system.answer(&asked, text).await;
            assert_eq!(answer.only_for.is_none(), seen == Seen::ByAll, "{line}: {answer:#?}");
        }
    }
    assert_eq!(system.fake.messages(discord::DEPLOYS).len(), 1);
    assert_outcomes(&system.world).await;
    system.assert_no_violations();
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_terminal() {
    let world = World::new(Duration::ZERO).await;
    super::world::write_policy(
        &world.path().join("policies"),
        ROWS,
        "console:local/Product, Product, product\n",
    );
    let _worker = world.worker("w0");
    for (line, _, _, texts) in STORY {
        let mut program = world.adjutant(&["run", "--as", "pat", "--", line]);
        let ran = program.output().await.unwrap();
        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        for text in texts {
            assert!(said.contains(text), "{line}: {said}");
        }
    }
    assert_outcomes(&world).await;
    world.stop().await;
}
