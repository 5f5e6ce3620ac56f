//! What the journal promises.

use adjutant_bus::{
    event::{Event, Fact},
    id::Token,
    ports::{AppendError, BusError, Follow, Followed},
    reply::Reply,
    subject::Journals,
};
use futures::StreamExt;

use super::world::{World, event, key, request, soon};

async fn append(
    world: &World,
    event_id: &str,
    expected: u64,
    number: u32,
    fact: Fact,
) -> Result<u64, AppendError> {
    let request = request(event_id);
    let event = event(&request, number, &Token::new("w"), fact);
    world.bus.journal.append(&key(&request), expected, &event).await
}

fn done() -> Fact {
    Fact::Succeeded { reply: Reply::info("done") }
}

pub async fn of_many_claims_one_wins(world: World) {
    let claims = (0..16).map(|_| append(&world, "raced", 0, 1, Fact::Claimed));
    let outcomes = futures::future::join_all(claims).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes.iter().all(|o| matches!(o, Ok(_) | Err(AppendError::Conflict { expected: 0 }))),
        "{outcomes:?}"
    );
}

pub async fn an_append_at_a_stale_sequence_is_refused(world: World) {
    let first = append(&world, "a", 0, 1, Fact::Claimed).await.unwrap();
    let second = append(&world, "a", first, 2, Fact::Started).await.unwrap();
    assert!(second > first);
    let stale = append(&world, "a", first, 3, done()).await;
    assert!(matches!(stale, Err(AppendError::Conflict { expected }) if expected == first), "{stale:?}");
    append(&world, "a", second, 3, done()).await.unwrap();
}

pub async fn events_are_read_back_in_order_and_by_run_id(world: World) {
    let first = append(&world, "a", 0, 1, Fact::Claimed).await.unwrap();
    append(&world, "b", 0, 1, Fact::Claimed).await.unwrap();
    let second = append(&world, "a", first, 2, Fact::Started).await.unwrap();
    let a = request("a");
    let journal = &world.bus.journal;
    let whole = journal.read(&Journals::Request(key(&a)), 0, 100).await.unwrap();
    assert_eq!(
        whole.iter().map(|r| (r.sequence, r.event.number)).collect::<Vec<_>>(),
        [(first, 1), (second, 2)]
    );
    assert_eq!(journal.read(&Journals::Run(a.id.run()), 0, 100).await.unwrap(), whole);
    assert_eq!(journal.read(&Journals::Request(key(&a)), first, 100).await.unwrap(), whole[1..]);
    assert_eq!(journal.read(&Journals::Request(key(&a)), second, 100).await.unwrap(), []);
    assert_eq!(journal.read(&Journals::All, 0, 100).await.unwrap().len(), 3);
    assert_eq!(journal.read(&Journals::All, 0, 2).await.unwrap().len(), 2);
    assert_eq!(journal.read(&Journals::Request(key(&request("nobody"))), 0, 9).await.unwrap(), []);
    assert_eq!(journal.newest().await.unwrap(), second);
}

pub async fn a_repeated_append_meets_a_conflict_and_its_own_token(world: World) {
    let asked = request("a");
    let event: Event = event(&asked, 1, &Token::new("w"), Fact::Claimed);
    let stored = world.bus.journal.append(&key(&asked), 0, &event).await.unwrap();
    let again = world.bus.journal.append(&key(&asked), 0, &event).await;
    assert!(matches!(again, Err(AppendError::Conflict { .. })), "{again:?}");
    let there = world.bus.journal.read(&Journals::Request(key(&asked)), 0, 1).await.unwrap();
    assert_eq!((there[0].sequence, &there[0].event.token), (stored, &event.token));
}

async fn follow(world: &World, from: Follow) -> adjutant_bus::ports::BoxStream<Followed> {
    let platform = adjutant_bus::actor::Platform::Console;
    world.console.journal.follow(Journals::Platform(platform), from).await.unwrap()
}

fn durable() -> Follow {
    Follow::Durable("gateway-console".to_owned())
}

pub async fn a_durable_follower_goes_on_where_it_left_off(world: World) {
    for name in ["a", "b", "c"] {
        append(&world, name, 0, 1, Fact::Claimed).await.unwrap();
    }
    let mut first = follow(&world, durable()).await;
    for name in ["a", "b"] {
        let followed = soon(first.next()).await.unwrap();
        assert_eq!(followed.recorded.key.request, request(name).id);
        followed.handle.acknowledge().await.unwrap();
    }
    drop(first);
    append(&world, "d", 0, 1, Fact::Claimed).await.unwrap();
    let mut second = follow(&world, durable()).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let followed = soon(second.next()).await.unwrap();
        followed.handle.acknowledge().await.unwrap();
        seen.push(followed.recorded.key.request);
    }
    seen.sort();
    let mut wanted = [request("c").id, request("d").id];
    wanted.sort();
    assert_eq!(seen, wanted);
}

pub async fn an_unconfirmed_event_comes_again(world: World) {
    append(&world, "a", 0, 1, Fact::Claimed).await.unwrap();
    let mut events = follow(&world, durable()).await;
    let first = soon(events.next()).await.unwrap();
    let again = soon(events.next()).await.unwrap();
    assert_eq!(again.recorded, first.recorded);
    assert_eq!((first.again, again.again), (false, true));
    again.handle.acknowledge().await.unwrap();
}

pub async fn a_follower_from_now_sees_what_comes(world: World) {
    append(&world, "before", 0, 1, Fact::Claimed).await.unwrap();
    let mut events = follow(&world, Follow::Now).await;
    append(&world, "after", 0, 1, Fact::Claimed).await.unwrap();
    let seen = soon(events.next()).await.unwrap().recorded;
    assert_eq!(seen.key.request, request("after").id);
    let mut older = follow(&world, Follow::After(seen.sequence - 1)).await;
    assert_eq!(soon(older.next()).await.unwrap().recorded, seen);
}

pub async fn a_journal_has_one_identity(world: World) {
    let identity = world.bus.journal.identity().await.unwrap();
    append(&world, "a", 0, 1, Fact::Claimed).await.unwrap();
    assert_eq!(world.api.journal.identity().await.unwrap(), identity);
    let another = super::world::memory().await;
    assert_ne!(another.bus.journal.identity().await.unwrap(), identity);
}

pub async fn an_unknown_durable_follower_is_refused(world: World) {
    let follow = Follow::Durable("nobody".to_owned());
    let refused = world.bus.journal.follow(Journals::All, follow).await.err();
    assert!(matches!(refused, Some(BusError::Refused(_))), "{refused:?}");
}
