//! The socket: identifying, events, resuming, and being closed.

use adjutant_fakes::discord::{FakeDiscord, Greeting, MESSAGE_CONTENT, Refusal, World};
use serde_json::{Value, json};

use crate::client::{PLAIN, Said, Socket, WITH_CONTENT, identify, ready, resume};

#[tokio::test]
async fn events_come_in_order_after_identify() {
    let fake = FakeDiscord::start(World::default()).await;
    let (mut socket, ready) = ready(&fake, WITH_CONTENT).await;
    assert_eq!(ready["user"]["id"], fake.world().bot.as_str());
    socket.send(json!({ "op": 1, "d": 2 })).await;
    assert_eq!(socket.frame().await["op"], 11);
    let asked = fake.say("4001", "5001", "hello <@8002>");
    let message = socket.event("MESSAGE_CREATE").await;
    assert_eq!(message["s"], 3);
    assert_eq!(message["d"]["id"], asked.id.as_str());
    assert_eq!(message["d"]["mentions"][0]["id"], "8002");
    assert_eq!(message["d"]["member"]["roles"], json!(["7001"]));
    fake.command("4002", "5001", json!({ "name": "status" }));
    let interaction = socket.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["s"], 4);
    assert_eq!(interaction["d"]["member"]["user"]["username"], "ben");
    assert_eq!(fake.violations(), [""; 0]);
    assert_eq!(fake.record().heartbeats.len(), 1);
}

