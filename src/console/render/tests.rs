//! What a terminal shows, recorded.

use adjutant_bus::{
    id::RunId,
    refusal::{Refusal, RefusalCode},
    reply::{Attachment, Button},
};
use jiff::SignedDuration;

use super::*;

const PLAIN: Style = Style { color: false, width: 60, live: false };

fn everything() -> Reply {
    let reply = Reply::success("It worked")
        .text("A paragraph with `code`, *emphasis* and a line that is long enough to be broken somewhere in the middle.")
        .fields([("app", "web"), ("environment", "production")])
        .table(&["app", "version"], vec![vec!["web".to_owned(), "1.9.0 with a very long remark that needs two lines".to_owned()]])
        .block(Block::Code { text: "a = 1\nb = 2".to_owned(), language: None })
        .block(Block::List { items: vec!["one".to_owned(), "two `x`".to_owned()] });
    Reply {
        actions: vec![Button { label: "Again".to_owned(), command: "ping".to_owned(), danger: false }],
        attachment: Some(Attachment {
            name: "log.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            content: "line\n".to_owned(),
        }),
        ..reply
    }
}

#[test]
fn every_part_of_a_reply_looks_as_recorded() {
    insta::assert_snapshot!(render(&everything(), PLAIN));
}

#[test]
fn an_ending_tells_the_run_and_the_time() {
    let run: RunId = "7ZK3M0QX".parse().unwrap();
    let refusal = Refusal {
        code: RefusalCode::BadArguments,
        what: "`deploy promote`: `<to>` is missing".to_owned(),
        next: "`help deploy promote` explains it.".to_owned(),
        shown: vec!["usage: deploy promote <app> <from> <to>".to_owned()],
    };
    let took = SignedDuration::from_millis(1_234);
    let ended = Ended { run, outcome: Outcome::Refused, reply: (&refusal).into(), took };
    insta::assert_snapshot!(super::ended(&ended, PLAIN));
}

#[test]
fn no_value_can_steer_the_terminal() {
    let nasty = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}x";
    let reply = Reply::info(nasty)
        .text(nasty)
        .fields([(nasty, nasty)])
        .table(&[nasty], vec![vec![nasty.to_owned()]])
        .block(Block::Code { text: nasty.to_owned(), language: None })
        .block(Block::List { items: vec![nasty.to_owned()] });
    let entities = "&#27;[31m &#x9b;31m &#x202e; `&#27;` [x](http://a&#27;b)";
    let reply = reply.text(entities).block(Block::List { items: vec![entities.to_owned()] });
    let shown = render(&reply, PLAIN);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(!shown.contains('\u{202e}'));
}

#[test]
fn colour_is_used_only_where_it_is_wanted() {
    assert!(!render(&everything(), PLAIN).contains('\u{1b}'));
    assert!(render(&everything(), Style { color: true, ..PLAIN }).contains('\u{1b}'));
}

#[test]
fn a_notice_tells_who_sends_it_and_what_it_does_to_an_earlier_one() {
    use adjutant_bus::{
        announcement::{Link, Matter, Message, Severity},
        place::Place,
        wire::Version,
    };
    let place = Place {
        platform: adjutant_bus::actor::Platform::Console,
        tenant: adjutant_bus::actor::Tenant::new("local"),
        channel: "terminal".to_owned(),
        thread: None,
        private: false,
        answer: None,
    };
    let actions = [
        None,
        Some(NoticeAction::Trigger),
        Some(NoticeAction::Update),
        Some(NoticeAction::Acknowledge),
        Some(NoticeAction::Resolve),
    ];
    let severities =
        [Severity::Info, Severity::Success, Severity::Warning, Severity::Error, Severity::Critical];
    let shown: Vec<String> = actions
        .into_iter()
        .zip(severities)
        .enumerate()
        .map(|(n, (action, severity))| {
            let matter = action.map(|action| Matter { key: "k".to_owned(), action });
            let message = Message {
                text: "disk *sda* is full\nsince noon".to_owned(),
                title: (n != 1).then(|| "Disk".to_owned()),
                severity,
                fields: vec![Field { label: "host".to_owned(), value: "db-1\u{1b}[2J".to_owned() }],
                links: vec![Link { label: "graph".to_owned(), url: "https://graphs.example/1".to_owned() }],
                matter: matter.clone(),
            };
            let notice = Notice {
                v: Version,
                id: n.to_string(),
                from: "svc:monitor".to_owned(),
                to: place.clone(),
                reply: message.reply(),
                matter,
                sent_at: jiff::Timestamp::UNIX_EPOCH,
            };
            super::notice(&notice, PLAIN)
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}
