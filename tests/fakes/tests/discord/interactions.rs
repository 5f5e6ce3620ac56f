//! Interactions: answered once, in time, and seen by those who may.

use std::time::Duration;

use adjutant_fakes::discord::{Asked, FakeDiscord, Via, World};
use serde_json::{Value, json};

use crate::client::{WITH_CONTENT, ready, rest, text};

fn hidden(content: &str) -> Value {
    let mut body = text(content);
    body["flags"] = 64.into();
    body
}

async fn answer(fake: &FakeDiscord, asked: &Asked, kind: u64, data: Value) -> (u16, Value) {
    let path = format!("/interactions/{}/{}/callback", asked.id, asked.token);
    let body = if data.is_null() { json!({ "type": kind }) } else { json!({ "type": kind, "data": data }) };
    rest(fake, "POST", &path, body).await
}

fn webhook(asked: &Asked) -> String {
    format!("/webhooks/8001/{}", asked.token)
}

fn original(asked: &Asked) -> String {
    format!("{}/messages/@original", webhook(asked))
}

#[tokio::test]
async fn an_interaction_is_answered_once() {
    let fake = FakeDiscord::start(World::default()).await;
    let asked = fake.command("4001", "5001", json!({ "name": "status" }));
    assert_eq!(rest(&fake, "PATCH", &original(&asked), text("x")).await.1["code"], 10_015);
    assert_eq!(answer(&fake, &asked, 4, text("fine")).await.0, 204);
    let (status, second) = answer(&fake, &asked, 4, text("again")).await;
    assert_eq!((status, second["code"].as_u64()), (400, Some(40_060)));
    assert_eq!(asked.callback().unwrap().kind, 4);
    assert_eq!(asked.callbacks()[1].refused, Some(40_060));
    assert_eq!(fake.messages("5001")[0].content, "fine");
    assert_eq!(rest(&fake, "PATCH", &original(&asked), text("better")).await.0, 200);
    assert_eq!(asked.answer().unwrap().content, "better");
    assert_eq!(rest(&fake, "DELETE", &original(&asked), Value::Null).await.0, 204);
    assert!(fake.messages("5001").is_empty());
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn it_is_too_late_after_three_seconds_and_after_fifteen_minutes() {
    let fake = FakeDiscord::start(World::default()).await;
    let late = fake.command("4001", "5001", json!({ "name": "status" }));
    late.age(Duration::from_secs(4));
    assert_eq!(answer(&fake, &late, 5, Value::Null).await.1["code"], 10_062);
    let asked = fake.command("4001", "5001", json!({ "name": "status" }));
    assert_eq!(answer(&fake, &asked, 5, Value::Null).await.0, 204);
    asked.age(Duration::from_secs(14 * 60));
    assert_eq!(rest(&fake, "POST", &webhook(&asked), text("in time")).await.0, 200);
    asked.age(Duration::from_secs(61));
    assert_eq!(rest(&fake, "POST", &webhook(&asked), text("late")).await.1["code"], 50_027);
}

#[tokio::test]
async fn a_deferral_fixes_who_sees_the_answer() {
    let fake = FakeDiscord::start(World::default()).await;
    let asked = fake.command("4001", "5001", json!({ "name": "status" }));
    assert_eq!(answer(&fake, &asked, 5, json!({ "flags": 64 })).await.0, 204);
    assert_eq!(rest(&fake, "POST", &webhook(&asked), text("for you")).await.0, 200);
    assert_eq!(rest(&fake, "POST", &webhook(&asked), text("for all")).await.0, 200);
    assert_eq!(rest(&fake, "POST", &webhook(&asked), hidden("for you too")).await.0, 200);
    let mine: Vec<(String, Via)> =
        fake.ephemerals("4001").into_iter().map(|one| (one.content, one.via)).collect();
    assert_eq!(mine, [("for you".to_owned(), Via::Answer), ("for you too".to_owned(), Via::FollowUp)]);
    assert_eq!(fake.messages("5001").len(), 1);
    assert_eq!(fake.violations(), [""; 0]);
    assert!(fake.record().leaks().is_empty());
    rest(&fake, "POST", &webhook(&asked), text("for you")).await;
    assert_eq!(fake.record().leaks(), ["for you"]);
    assert_eq!(fake.violations().len(), 1);
}

#[tokio::test]
async fn only_answers_that_fit_are_taken() {
    let fake = FakeDiscord::start(World::default()).await;
    let command = fake.command("4001", "5001", json!({ "name": "run" }));
    assert_eq!(answer(&fake, &command, 7, text("x")).await.0, 400);
    let rows = json!([{ "type": 1, "components": [
        { "type": 4, "custom_id": "why", "label": "Why", "style": 1 }] }]);
    let modal = json!({ "custom_id": "m", "title": "Run", "components": rows });
    assert_eq!(answer(&fake, &command, 9, modal.clone()).await.0, 204);
    let submitted = fake.submit("4001", "5001", "m", &[("why", "because")]);
    assert_eq!(submitted.data["data"]["components"][0]["components"][0]["value"], "because");
    assert_eq!(answer(&fake, &submitted, 9, modal).await.0, 400);
    assert_eq!(answer(&fake, &submitted, 4, hidden("ok")).await.0, 204);

    let typing = fake.autocomplete("4001", "5001", json!({ "name": "run" }));
    let choices = |n: usize| json!({ "choices": vec![json!({ "name": "a", "value": "a" }); n] });
    assert_eq!(answer(&fake, &typing, 5, Value::Null).await.0, 400);
    assert_eq!(answer(&fake, &typing, 8, choices(26)).await.0, 400);
    assert_eq!(answer(&fake, &typing, 8, choices(25)).await.0, 204);
}

#[tokio::test]
async fn a_click_changes_its_message() {
    let fake = FakeDiscord::start(World::default()).await;
    let (mut socket, _) = ready(&fake, WITH_CONTENT).await;
    let mut body = text("sure?");
    body["components"] = json!([{ "type": 1, "components": [
        { "type": 2, "style": 3, "label": "Yes", "custom_id": "yes" }] }]);
    let (_, sent) = rest(&fake, "POST", "/channels/5001/messages", body).await;
    let id = sent["id"].as_str().unwrap();
    assert_eq!(fake.record().message(id).unwrap().custom_ids(), ["yes"]);
    let click = fake.click("4002", id, "yes");
    let event = socket.event("INTERACTION_CREATE").await;
    assert_eq!(event["d"]["message"]["id"], id);
    let mut done = text("done");
    done["components"] = json!([]);
    assert_eq!(answer(&fake, &click, 7, done).await.0, 204);
    let message = fake.messages("5001").remove(0);
    assert_eq!((message.content.as_str(), message.custom_ids().len(), message.edited), ("done", 0, 1));
    fake.again(&click);
    assert_eq!(socket.event("INTERACTION_CREATE").await["d"]["id"], click.id.as_str());
    assert_eq!(fake.violations(), [""; 0]);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_noted() {
    let fake = FakeDiscord::start(World::default()).await;
    fake.faults().patience = Duration::from_millis(50);
    let asked = fake.command("4001", "5001", json!({ "name": "run" }));
    let seen = |fake: &FakeDiscord| fake.record().unanswered.contains(&asked.id).then_some(());
    fake.until("the failure", crate::client::WAIT, seen).await;
}

#[tokio::test]
async fn menus_and_direct_conversations_have_their_own_shape() {
    let fake = FakeDiscord::start(World::default()).await;
    let said = fake.say("4002", "5001", "look at this");
    let menu = fake.message_command("4001", "5001", &said.id, "Explain");
    assert_eq!(menu.data["data"]["resolved"]["messages"][&said.id]["content"], "look at this");
    let channel = fake.world().direct("4003");
    let direct = fake.command("4003", &channel, json!({ "name": "status" }));
    assert!(direct.data["member"].is_null() && direct.data["guild_id"].is_null());
    assert_eq!(direct.data["user"]["id"], "4003");
    let foreign = fake.interact_with(2, "4001", "5001", json!({ "name": "x", "type": 1 }), None, |event| {
        event["authorizing_integration_owners"] = json!({ "1": "4001" });
    });
    assert_eq!(foreign.data["authorizing_integration_owners"]["0"], Value::Null);
}
