//! The wire: schemas as published, every message as it looks, and what is tolerated.

use std::path::Path;

use adjutant_bus::{
    actor::{Platform, Tenant},
    announcement::{Announcement, Link, Matter, Message, NoticeAction, Severity},
    destination::{Destination, Target},
    event::{Event, Fact, Hold, Progress},
    id::Token,
    mode::{Beat, Pause},
    notice::Notice,
    place::AnswerAddress,
    refusal::{Refusal, RefusalCode},
    reply::{Attachment, Block, Button, Field, Reply},
    request::{Decision, Request, Submission, Verdict},
    schema,
    service::{Call, Frame, Offer},
    spec::{ArgKind, ArgSpec, CommandSpec},
    wire::{self, Version},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{event, request};

#[test]
fn the_published_schemas_are_those_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (name, schema) in schema::all() {
        let path = folder.join(format!("{name}.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("ADJUTANT_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == text,
            "{name}.json differs; run the tests with ADJUTANT_BLESS=1 and look at the change"
        );
    }
}

fn token() -> Token {
    Token { worker: "worker-0".to_owned(), attempt: "00000000000000aa".to_owned() }
}

fn facts() -> Vec<Fact> {
    let reply = || Reply::success("done");
    let by = || request("1").actor;
    let refusal = Refusal {
        code: RefusalCode::NotAllowed,
        what: "You may not".to_owned(),
        next: "Ask".to_owned(),
        shown: vec!["line".to_owned()],
    };
    vec![
        Fact::Claimed,
        Fact::Held { hold: Hold::Approve { needed: 1 }, until: Timestamp::UNIX_EPOCH, reply: reply() },
        Fact::Started,
        Fact::Resumed,
        Fact::Progress { progress: Progress { text: "half".to_owned(), percent: Some(50) } },
        Fact::CancelRequested { by: by() },
        Fact::Refused { reply: (&refusal).into(), refusal },
        Fact::Rejected { by: by(), reply: reply() },
        Fact::Succeeded { reply: reply() },
        Fact::Failed { reply: reply(), incident: Some("0badcafe".to_owned()) },
        Fact::TimedOut { reply: reply() },
        Fact::Cancelled { by: Some(by()), reply: reply() },
        Fact::Expired { reply: reply() },
        Fact::Interrupted { reply: reply() },
    ]
}

#[test]
fn every_event_looks_as_recorded_and_is_read_back() {
    let asked = request("1");
    let events: Vec<Event> = facts()
        .into_iter()
        .enumerate()
        .map(|(i, fact)| event(&asked, u32::try_from(i).unwrap() + 1, &token(), fact))
        .collect();
    for one in &events {
        let bytes = wire::encode("event", one).unwrap();
        assert_eq!(&wire::decode::<Event>("event", &bytes).unwrap(), one);
    }
    insta::assert_json_snapshot!("events", events);
}

#[test]
fn every_message_looks_as_recorded() {
    let asked = request("1");
    let decision = Decision {
        v: Version,
        id: request("2").id,
        request: asked.id,
        actor: asked.actor.clone(),
        groups: asked.groups.clone(),
        place: asked.place.clone(),
        verdict: Verdict::Approve,
        reason: Some("looks right".to_owned()),
        received_at: Timestamp::UNIX_EPOCH,
    };
    let reply = Reply::info("title")
        .text("**bold**")
        .fields([("label", "value")])
        .table(&["a", "b"], vec![vec!["1".to_owned(), "2".to_owned()]])
        .block(Block::Code { text: "x = 1".to_owned(), language: Some("toml".to_owned()) })
        .block(Block::List { items: vec!["one".to_owned()] });
    let reply = Reply {
        actions: vec![Button { label: "Again".to_owned(), command: "ping".to_owned(), danger: false }],
        attachment: Some(Attachment {
            name: "a.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            content: "x".to_owned(),
        }),
        ..reply
    };
    let spec = CommandSpec {
        args: vec![
            ArgSpec::positional("app", ArgKind::String, "the app"),
            ArgSpec::flag("limit", ArgKind::Integer { min: Some(1), max: None }, "how many").default_value(3),
        ],
        ..CommandSpec::new("deploy list".parse().unwrap(), "List deployments")
    };
    let call = Call {
        v: Version,
        request: asked.id,
        fence: 12,
        path: spec.path.clone(),
        arguments: [("app".to_owned(), Value::from("web"))].into(),
        actor: asked.actor.clone(),
        place: asked.place.clone(),
        deadline: Timestamp::UNIX_EPOCH,
    };
    let notice = Notice {
        v: Version,
        id: "n-1".to_owned(),
        from: "svc:keds".to_owned(),
        to: asked.place.clone(),
        reply: reply.clone(),
        matter: Some(Matter { key: "deploy-web".to_owned(), action: NoticeAction::Update }),
        sent_at: Timestamp::UNIX_EPOCH,
    };
    let offer = Offer {
        name: "d".to_owned(),
        version: "1.0.0".to_owned(),
        description: String::new(),
        commands: vec![spec],
    };
    let frames = [
        Frame::Progress { v: Version, progress: Progress { text: "half".to_owned(), percent: None } },
        Frame::Result { v: Version, reply },
        Frame::Error { v: Version, message: "no".to_owned() },
    ];
    insta::assert_json_snapshot!(
        "messages",
        json!({
            "request": Submission::Request(asked),
            "decision": Submission::Decision(decision),
            "call": call,
            "notice": notice,
            "said": said(),
            "offer": offer,
            "frames": frames,
        })
    );
}

/// What services say, where it goes, and what stops commands.
fn said() -> Value {
    let target =
        Target { platform: Platform::Slack, tenant: Tenant::new("T0ACME"), channel: "C0OPS".to_owned() };
    let message = Message {
        text: "92 % of /var is used".to_owned(),
        title: Some("Disk nearly full".to_owned()),
        severity: Severity::Warning,
        fields: vec![Field { label: "host".to_owned(), value: "db-1".to_owned() }],
        links: vec![Link { label: "graph".to_owned(), url: "https://graphs.example/db-1".to_owned() }],
        matter: Some(Matter { key: "disk".to_owned(), action: NoticeAction::Resolve }),
    };
    json!({
        "id": Notice::id("svc:monitor", "a-1", &target),
        "matter": message.matter.as_ref().map(|matter| matter.digest("svc:monitor")),
        "announcement": Announcement {
            v: Version,
            id: "a-1".to_owned(),
            destination: "alerts".to_owned(),
            message,
            sent_at: Timestamp::UNIX_EPOCH,
        },
        "destination": Destination { v: Version, name: "alerts".to_owned(), targets: vec![target] },
        "pause": Pause {
            v: Version,
            by: "Ana".to_owned(),
            reason: "incident 7".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        },
        "audit": Beat { v: Version, at: Timestamp::UNIX_EPOCH, sequence: 7, head: "00ff".to_owned() },
    })
}

#[test]
fn unknown_fields_are_tolerated_and_another_version_is_not() {
    let mut message = serde_json::to_value(Submission::Request(request("1"))).unwrap();
    message["later"] = json!("new");
    assert!(wire::decode::<Submission>("request", message.to_string().as_bytes()).is_ok());
    message["v"] = json!(2);
    let error =
        wire::decode::<Submission>("request", message.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("wire version 2 is not supported"), "{error}");
    let error = wire::decode::<Submission>("request", b"{\"kind\":").unwrap_err().to_string();
    assert!(error.contains("not a valid request"), "{error}");
}

#[test]
fn an_answer_address_is_never_shown() {
    let mut asked: Request = request("1");
    asked.place.answer = Some(AnswerAddress::new("https://hooks.example/T0/secret"));
    assert!(!format!("{asked:?}").contains("secret"));
    assert_eq!(asked.place.answer.unwrap().expose(), "https://hooks.example/T0/secret");
}
