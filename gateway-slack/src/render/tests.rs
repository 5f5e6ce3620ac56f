//! What every kind of reply looks like, and that nothing crosses a limit or is lost.

use adjutant_bus::{
    id::RequestId,
    refusal::{Refusal, RefusalCode},
    reply::{Attachment, Block, Button},
};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

fn foot(outcome: Outcome) -> Foot {
    let id: RequestId = "5d2ea433-9c2b-5f02-9657-5041612c5cfe".parse().unwrap();
    Foot { run: id.run(), outcome, took: SignedDuration::from_millis(1_234), asker: None }
}

fn done(answer: &Reply) -> Rendered {
    reply(answer, &foot(Outcome::Succeeded))
}

fn shown(rendered: &Rendered) -> Value {
    let messages: Vec<Value> =
        rendered.messages.iter().map(|m| json!({ "text": m.text, "blocks": m.blocks })).collect();
    let files: Vec<Value> =
        rendered.files.iter().map(|f| json!({ "name": f.name, "content": f.content })).collect();
    json!({ "messages": messages, "files": files })
}

#[test]
fn every_kind_of_part_looks_as_recorded() {
    let button = |label: &str, command: &str, danger| Button {
        label: label.to_owned(),
        command: command.to_owned(),
        danger,
    };
    let mut answer = Reply::success("Promoted `shop` to production")
        .text("**Bold**, *italic*, ~~struck~~, `code`, [a link](https://a.example) and [a trap](javascript:x).\n\nNext <!channel> paragraph.\n\n> quoted\n\n1. one\n2. two\n   - below\n\n```\nfn main() {}\n```")
        .fields([("app", "shop & <co>"), ("build", "1.2.3")])
        .table(&["app", "version"], vec![vec!["shop".to_owned(), String::new()], vec!["cart".to_owned(), "7".to_owned()]])
        .block(Block::Code { text: "a < b && `c`".to_owned(), language: Some("rust".to_owned()) })
        .block(Block::List { items: vec!["first **item**".to_owned(), String::new()] });
    answer.actions =
        vec![button("Roll back", "deploy rollback shop", true), button("Look", "deploy list", false)];
    answer.attachment = Some(Attachment {
        name: "log.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        content: "line".to_owned(),
    });
    insta::assert_json_snapshot!(shown(&done(&answer)));
}

#[test]
fn every_tone_and_outcome_looks_as_recorded() {
    let refusal = Refusal {
        code: RefusalCode::NotAllowed,
        what: "You may not run `deploy promote`".to_owned(),
        next: "Ask **Engineering**.".to_owned(),
        shown: vec!["deploy promote shop".to_owned(), "               ^ here".to_owned()],
    };
    let cases = [
        ("refused", reply(&Reply::from(&refusal), &foot(Outcome::Refused))),
        ("failed", reply(&Reply::failure("It did not work"), &foot(Outcome::Failed))),
        ("timed out", reply(&Reply::failure("It took too long"), &foot(Outcome::TimedOut))),
        (
            "by slash",
            reply(
                &Reply::info("Here"),
                &Foot { asker: Some("U0ANA".to_owned()), ..foot(Outcome::Succeeded) },
            ),
        ),
        ("empty", done(&Reply::info(""))),
        ("notice", notice(&Reply::info("").text("Disk is *nearly* full"), "svc:<monitor>")),
    ];
    let table: Vec<Value> =
        cases.iter().map(|(name, rendered)| json!({ "case": name, "shown": shown(rendered) })).collect();
    insta::assert_json_snapshot!(table);
}

#[test]
fn work_in_progress_looks_as_recorded() {
    let run = foot(Outcome::Succeeded).run;
    let progress = Progress { text: "step 2 of <5>".to_owned(), percent: Some(40) };
    let messages = [
        working("deploy promote shop", None, run),
        working("deploy promote shop", Some(&progress), run),
        working("", None, run),
        finished("deploy promote shop", Outcome::TimedOut, run),
    ];
    let table: Vec<Value> = messages.iter().map(|m| json!({ "text": m.text, "blocks": m.blocks })).collect();
    insta::assert_json_snapshot!(table);
}

/// All texts in blocks, in order.
fn texts(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            Value::String(text) if name == "text" => out.push_str(text),
            other => texts(other, out),
        }),
        Value::Array(all) => all.iter().for_each(|one| texts(one, out)),
        _ => {}
    }
}

