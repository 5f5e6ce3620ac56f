//! Requests whose events a test appends, as a worker would.

use std::{collections::BTreeMap, path::Path};

use adjutant_api::store::{self, Database, Db};
use adjutant_bus::{
    actor::{Actor, Membership, Platform, Standing, Tenant},
    event::{Event, Fact, Invocation, Opening},
    id::{RequestId, Token},
    place::{AnswerAddress, Place},
    ports::Bus,
    reply::Reply,
    request::Request,
    spec::Effect,
    subject::{JournalKey, Origin},
    wire::Version,
};
use jiff::Timestamp;
use serde_json::json;

use super::sql::rows;

/// Whoever knows it may answer in our name.
pub const ANSWER: &str = "https://hooks.slack.test/answer/T0/SECRET";

/// Somebody on Slack who asks for a deployment.
pub fn request(event: &str) -> Request {
    let tenant = Tenant::new("T0");
    Request {
        v: Version,
        id: RequestId::derive(Platform::Slack, &tenant, event),
        actor: Actor {
            platform: Platform::Slack,
            tenant: tenant.clone(),
            user: "U1".to_owned(),
            label: "Ana".to_owned(),
            standing: Standing::Member,
        },
        groups: Membership::known(Vec::new()),
        place: Place {
            platform: Platform::Slack,
            tenant,
            channel: "C1".to_owned(),
            thread: None,
            private: false,
            answer: Some(AnswerAddress::new(ANSWER)),
        },
        text: "deploy start web".to_owned(),
        raw: None,
        received_at: Timestamp::now(),
        expires_at: None,
    }
}

pub fn key(request: &Request) -> JournalKey {
    JournalKey { origin: Origin::of(&request.actor), request: request.id }
}

pub fn event(request: &Request, number: u32, fact: Fact) -> Event {
    let invocation = Invocation {
        path: "deploy start".parse().unwrap(),
        arguments: BTreeMap::from([("answer".to_owned(), json!("yes"))]),
        canonical: "deploy start web".to_owned(),
        effect: Effect::Mutating,
    };
    let opening = Opening {
        request: request.clone(),
        invocation: Some(invocation),
        authorization: None,
        message_sequence: 1,
    };
    Event {
        v: Version,
        number,
        at: Timestamp::now(),
        token: Token::new("worker-test"),
        opening: (number == 1).then(|| Box::new(opening)),
        fact,
    }
}

/// The whole life of a request: claimed, started, succeeded. Gives the sequence of its last event.
pub async fn live(bus: &Bus, request: &Request) -> u64 {
    let facts = [Fact::Claimed, Fact::Started, Fact::Succeeded { reply: Reply::success("Done.") }];
    let mut last = 0;
    for (number, fact) in (1..).zip(facts) {
        last = bus.journal.append(&key(request), last, &event(request, number, fact)).await.unwrap();
    }
    last
}

/// The database of a world, opened once more.
pub async fn database(dir: &Path) -> Db {
    store::open(&Database::Sqlite(dir.join("adjutant.db"))).await.unwrap()
}

/// Everything in the record, as one reads it: place, journal's place, kind, actor, target, outcome, body.
pub type Line = (i64, Option<i64>, String, String, String, Option<String>, String);

pub async fn lines(db: &Db) -> Vec<Line> {
    rows(db, "SELECT seq, journal_seq, kind, actor, target, outcome, body FROM audit_entries ORDER BY seq")
        .await
}

/// The places in the journal that were copied, in order.
pub async fn copied(db: &Db) -> Vec<i64> {
    lines(db).await.into_iter().filter_map(|line| line.1).collect()
}
