//! What both buses promise of traces: whatever is put on them carries the place in the trace of whoever did it, and nothing else.

use std::sync::Arc;

use adjutant_bus::{
    TraceContext,
    event::Fact,
    id::Token,
    ports::{Follow, Followed, ProgressSink, Serve},
    reply::Reply,
    service::{Call, Offer},
    spec::CommandSpec,
    subject::Journals,
    wire::Version,
};
use async_trait::async_trait;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{
    queue::one,
    world::{World, event, key, origin, request, soon},
};

fn place(span: u8) -> TraceContext {
    let parent = format!("00-0af7651916cd43dd8448eb211c80319c-00000000000000{span:02x}-01");
    TraceContext::parse(&parent, Some("vendor=1")).unwrap()
}

pub async fn a_message_carries_its_trace_each_time_it_is_delivered(world: World) {
    let queue = &world.console.commands;
    place(1).run(queue.submit(&origin("t"), "a", "a".into())).await.unwrap();
    for attempt in 1..=2 {
        let delivery = one(&*world.bus.commands).await;
        assert_eq!((delivery.attempt, delivery.trace.as_ref()), (attempt, Some(&place(1))));
        delivery.handle.release(std::time::Duration::ZERO).await.unwrap();
    }
    one(&*world.bus.commands).await.handle.acknowledge().await.unwrap();
    queue.submit(&origin("t"), "b", "b".into()).await.unwrap();
    assert_eq!(one(&*world.bus.commands).await.trace, None);
}

pub async fn an_event_carries_its_trace_to_every_follower(world: World) {
    let asked = request("a");
    let journal = &world.bus.journal;
    let claimed = event(&asked, 1, &Token::new("w"), Fact::Claimed);
    let sequence = place(2).run(journal.append(&key(&asked), 0, &claimed)).await.unwrap();
    let done = event(&asked, 2, &Token::new("w"), Fact::Succeeded { reply: Reply::info("done") });
    journal.append(&key(&asked), sequence, &done).await.unwrap();
    let durable = Follow::Durable("gateway-console".to_owned());
    for from in [durable, Follow::After(0)] {
        let mut events =
            world.console.journal.follow(Journals::Platform(asked.actor.platform), from).await.unwrap();
        let mut next = async || -> Followed { soon(events.next()).await.unwrap() };
        let (first, second) = (next().await, next().await);
        assert_eq!((first.recorded.event.number, first.trace), (1, Some(place(2))));
        assert_eq!((second.recorded.event.number, second.trace), (2, None));
    }
}

/// Says in which trace it is asked.
struct Mirror;

#[async_trait]
impl Serve for Mirror {
    async fn serve(&self, _: Call, _: ProgressSink) -> Result<Reply, String> {
        let place = TraceContext::current();
        Ok(Reply::info(place.map_or_else(|| "none".to_owned(), |place| place.traceparent())))
    }
}

pub async fn a_service_works_in_the_trace_that_it_is_called_in(world: World) {
    let path = "deploy list".parse::<adjutant_bus::spec::CommandPath>().unwrap();
    let offer = Offer {
        name: "deployments".to_owned(),
        version: "1.0.0".to_owned(),
        description: "for the test".to_owned(),
        commands: vec![CommandSpec::new(path.clone(), "list")],
    };
    let stop = CancellationToken::new();
    let (services, until) = (world.demo.services.clone(), stop.clone());
    tokio::spawn(async move { services.offer(offer, Arc::new(Mirror), 4, until).await.unwrap() });
    soon(async {
        while world.bus.services.list(std::time::Duration::from_millis(200)).await.unwrap().is_empty() {}
    })
    .await;
    let asked = request("call");
    let call = || Call {
        v: Version,
        request: asked.id,
        fence: 1,
        path: path.clone(),
        arguments: std::collections::BTreeMap::new(),
        actor: asked.actor.clone(),
        place: asked.place.clone(),
        deadline: Timestamp::now() + SignedDuration::from_secs(20),
    };
    for (expected, answers) in [
        (place(3).traceparent(), place(3).run(world.bus.services.call(call())).await),
        ("none".to_owned(), world.bus.services.call(call()).await),
    ] {
        let answers: Vec<_> = soon(answers.unwrap().collect()).await;
        let told = format!("{:?}", answers.last());
        assert!(told.contains(&expected), "{expected}: {told}");
    }
    stop.cancel();
}