#[tokio::test]
async fn content_needs_its_intent() {
    let fake = FakeDiscord::start(World::default()).await;
    let (mut socket, _) = ready(&fake, PLAIN).await;
    fake.say("4001", "5001", "secret");
    fake.say("4001", "5001", "to <@8002>");
    fake.say_direct("4001", "in private");
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(socket.event("MESSAGE_CREATE").await["d"]["content"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["", "to <@8002>", "in private"]);
}

#[tokio::test]
async fn resuming_replays_what_was_missed() {
    let fake = FakeDiscord::start(World::default()).await;
    let (mut socket, ready) = ready(&fake, WITH_CONTENT).await;
    let session = ready["session_id"].as_str().unwrap();
    let url = ready["resume_gateway_url"].as_str().unwrap();
    fake.say("4001", "5001", "one");
    let seen = socket.event("MESSAGE_CREATE").await["s"].as_u64().unwrap();
    fake.drop_sockets();
    assert_eq!(socket.code().await, None);
    fake.say("4001", "5001", "two");
    fake.say("4001", "5001", "three");

    let mut socket = Socket::greeted(url).await;
    socket.send(resume(&fake, session, seen)).await;
    for (text, seq) in [("two", seen + 1), ("three", seen + 2)] {
        let frame = socket.frame().await;
        assert_eq!((frame["d"]["content"].as_str(), frame["s"].as_u64()), (Some(text), Some(seq)));
    }
    assert_eq!(socket.frame().await["t"], "RESUMED");
    socket.close(4000).await;

    let mut socket = Socket::greeted(url).await;
    socket.send(resume(&fake, session, 1_000)).await;
    assert_eq!(socket.code().await, Some(4007));
    let mut socket = Socket::greeted(url).await;
    socket.send(resume(&fake, "another", 1)).await;
    assert_eq!(socket.frame().await, json!({ "op": 9, "d": false, "s": null, "t": null }));
    let record = fake.record();
    assert_eq!(record.resumes.iter().map(|one| one.refused).collect::<Vec<_>>(), [None, Some(4007), Some(9)]);
    assert_eq!(record.resumes[0].replayed, 2);
    assert!(record.resumes[0].path.starts_with("/gateway/resume"));
}

#[tokio::test]
async fn a_normal_close_ends_the_session() {
    let fake = FakeDiscord::start(World::default()).await;
    let (socket, ready) = ready(&fake, PLAIN).await;
    socket.close(1000).await;
    fake.until("the end", crate::client::WAIT, |fake| fake.sessions().is_empty().then_some(())).await;
    let mut socket = Socket::greeted(&fake.gateway_url()).await;
    socket.send(resume(&fake, ready["session_id"].as_str().unwrap(), 1)).await;
    assert_eq!(socket.frame().await["op"], 9);
}

async fn closed_with(fake: &FakeDiscord, frames: Vec<Value>) -> Option<u16> {
    let mut socket = Socket::greeted(&fake.gateway_url()).await;
    for frame in frames {
        socket.send(frame).await;
    }
    socket.code().await
}

fn changed(mut identify: Value, name: &str, value: Value) -> Vec<Value> {
    identify["d"][name] = value;
    vec![identify]
}

#[tokio::test]
async fn each_mistake_is_closed_with_its_code() {
    let world = World { disallowed_intents: MESSAGE_CONTENT, least_shards: 2, ..World::default() };
    let fake = FakeDiscord::start(world).await;
    let good = identify(&fake, PLAIN);
    let cases = [
        (4001, vec![json!({ "op": 99, "d": null })]),
        (4002, vec![json!({ "op": 1, "d": "x".repeat(5_000) })]),
        (4003, vec![json!({ "op": 3, "d": {} })]),
        (4004, changed(good.clone(), "token", "wrong".into())),
        (4010, changed(good.clone(), "shard", json!([2, 2]))),
        (4011, changed(good.clone(), "shard", json!([0, 1]))),
        (4013, changed(good.clone(), "intents", json!(1_u64 << 40))),
        (4014, changed(good.clone(), "intents", json!(WITH_CONTENT))),
        (4008, vec![json!({ "op": 1, "d": null }); 121]),
    ];
    for (code, frames) in cases {
        assert_eq!(closed_with(&fake, frames).await, Some(code));
    }
    fake.world().least_shards = 1;
    assert_eq!(closed_with(&fake, vec![good.clone(), good.clone()]).await, Some(4005));
    // Another one within five seconds.
    let mut socket = Socket::greeted(&fake.gateway_url()).await;
    socket.send(good.clone()).await;
    assert_eq!(socket.frame().await["op"], 9);
    fake.world().start_limit.remaining = 0;
    assert_eq!(closed_with(&fake, vec![good]).await, Some(4004));
    assert!(fake.sessions().is_empty());
    assert_eq!(fake.violations().len(), 12, "{:#?}", fake.violations());
}

#[tokio::test]
async fn faults_of_the_socket_are_what_they_say() {
    let fake = FakeDiscord::start(World::default()).await;
    let (mut socket, ready) = ready(&fake, PLAIN).await;
    fake.reconnect();
    assert_eq!(socket.frame().await["op"], 7);
    fake.ask_heartbeat();
    assert_eq!(socket.frame().await["op"], 1);
    fake.close(Some(4009));
    assert_eq!(socket.next().await, Said::Closed(Some(4009)));
    assert!(fake.sessions().is_empty());

    fake.faults().resume.next(Refusal::Close(4007));
    fake.faults().resume.always(Some(Refusal::Invalid(true)));
    let session = ready["session_id"].as_str().unwrap();
    assert_eq!(closed_with(&fake, vec![resume(&fake, session, 1)]).await, Some(4007));
    let mut socket = Socket::greeted(&fake.gateway_url()).await;
    socket.send(resume(&fake, session, 1)).await;
    assert_eq!(socket.frame().await["d"], true);

    fake.faults().greeting.next(Greeting::Refused(503));
    let url = format!("{}/?v=10&encoding=json", fake.gateway_url());
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    fake.faults().greeting.next(Greeting::Dropped);
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    let mut wrong =
        Socket::open(&format!("{}/gateway?", fake.gateway_url().trim_end_matches("/gateway"))).await;
    assert_eq!(wrong.code().await, Some(4012));
}

#[tokio::test]
async fn after_op_9_the_same_socket_may_begin_again() {
    let fake = FakeDiscord::start(World::default()).await;
    let (mut socket, ready) = ready(&fake, PLAIN).await;
    fake.invalid_session(true);
    assert_eq!(socket.frame().await["d"], true);
    socket.send(resume(&fake, ready["session_id"].as_str().unwrap(), 2)).await;
    assert_eq!(socket.frame().await["t"], "RESUMED");
    fake.invalid_session(false);
    assert_eq!(socket.frame().await["d"], false);
    // Within five seconds of the last one: refused, and not as a second one.
    socket.send(identify(&fake, PLAIN)).await;
    assert_eq!(socket.frame().await["op"], 9);
    assert_eq!(fake.record().identifies[1].refused, Some(9));
}

#[tokio::test]
async fn events_are_doubled_and_swapped_by_chance() {
    let fake = FakeDiscord::start(World::default()).await;
    let (mut socket, _) = ready(&fake, WITH_CONTENT).await;
    fake.faults().duplicates = 1.0;
    fake.say("4001", "5001", "twice");
    let (one, two) = (socket.frame().await, socket.frame().await);
    assert_eq!(one["d"], two["d"]);
    assert_eq!(one["s"].as_u64().unwrap() + 1, two["s"].as_u64().unwrap());
    fake.faults().duplicates = 0.0;
    fake.faults().reorders = 1.0;
    fake.say("4001", "5001", "first");
    fake.say("4001", "5001", "second");
    let order = [socket.frame().await, socket.frame().await].map(|frame| frame["d"]["content"].clone());
    assert_eq!(order, ["second", "first"]);
}

#[tokio::test]
async fn silence_is_closed_and_missing_acknowledgements_are_missing() {
    let fake = FakeDiscord::start(World::default()).await;
    fake.faults().heartbeat_interval = std::time::Duration::from_millis(40);
    fake.faults().acks = false;
    let (mut socket, _) = ready(&fake, PLAIN).await;
    socket.send(json!({ "op": 1, "d": 1 })).await;
    assert_eq!(socket.next().await, Said::Closed(Some(4000)));
    assert_eq!(fake.sessions().len(), 1);
}
