//! Discord's own surfaces: application commands, choices, buttons, modals, menus, threads; and who may use them.

use std::time::Duration;

use adjutant_fakes::discord::{Asked, Channel, FakeDiscord, User};
use serde_json::{Value, json};

use super::world::{ADA, BEN, DEPLOYS, DiscordWorld, RANDOM, SLOW, deploy, line};

/// Names of the registered commands, of a guild or (`""`) for everywhere.
fn registered(fake: &FakeDiscord, place: &str) -> Vec<String> {
    let record = fake.record();
    let commands = record.commands.get(place).cloned().unwrap_or_default();
    commands.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_follow_the_catalogue_and_are_replaced_only_where_they_differ() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let fake = &discord.fake;
    let _worker = discord.worker("w0");
    let gateway = discord.gateway("g0").await;
    let has = |name: &'static str| {
        move |fake: &FakeDiscord| registered(fake, "").contains(&name.to_owned()).then_some(())
    };
    fake.until("the commands of a service", SLOW, has("deploy")).await;
    for name in ["adjutant", "Run as a command", "help", "whoami"] {
        assert!(registered(fake, "").contains(&name.to_owned()), "{:?}", registered(fake, ""));
    }
    // A restart with the same catalogue registers nothing.
    let before = fake.record().registrations.len();
    gateway.stop().await;
    let gateway = discord.start_gateway("g1");
    let looked = |fake: &FakeDiscord| {
        (fake.record().calls_of("GET /applications/{application_id}/commands").len() > before).then_some(())
    };
    fake.until("a look at what is registered", SLOW, looked).await;
    assert_eq!(fake.record().registrations.len(), before);
    gateway.stop().await;
    // In guilds instead of everywhere: the others are taken away.
    let _gateway = discord.start("g2", &[("ADJUTANT_DISCORD__COMMANDS", "guilds")]);
    let moved = |fake: &FakeDiscord| {
        (registered(fake, "").is_empty() && registered(fake, "9001").contains(&"deploy".to_owned()))
            .then_some(())
    };
    fake.until("commands in the guild only", SLOW, moved).await;
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_buttons_modals_and_menus_lead_to_commands() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    let fake = &discord.fake;

    // While somebody types, whole lines are offered.
    let typing = json!({ "name": "adjutant", "type": 1,
        "options": [{ "name": "command", "type": 3, "value": "deploy s", "focused": true }] });
    let offered = async || {
        let choices =
            fake.autocomplete(ADA, DEPLOYS, typing.clone()).acknowledged().await.data["choices"].clone();
        let choices = choices.as_array().cloned().unwrap_or_default();
        choices.iter().any(|one| one["value"].as_str().unwrap().starts_with("deploy say")).then_some(())
    };
    discord.world.eventually(offered).await;

    // A command without what it needs asks for that by a modal; what is filled in runs.
    let asked = fake.command(ADA, DEPLOYS, line("help search"));
    let modal = asked.acknowledged().await;
    assert_eq!(modal.kind, 9, "{modal:?}");
    let custom_id = modal.data["custom_id"].as_str().unwrap().to_owned();
    let submitted = fake.submit(ADA, DEPLOYS, &custom_id, &[(&first_input(&modal.data), "say")]);
    let answer = discord.answer(&submitted, "deploy say").await;
    assert_eq!(answer.only_for.as_deref(), Some(ADA));

    // A message becomes a command by its menu, after a look at it.
    let said = fake.say(ADA, DEPLOYS, "deploy say **this**");
    let asked = fake.message_command(BEN, DEPLOYS, &said.id, "Run as a command");
    let modal = asked.acknowledged().await;
    assert!(modal.kind == 9 && modal.data.to_string().contains("deploy say **this**"), "{modal:?}");
    let custom_id = modal.data["custom_id"].as_str().unwrap().to_owned();
    let submitted = fake.submit(BEN, DEPLOYS, &custom_id, &[(&first_input(&modal.data), "deploy say that")]);
    let answer = discord.answer(&submitted, "that").await;
    // A modal leaves no trace: it is said who asked.
    assert!(answer.texts().contains("asked by <@4002>"), "{}", answer.texts());

    // A button asks as whoever presses it, and what it says can be forged, which gives nobody a right.
    let own = fake.command(ADA, DEPLOYS, deploy("say", Some("with buttons")));
    let message = discord.answer(&own, "with buttons").await;
    let pressed = fake.click(BEN, &message.id, "run:deploy mutating");
    assert_eq!(discord.answer(&pressed, "may not").await.only_for.as_deref(), Some(BEN));
    let foreign = fake.click(BEN, &message.id, "somebody-else:1").acknowledged().await;
    assert!(foreign.data.to_string().contains("Nothing was done"), "{foreign:?}");
    let gone = fake.command(ADA, DEPLOYS, json!({ "name": "no-longer", "type": 1 })).acknowledged().await;
    assert!(gone.data.to_string().contains("not known any more"), "{gone:?}");
    discord.assert_no_violations();
    discord.stop().await;
}

