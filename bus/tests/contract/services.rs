//! What services promise.

use std::{sync::Arc, time::Duration};

use adjutant_bus::{
    event::Progress,
    ports::{Answer, CallError, ProgressSink, Serve},
    reply::Reply,
    service::{Call, Offer},
    spec::CommandSpec,
    wire::Version,
};
use async_trait::async_trait;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::world::{SOON, World, request, soon};

struct Deploy;

#[async_trait]
impl Serve for Deploy {
    async fn serve(&self, call: Call, progress: ProgressSink) -> Result<Reply, String> {
        match call.path.to_string().as_str() {
            "deploy list" => {
                for text in ["one", "two"] {
                    let _ = progress.send(Progress { text: text.to_owned(), percent: None }).await;
                }
                Ok(Reply::info(format!("{} {}", call.request, call.fence)))
            }
            "deploy hang" => std::future::pending().await,
            "deploy panic" => panic!("on purpose"),
            other => Err(format!("{other} is not wanted")),
        }
    }
}

async fn offered(world: &World) -> DropGuard {
    let specs = ["list", "hang", "fail", "panic"]
        .map(|name| CommandSpec::new(format!("deploy {name}").parse().unwrap(), name));
    let offer = Offer {
        name: "deployments".to_owned(),
        version: "1.0.0".to_owned(),
        description: "for the test".to_owned(),
        commands: specs.to_vec(),
    };
    let stop = CancellationToken::new();
    let (services, until) = (world.demo.services.clone(), stop.clone());
    tokio::spawn(async move { services.offer(offer, Arc::new(Deploy), 4, until).await.unwrap() });
    let deadline = tokio::time::Instant::now() + SOON;
    while world
        .bus
        .services
        .list(Duration::from_millis(200))
        .await
        .unwrap()
        .first()
        .is_none_or(|o| o.commands.len() < 4)
    {
        assert!(tokio::time::Instant::now() < deadline, "the offer must be listed");
    }
    stop.drop_guard()
}

async fn call(world: &World, path: &str, within: Duration) -> Vec<Result<Answer, CallError>> {
    let asked = request("call");
    let call = Call {
        v: Version,
        request: asked.id,
        fence: 7,
        path: path.parse().unwrap(),
        arguments: std::collections::BTreeMap::new(),
        actor: asked.actor,
        place: asked.place,
        deadline: Timestamp::now() + SignedDuration::try_from(within).unwrap(),
    };
    match world.bus.services.call(call).await {
        Ok(answers) => soon(answers.collect()).await,
        Err(error) => vec![Err(error)],
    }
}

pub async fn an_offered_command_is_listed_and_called_with_progress(world: World) {
    let stop = offered(&world).await;
    let offers = world.bus.services.list(Duration::from_millis(300)).await.unwrap();
    assert_eq!(offers.iter().map(|offer| offer.name.as_str()).collect::<Vec<_>>(), ["deployments"]);
    assert_eq!(offers[0].commands.len(), 4);
    let answers: Vec<Answer> =
        call(&world, "deploy list", SOON).await.into_iter().map(Result::unwrap).collect();
    let sign = |text: &str| Answer::Progress(Progress { text: text.to_owned(), percent: None });
    let result = Answer::Result(Reply::info(format!("{} 7", request("call").id)));
    assert_eq!(answers, [sign("one"), sign("two"), result]);
    drop(stop);
    let deadline = tokio::time::Instant::now() + SOON;
    while !matches!(
        call(&world, "deploy list", Duration::from_secs(1)).await.last(),
        Some(Err(CallError::NoService))
    ) {
        assert!(tokio::time::Instant::now() < deadline, "a withdrawn offer must go");
    }
}

pub async fn a_service_that_goes_answers_every_call_that_was_sent_to_it(world: World) {
    for _ in 0..3 {
        let stop = offered(&world).await;
        let answered = std::sync::atomic::AtomicUsize::new(0);
        let caller = async || {
            loop {
                match call(&world, "deploy list", Duration::from_secs(5)).await.pop() {
                    Some(Ok(Answer::Result(_))) => {
                        answered.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    // Nobody has it, and that is known.
                    Some(Err(CallError::NoService)) => return,
                    other => panic!("a call was taken along: {other:?}"),
                }
            }
        };
        let goes = async {
            while answered.load(std::sync::atomic::Ordering::SeqCst) < 100 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            drop(stop);
        };
        let callers = futures::future::join_all((0..16).map(|_| caller()));
        soon(futures::future::join(callers, goes)).await;
    }
}

pub async fn a_call_that_nobody_answers_is_told_at_once(world: World) {
    let answers = call(&world, "deploy list", SOON).await;
    assert!(matches!(answers.as_slice(), [Err(CallError::NoService)]), "{answers:?}");
}

pub async fn a_service_that_hangs_meets_the_deadline(world: World) {
    let _stop = offered(&world).await;
    let answers = call(&world, "deploy hang", Duration::from_millis(700)).await;
    assert!(matches!(answers.as_slice(), [Err(CallError::Deadline)]), "{answers:?}");
}

pub async fn a_service_that_fails_says_why(world: World) {
    let _stop = offered(&world).await;
    let answers = call(&world, "deploy fail", SOON).await;
    assert!(
        matches!(answers.as_slice(), [Ok(Answer::Error(why))] if why == "deploy fail is not wanted"),
        "{answers:?}"
    );
}

pub async fn a_service_that_panics_ends_the_call(world: World) {
    let _stop = offered(&world).await;
    let answers = call(&world, "deploy panic", SOON).await;
    assert!(
        matches!(answers.as_slice(), [Err(CallError::Malformed(_)) | Ok(Answer::Error(_))]),
        "{answers:?}"
    );
}
