//! What every kind of reply looks like, and that nothing crosses a limit, acts or is lost.

mod discord;
mod hostile;
mod limits;

use adjutant_bus::{
    id::RequestId,
    refusal::{Refusal, RefusalCode},
    reply::{Attachment, Button},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

fn foot(outcome: Outcome) -> Foot {
    let id: RequestId = "5d2ea433-9c2b-5f02-9657-5041612c5cfe".parse().unwrap();
    Foot { run: id.run(), outcome, took: SignedDuration::from_millis(1_234), asker: None }
}

fn done(answer: &Reply) -> Rendered {
    reply(answer, &foot(Outcome::Succeeded))
}

fn shown(rendered: &Rendered) -> Value {
    let messages: Vec<Value> = rendered.messages.iter().map(|m| Value::Object(m.body.clone())).collect();
    let files: Vec<Value> =
        rendered.files.iter().map(|f| json!({ "name": f.name, "content": f.content })).collect();
    json!({ "messages": messages, "files": files })
}

fn button(label: &str, command: &str, danger: bool) -> Button {
    Button { label: label.to_owned(), command: command.to_owned(), danger }
}

fn code_block(text: &str, language: Option<&str>) -> Block {
    Block::Code { text: text.to_owned(), language: language.map(str::to_owned) }
}

fn description(rendered: &Rendered) -> &str {
    rendered.messages[0].body["embeds"][0]["description"].as_str().unwrap()
}

#[test]
fn every_kind_of_part_looks_as_recorded() {
    let mut answer = Reply::success("Promoted `shop` to production")
        .text("# Head\n\n**Bold**, *italic*, ***both***, ~~struck~~, `code`, [a link](https://a.example/x_(y)), [b.example](https://a.example) and [a trap](javascript:x).\n\nNext <@1> paragraph, https://a.example/some_page.\n\n> quoted\n> # more\n\n1. one\n2. two\n   - below\n\n```rust\nfn main() {}\n```\n\nEnd")
        .fields([("app", "shop & <co>"), ("build", "1.2.3")])
        .table(&["app", "version"], vec![vec!["shop".to_owned(), String::new()], vec!["カート".to_owned(), "7".to_owned()]])
        .block(code_block("a < b && ```c``` \u{202E}", Some("rust")))
        .block(Block::List { items: vec!["first **item**".to_owned(), String::new(), "# third\n\n- x".to_owned()] })
        .fields([("region", "eu"), ("", ""), ("notes", "one\ntwo")]);
    answer.actions = vec![
        button("Roll back", "deploy rollback shop", true),
        button("Look", "deploy list", false),
        button("Look", "deploy list", false),
    ];
    answer.attachment = Some(Attachment {
        name: "log.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        content: "line".to_owned(),
    });
    let rendered = done(&answer);
    insta::assert_snapshot!("every_kind_as_read", description(&rendered));
    insta::assert_json_snapshot!(shown(&rendered));
}

#[test]
fn every_tone_and_outcome_looks_as_recorded() {
    let refusal = Refusal {
        code: RefusalCode::NotAllowed,
        what: "You may not run `deploy promote`".to_owned(),
        next: "Ask **Engineering**.".to_owned(),
        shown: vec!["deploy promote shop".to_owned(), "               ^ here".to_owned()],
    };
    let asked = |asker: &str| Foot { asker: Some(asker.to_owned()), ..foot(Outcome::Succeeded) };
    let cases = [
        ("refused", reply(&Reply::from(&refusal), &foot(Outcome::Refused))),
        ("failed", reply(&Reply::failure("It did not work"), &foot(Outcome::Failed))),
        ("timed out", reply(&Reply::failure("It took too long"), &foot(Outcome::TimedOut))),
        ("asked by a user", reply(&Reply::info("Here"), &asked("80351110224678912"))),
        ("asked by a text", reply(&Reply::info("Here"), &asked("1> <@&2"))),
        ("empty", done(&Reply::info(""))),
        ("bare and empty", bare(&Reply::info(" "))),
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
        working("deploy `promote` shop", Some(&progress), run),
        working("", None, run),
        finished("deploy promote shop", Outcome::TimedOut, run),
        finished("", Outcome::Failed, run),
        plain("That could not be accepted, nothing was done. Say `help` to <@1>."),
    ];
    let table: Vec<Value> = messages.iter().map(|m| Value::Object(m.body.clone())).collect();
    insta::assert_json_snapshot!(table);
}

#[test]
fn labelled_values_keep_their_place_unless_they_end_the_reply() {
    let ending = done(&Reply::info("x").text("before").fields([("a", "1")]).fields([("b", "2")]));
    assert_eq!(description(&ending), "before");
    assert_eq!(ending.messages[0].body["embeds"][0]["fields"].as_array().unwrap().len(), 2);
    let between = done(&Reply::info("x").fields([("a", "1")]).text("after"));
    assert_eq!(description(&between), "**a:** 1\n\nafter");
    assert!(between.messages[0].body["embeds"][0].get("fields").is_none());
    let many = done(&Reply::info("x").fields((0..60).map(|n| (format!("label {n}"), format!("value {n}")))));
    assert_eq!(description(&many).lines().count(), 60);
    assert_eq!(many.messages.len(), 1);
}

#[test]
fn tables_are_laid_out_by_what_is_seen_and_wide_ones_row_by_row_or_as_a_file() {
    let rows = vec![
        vec!["shop".to_owned(), "7".to_owned()],
        vec!["カート".to_owned(), "1234".to_owned()],
        vec!["two\nlines".to_owned(), "-1.5".to_owned()],
    ];
    let rendered = done(&Reply::info("x").table(&["app", "builds"], rows));
    insta::assert_snapshot!(description(&rendered));
    let exactly = |width: usize| done(&Reply::info("x").table(&["a"], vec![vec!["w".repeat(width)]]));
    assert!(exactly(80).files.is_empty());
    assert_eq!(description(&exactly(81)), format!("**{}**", "w".repeat(81)));
    let row = |cells: &[&str]| {
        let columns: Vec<&str> = ["app", "env", "note"].into_iter().take(cells.len()).collect();
        let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
        description(&done(&Reply::info("x").table(&columns, vec![cells]))).to_owned()
    };
    let long = "w ".repeat(40);
    assert_eq!(row(&["shop", &long]), format!("**shop** – {}", long.trim_end()));
    assert_eq!(row(&["shop", "", &long]), format!("**shop** · note: {}", long.trim_end()));
    let wide = exactly(8_000);
    assert_eq!(wide.files[0].name, "answer-1.csv");
    assert_eq!(wide.files[0].content, format!("\"a\"\r\n\"{}\"\r\n", "w".repeat(8_000)));
    assert_eq!(description(&wide), "See answer-1.csv.");
}

#[test]
fn the_whole_of_a_reply_is_plain_text_too() {
    let mut answer = Reply::info("Title")
        .text("*text*")
        .fields([("a", "1")])
        .table(&["x", "y"], vec![vec!["1".to_owned(), "2".to_owned()]])
        .block(Block::List { items: vec!["one".to_owned()] });
    answer.actions = vec![button("Go", "run it", false)];
    assert_eq!(as_text(&answer), "Title\n*text*\na: 1\nx\ty\n1\t2\n- one\nGo: run it");
}
