//! What people in Discord do, and what they see.

use std::time::Duration;

use serde_json::json;

use super::world::{ADA, BEN, DEPLOYS, DiscordWorld, RANDOM, deploy, line};

const EPHEMERAL: u64 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn people_ask_in_every_way_and_are_answered_where_they_asked() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    let fake = &discord.fake;

    // A mention is answered by a reply, for everybody, with the run id.
    let asked = fake.say(ADA, DEPLOYS, "<@8002> deploy say hello");
    let answer = discord.answer(&asked, "hello").await;
    assert!(answer.texts().contains("run ") && answer.reference.is_some(), "{answer:#?}");

    // A direct message is answered directly; but who asks there is of no guild.
    let asked = fake.say_direct(ADA, "help");
    discord.answer(&asked, "may not").await;

    // A command that is for everybody is answered at once, for everybody; one for the asker is seen by nobody else.
    let asked = fake.command(ADA, DEPLOYS, deploy("say", Some("by command")));
    discord.answer(&asked, "by command").await;
    assert_eq!(asked.acknowledged().await.kind, 4);
    let asked = fake.command(ADA, DEPLOYS, json!({ "name": "help", "type": 1 }));
    let answer = discord.answer(&asked, "deploy say").await;
    assert_eq!(answer.only_for.as_deref(), Some(ADA));

    // Any line, with what it means.
    let asked = fake.command(ADA, DEPLOYS, line("deploy say \"a whole line\" <@4002>"));
    discord.answer(&asked, "4002").await;

    // Refusals and usage are for the asker only, even where the command itself is for everybody.
    let asked = fake.command(BEN, DEPLOYS, line("deploy mutating"));
    assert_eq!(discord.answer(&asked, "may not").await.flags & EPHEMERAL, EPHEMERAL);
    let asked = fake.command(BEN, DEPLOYS, line("deploi say x"));
    assert_eq!(discord.answer(&asked, "deploy say").await.flags & EPHEMERAL, EPHEMERAL);

    // By a message there is no such thing: the answer is a direct message, and only that is said in the channel.
    let asked = fake.say(BEN, RANDOM, "<@8002> deploy mutating");
    discord.answer(&asked, "direct message").await;
    let direct = fake.world().direct(BEN);
    discord.message(&direct, "may not").await;
    assert_eq!(fake.messages(RANDOM).len(), 1);

    // Slow runs show that they run, then progress, then the result, in one message.
    let asked = fake.command(ADA, DEPLOYS, deploy("steps", None));
    discord.answer(&asked, "step").await;
    let answer = discord.answer(&asked, "done").await;
    assert!(answer.edited >= 1 && asked.answers().len() == 1, "{:#?}", asked.answers());
    assert_eq!(asked.acknowledged().await.kind, 5);
    let asked = fake.say(ADA, RANDOM, "<@8002> deploy steps");
    discord.answer(&asked, "Working on").await;
    discord.answer(&asked, "done").await;
    assert_eq!(asked.answers().len(), 1);

    discord.assert_no_violations();
    discord.stop().await;
}