/// What a reader gets: of messages, or else of the files.
fn readable(rendered: &Rendered) -> String {
    let mut out = String::new();
    for message in &rendered.messages {
        message.blocks.iter().for_each(|block| texts(block, &mut out));
    }
    rendered.files.iter().for_each(|file| out.push_str(&file.content));
    out
}

fn assert_within_limits(rendered: &Rendered) {
    assert!(!rendered.messages.is_empty() && rendered.messages.len() <= MOST_MESSAGES);
    for message in &rendered.messages {
        let mut all = String::new();
        message.blocks.iter().for_each(|block| texts(block, &mut all));
        assert!(all.chars().count() <= 13_000, "{}", all.chars().count());
        assert!(message.text.chars().count() <= 4_000);
        assert!(!message.blocks.is_empty() && message.blocks.len() <= 50);
        let tables: Vec<&Value> = message.blocks.iter().filter(|block| block["type"] == "table").collect();
        assert!(tables.len() <= 1);
        for table in tables {
            assert!(table["rows"].as_array().unwrap().len() <= 100);
        }
    }
    assert!(rendered.files.iter().all(|file| !file.content.is_empty()));
}

#[test]
fn what_is_too_long_is_split_or_becomes_a_file_at_and_over_the_edge() {
    for length in [2_899, 2_900, 2_901, 11_499, 11_501, 40_000, 80_000] {
        let text = "word ".repeat(length / 5) + "END-OF-IT";
        for answer in [
            Reply::info("long").text(text.clone()),
            Reply::info("long").block(Block::Code { text: text.clone(), language: None }),
            Reply::info("long").fields([("field", text.clone())]),
            Reply::info("long").block(Block::List { items: vec![text.clone()] }),
            Reply::info("long").table(&["cell"], vec![vec![text.clone()]]),
            Reply::info(text.clone()),
        ] {
            let rendered = done(&answer);
            assert_within_limits(&rendered);
            assert!(readable(&rendered).contains("END-OF-IT"), "{length}: {:?}", answer.body.first());
        }
    }
    for rows in [1, 98, 99, 100, 101, 300, 2_000] {
        let rows: Vec<Vec<String>> = (0..rows).map(|n| vec![format!("row-{n}"), "x".repeat(20)]).collect();
        let last = rows.last().unwrap()[0].clone();
        let rendered = done(&Reply::info("table").table(&["a", "b"], rows));
        assert_within_limits(&rendered);
        assert!(readable(&rendered).contains(&last));
    }
    let wide = vec!["cell".to_owned(); 21];
    let heads: Vec<&str> = wide.iter().map(String::as_str).collect();
    assert!(done(&Reply::info("wide").table(&heads, vec![wide.clone()])).files[0].name.ends_with(".csv"));
    let two = Reply::info("two")
        .table(&["a"], vec![vec!["1".to_owned()]])
        .table(&["b"], vec![vec!["2".to_owned()]]);
    assert_eq!(done(&two).messages.len(), 2);
    let mut buttons = Reply::info("buttons");
    let button = |n: usize| Button {
        label: "x".repeat(100),
        command: format!("run {n} {}", "y".repeat(n)),
        danger: false,
    };
    buttons.actions = vec![button(1), button(1_990), button(2_500)];
    let rendered = done(&buttons);
    assert_within_limits(&rendered);
    assert!(readable(&rendered).contains(&"y".repeat(2_500)), "a command too long for a button is shown");
}

proptest! {
    /// No text of anybody becomes a mention, markup or a broken message.
    #[test]
    fn any_reply_is_within_limits_and_says_everything(
        title in ".{0,60}", text in "[a-z<>&!@`*_~ \n-]{0,400}", cells in proptest::collection::vec("[a-z<>!@]{0,12}", 0..12),
    ) {
        let rows = cells.iter().map(|cell| vec![cell.clone()]).collect();
        let answer = Reply::info(title).text(text.clone()).table(&["cell"], rows).fields([("field", text)]);
        let rendered = done(&answer);
        assert_within_limits(&rendered);
        for message in &rendered.messages {
            prop_assert!(!message.text.contains('<'), "{}", message.text);
            for block in &message.blocks {
                let kind = block["type"].as_str().unwrap();
                prop_assert!(matches!(kind, "rich_text" | "table" | "context"), "{}", kind);
            }
        }
    }
}
