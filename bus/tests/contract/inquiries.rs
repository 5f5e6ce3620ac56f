//! What inquiries promise.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use adjutant_bus::{
    ports::{BusError, Inquiry},
    subject::Topic,
};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::world::{SOON, World, soon};

const ASKED: Topic = Topic::Introspect;

/// Answers with the question in capitals; `gated` ones when a gate is opened.
struct Shout {
    gate: Semaphore,
    at_once: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Inquiry for Shout {
    async fn answer(&self, payload: Bytes) -> Bytes {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        if payload == "gated" {
            self.gate.acquire().await.unwrap().forget();
        }
        assert!(payload != "panic", "on purpose");
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        payload.to_ascii_uppercase().into()
    }
}

async fn served(world: &World) -> (Arc<Shout>, DropGuard, tokio::task::JoinHandle<()>) {
    let shout =
        Arc::new(Shout { gate: Semaphore::new(0), at_once: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    let stop = CancellationToken::new();
    let (inquiries, until, inquiry) = (world.api.inquiries.clone(), stop.clone(), shout.clone());
    let serving = tokio::spawn(async move { inquiries.serve(ASKED, inquiry, 2, until).await.unwrap() });
    let deadline = tokio::time::Instant::now() + SOON;
    while world.demo.inquiries.ask(ASKED, "up".into()).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "it must be served soon");
    }
    (shout, stop.drop_guard(), serving)
}

pub async fn a_question_is_answered(world: World) {
    let (_shout, stop, serving) = served(&world).await;
    assert_eq!(world.demo.inquiries.ask(ASKED, "hello".into()).await.unwrap(), "HELLO");
    drop(stop);
    soon(serving).await.unwrap();
    let gone = world.demo.inquiries.ask(ASKED, "hello".into()).await;
    assert!(matches!(gone, Err(BusError::Unavailable(_))), "{gone:?}");
}

pub async fn a_question_that_nobody_answers_is_told_at_once(world: World) {
    let nobody = world.demo.inquiries.ask(ASKED, "hello".into()).await;
    let told = "nobody answers this question at the moment";
    assert!(matches!(&nobody, Err(BusError::Unavailable(why)) if why == told), "{nobody:?}");
}

pub async fn a_question_that_makes_its_answerer_panic_is_told(world: World) {
    let (_shout, _stop, _serving) = served(&world).await;
    let failed = world.demo.inquiries.ask(ASKED, "panic".into()).await;
    let told = "the one that was asked failed on the question";
    assert!(matches!(&failed, Err(BusError::Unavailable(why)) if why == told), "{failed:?}");
    assert_eq!(world.demo.inquiries.ask(ASKED, "hello".into()).await.unwrap(), "HELLO");
}

pub async fn no_more_questions_are_answered_at_once_than_agreed(world: World) {
    let (shout, _stop, _serving) = served(&world).await;
    let ask = || {
        let inquiries = world.demo.inquiries.clone();
        tokio::spawn(async move { inquiries.ask(ASKED, "gated".into()).await })
    };
    let asked: Vec<_> = (0..6).map(|_| ask()).collect();
    let deadline = tokio::time::Instant::now() + SOON;
    while shout.at_once.load(Ordering::SeqCst) < 2 {
        assert!(tokio::time::Instant::now() < deadline, "two must be answered at once");
        tokio::task::yield_now().await;
    }
    shout.gate.add_permits(6);
    for one in asked {
        assert_eq!(soon(one).await.unwrap().unwrap(), "GATED");
    }
    assert_eq!(shout.most.load(Ordering::SeqCst), 2);
}

pub async fn what_was_asked_before_the_end_is_still_answered(world: World) {
    let (shout, stop, serving) = served(&world).await;
    let inquiries = world.demo.inquiries.clone();
    let asked = tokio::spawn(async move { inquiries.ask(ASKED, "gated".into()).await });
    let deadline = tokio::time::Instant::now() + SOON;
    while shout.at_once.load(Ordering::SeqCst) < 1 {
        assert!(tokio::time::Instant::now() < deadline, "it must be asked soon");
        tokio::task::yield_now().await;
    }
    drop(stop);
    shout.gate.add_permits(1);
    assert_eq!(soon(asked).await.unwrap().unwrap(), "GATED");
    soon(serving).await.unwrap();
}