fn first_input(modal: &Value) -> String {
    fn find(value: &Value) -> Option<String> {
        match value {
            Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == 4) => {
                fields.get("custom_id")?.as_str().map(str::to_owned)
            }
            Value::Object(fields) => fields.values().find_map(find),
            Value::Array(all) => all.iter().find_map(find),
            _ => None,
        }
    }
    find(&modal["components"]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_a_right_who_is_not_certainly_a_member_of_a_trusted_guild() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    let fake = &discord.fake;
    {
        let mut world = fake.world();
        let user = User {
            id: "4005".to_owned(),
            name: "pending".to_owned(),
            pending: true,
            ..world.users[ADA].clone()
        };
        world.users.insert(user.id.clone(), user);
    }
    let refused = async |asked: &Asked| {
        discord.answer(asked, "may not").await;
    };
    refused(&fake.command("4005", DEPLOYS, deploy("say", Some("pending")))).await;
    // The same role in a guild that is not trusted, and the app brought along by a user.
    let foreign = json!({ "guild_id": "9002", "authorizing_integration_owners": { "0": "9002" } });
    let brought = json!({ "authorizing_integration_owners": { "1": "4001" } });
    for more in [foreign, brought] {
        let asked = fake.interact_with(2, ADA, DEPLOYS, deploy("say", Some("elsewhere")), None, |event| {
            for (name, value) in more.as_object().unwrap() {
                event[name] = value.clone();
            }
        });
        refused(&asked).await;
    }
    let bot = fake.command("4004", DEPLOYS, deploy("say", Some("a robot")));
    refused(&bot).await;
    // Bots, webhooks, our own echoes and edits ask nothing at all.
    fake.say("4004", DEPLOYS, "<@8002> deploy say never");
    fake.say_with(ADA, DEPLOYS, "<@8002> deploy say never", json!({ "webhook_id": "77" }));
    fake.say_with(ADA, DEPLOYS, "<@8002> deploy say never", json!({ "type": 20 }));
    let said = fake.say(ADA, DEPLOYS, "hello <@8002>");
    fake.edit(&said, "<@8002> deploy say never");
    assert_eq!(discord.world.called(), 0);
    // The same event twice is one request.
    let asked = fake.say(ADA, DEPLOYS, "<@8002> deploy say once");
    fake.again(&asked);
    discord.answer(&asked, "once").await;
    fake.again(&asked);
    let last = fake.say(ADA, DEPLOYS, "<@8002> deploy say last");
    discord.answer(&last, "last").await;
    assert_eq!((discord.world.called(), fake.messages(DEPLOYS).len()), (2, 2));
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_answered_in_the_thread_and_nobody_can_be_called_by_an_answer() {
    let discord = DiscordWorld::new(Duration::ZERO).await;
    let (_worker, _gateway) = (discord.worker("w0"), discord.gateway("g0").await);
    let fake = &discord.fake;
    {
        let mut world = fake.world();
        let thread = Channel {
            id: "5900".to_owned(),
            name: "incident".to_owned(),
            parent: Some(RANDOM.to_owned()),
            ..world.channels[RANDOM].clone()
        };
        world.channels.insert(thread.id.clone(), thread);
    }
    let asked = fake.say(ADA, "5900", "<@8002> deploy say in the thread");
    discord.answer(&asked, "in the thread").await;
    assert_eq!(discord.message("5900", "in the thread").await.reference.as_deref(), Some(asked.id.as_str()));
    let places: Vec<String> = discord
        .world
        .journals()
        .await
        .values()
        .filter_map(|events| Some(events[0].event.opening.as_ref()?.request.place.to_string()))
        .collect();
    assert_eq!(places, ["discord:9001/5002"], "policy sees the channel");
    let text = "@everyone <@&7001> <@4003> [click](https://evil.example) ||hidden|| \u{202e}desrever";
    let asked = fake.command(ADA, DEPLOYS, deploy("say", Some(text)));
    let answer = discord.answer(&asked, "everyone").await;
    assert_eq!(
        answer.body["data"]["allowed_mentions"]["parse"]
            .as_array()
            .or(answer.body["allowed_mentions"]["parse"].as_array())
            .map(Vec::len),
        Some(0)
    );
    assert!(
        !answer.texts().contains("<@&7001>") && !answer.texts().contains('\u{202e}'),
        "{}",
        answer.texts()
    );
    discord.assert_no_violations();
    discord.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_serves_discord_with_nothing_else_installed() {
    let fake = FakeDiscord::start(adjutant_fakes::discord::World::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let _program = tokio::process::Command::new(env!("CARGO_BIN_EXE_adjutant"))
        .args(["up", "--bus", "memory:"])
        .current_dir(dir.path())
        .env("ADJUTANT_DISCORD__BOT_TOKEN", fake.world().bot_token.clone())
        .env("ADJUTANT_DISCORD__API_URL", fake.api_url())
        .env("ADJUTANT_DISCORD__TRUSTED_GUILDS", "9001")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ready = |fake: &FakeDiscord| registered(fake, "").contains(&"deploy".to_owned()).then_some(());
    fake.until("the demo's commands", SLOW, ready).await;
    let data = json!({ "name": "deploy", "type": 1, "options": [{ "name": "list", "type": 1 }] });
    let asked = fake.command(ADA, DEPLOYS, data);
    let answered = |_: &FakeDiscord| asked.answers().first().map(|one| one.texts());
    let text = fake.until("an answer", SLOW, answered).await;
    assert!(text.contains("staging") || text.contains("may not"), "{text}");
    assert_eq!(fake.violations(), Vec::<String>::new());
}
