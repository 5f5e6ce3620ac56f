//! Every message keeps every limit, and says everything.

use proptest::prelude::*;

use super::{
    super::escape::units,
    hostile::{assert_harmless, text},
    *,
};

fn string<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).map(|text| text.as_str().unwrap()).unwrap_or_default()
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).map(|all| all.as_array().unwrap().as_slice()).unwrap_or_default()
}

/// Discord's limits, which its OpenAPI document does not tell in full.
fn assert_within_limits(message: &Message) {
    let body = Value::Object(message.body.clone());
    let nobody = json!({ "parse": [], "users": [], "roles": [], "replied_user": false });
    assert_eq!(body["allowed_mentions"], nobody);
    let names: Vec<&str> = message.body.keys().map(String::as_str).collect();
    assert_eq!(names, ["allowed_mentions", "components", "content", "embeds"]);
    assert!(units(string(&body, "content")) <= 2_000);
    assert!(array(&body, "embeds").len() <= 1);
    assert!(!string(&body, "content").trim().is_empty() || !array(&body, "embeds").is_empty());
    for embed in array(&body, "embeds") {
        let (title, text) = (string(embed, "title"), string(embed, "description"));
        let foot = embed.get("footer").map(|foot| string(foot, "text")).unwrap_or_default();
        assert!(units(title) <= 256 && units(text) <= 4_096 && units(foot) <= 2_048);
        let fields = array(embed, "fields");
        assert!(fields.len() <= 25);
        let mut all = units(title) + units(text) + units(foot);
        for field in fields {
            let (name, value) = (string(field, "name"), string(field, "value"));
            assert!((1..=256).contains(&units(name.trim())) && (1..=1_024).contains(&units(value.trim())));
            all += units(name) + units(value);
        }
        assert!((1..=6_000).contains(&all), "{all}");
    }
    let rows = array(&body, "components");
    assert!(rows.len() <= 5);
    let buttons: Vec<&Value> = rows.iter().flat_map(|row| array(row, "components")).collect();
    assert!(rows.iter().all(|row| (1..=5).contains(&array(row, "components").len())));
    let mut ids: Vec<&str> = buttons.iter().map(|button| string(button, "custom_id")).collect();
    assert!(ids.iter().all(|id| id.starts_with(RUN) && units(id) <= 100));
    assert!(buttons.iter().all(|button| (1..=80).contains(&units(string(button, "label").trim()))));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "ids are unique");
}

pub(super) fn assert_all_within_limits(rendered: &Rendered) {
    assert!((1..=MOST_MESSAGES).contains(&rendered.messages.len()));
    rendered.messages.iter().for_each(assert_within_limits);
    assert!(rendered.files.len() <= 10);
    let (_, before) = rendered.messages.split_last().unwrap();
    assert!(before.iter().all(|message| message.body["components"] == json!([])), "buttons stand last");
}

/// What a reader gets: of messages, and of the files.
fn readable(rendered: &Rendered) -> String {
    let mut out = String::new();
    for message in &rendered.messages {
        let embed = &message.body["embeds"][0];
        out.push_str(&format!("{}\n{}\n", string(embed, "title"), string(embed, "description")));
        for field in array(embed, "fields") {
            out.push_str(&format!("{}\n{}\n", string(field, "name"), string(field, "value")));
        }
    }
    rendered.files.iter().for_each(|file| out.push_str(&file.content));
    out
}

#[test]
fn what_is_too_long_is_split_or_becomes_a_file_at_and_over_the_edge() {
    for length in [3_880, 3_895, 3_900, 3_905, 4_000, 7_000, 7_800, 7_805, 15_000, 17_000, 80_000] {
        for word in ["word ", "w**d ", "word\n", "👨‍👩‍👧 ", "*****", "@a\n\n"] {
            let text = word.repeat(length / units(word)) + "END-OF-IT";
            for answer in [
                Reply::info("long").text(text.clone()),
                Reply::info("long").text(format!("intro\n\n```rust\n{text}\n```\n\nouttro")),
                Reply::info("long").block(code_block(&text, Some("rust"))),
                Reply::info("long").fields([("field", text.clone())]),
                Reply::info("long").fields([("field", text.clone())]).text("after"),
                Reply::info("long").block(Block::List { items: vec!["short".to_owned(), text.clone()] }),
                Reply::info("long").table(&["cell"], vec![vec![text.clone()]]),
                Reply::info(text.clone()),
            ] {
                let rendered = done(&answer);
                assert_all_within_limits(&rendered);
                let told = readable(&rendered)
                    .replace("```rust", "")
                    .replace("\n- ", "")
                    .replace(['\n', '\\', '`'], "");
                assert!(told.contains("END-OF-IT"), "{length} {word:?}: {rendered:?}");
                for message in &rendered.messages {
                    let text = string(&message.body["embeds"][0], "description");
                    assert!(super::discord::read(text).balanced, "{text}");
                    assert!(!text.contains("\u{200D}\n"), "an emoji is torn apart");
                }
            }
        }
    }
}

#[test]
fn a_text_of_7000_characters_is_split_with_its_fences_whole() {
    let code = "let x = 1;\n".repeat(300);
    let text = format!("{}\n\n```rust\n{code}```\n\n{}", "before ".repeat(250), "after ".repeat(320));
    let rendered = done(&Reply::info("long").text(text));
    assert_eq!(rendered.messages.len(), 3);
    assert!(rendered.files.is_empty());
    let footers: Vec<&str> = rendered
        .messages
        .iter()
        .map(|message| message.body["embeds"][0]["footer"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(footers[0], "part 1 of 3");
    assert!(footers[2].starts_with("run ") && footers[2].ends_with("part 3 of 3"));
    assert_eq!(done(&Reply::info("long").text("word ".repeat(1_400))).messages.len(), 2);
    let told = readable(&rendered);
    assert_eq!(told.matches("let x = 1;").count(), 300);
    assert_eq!((told.matches("before").count(), told.matches("after").count()), (250, 320));
}

#[test]
fn tables_of_any_length_are_complete() {
    for rows in [0, 1, 50, 100, 300, 2_000] {
        let rows: Vec<Vec<String>> = (0..rows).map(|n| vec![format!("row-{n}"), "x".repeat(20)]).collect();
        let count = rows.len();
        let rendered = done(&Reply::info("table").table(&["a", "b"], rows));
        assert_all_within_limits(&rendered);
        assert_eq!(readable(&rendered).matches("row-").count(), count);
        assert_eq!(rendered.files.is_empty(), count <= 100, "{count}");
        assert_eq!(rendered.messages.len(), 1);
    }
    let many = (0..12).fold(Reply::info("many"), |reply, n| {
        reply.table(&["a"], vec![vec![format!("{n}-{}", "x".repeat(8_000))]])
    });
    let rendered = done(&many);
    assert_all_within_limits(&rendered);
    assert_eq!(rendered.files.len(), 1, "more files than a message takes are one");
    assert!(rendered.files[0].content.contains("11-x"));
}

#[test]
fn a_command_without_a_button_is_shown_to_be_typed() {
    let mut answer = Reply::info("buttons");
    let exactly = |length: usize| "y".repeat(length - RUN.len());
    answer.actions = vec![
        button(&"label ".repeat(30), &exactly(100), true),
        button("Too long", &exactly(101), false),
        button("Same", "help", false),
        button("Same", "help", false),
        button("Other", "help", false),
        button("", "list", false),
        button("", "", false),
    ];
    let rendered = done(&answer);
    assert_all_within_limits(&rendered);
    let ids: Vec<&str> = array(&Value::Object(rendered.messages[0].body.clone()), "components")
        .iter()
        .flat_map(|row| row["components"].as_array().unwrap())
        .map(|button| button["custom_id"].as_str().unwrap())
        .map(|id| Box::leak(id.to_owned().into_boxed_str()) as &str)
        .collect();
    assert_eq!(ids, [format!("run:{}", exactly(100)).as_str(), "run:help", "run:list", "run:"]);
    assert_eq!(
        description(&rendered),
        format!("Too long\\:\n```\n{}\n```\nOther\\:\n```\nhelp\n```", exactly(101))
    );
    answer.actions = (0..40).map(|n| button("b", &format!("run {n}"), false)).collect();
    let rendered = done(&answer);
    assert_all_within_limits(&rendered);
    assert!(description(&rendered).contains("run 25") && description(&rendered).contains("run 39"));
}

fn block() -> impl Strategy<Value = Block> {
    let texts = |count| proptest::collection::vec(text(), count);
    prop_oneof![
        text().prop_map(|text| Block::Text { text }),
        (text(), 1..90_usize).prop_map(|(text, times)| Block::Text { text: text.repeat(times) }),
        proptest::collection::vec((text(), text()), 0..40).prop_map(|fields| Block::Fields {
            fields: fields
                .into_iter()
                .map(|(label, value)| adjutant_bus::reply::Field { label, value })
                .collect()
        }),
        (texts(0..3), proptest::collection::vec(texts(0..4), 0..12))
            .prop_map(|(columns, rows)| Block::Table { columns, rows }),
        (text(), proptest::option::of(text())).prop_map(|(text, language)| Block::Code { text, language }),
        texts(0..12).prop_map(|items| Block::List { items }),
    ]
}

prop_compose! {
    fn answer()(
        title in text(),
        body in proptest::collection::vec(block(), 0..6),
        actions in proptest::collection::vec((text(), text(), any::<bool>()), 0..8),
        tone in proptest::sample::select(&[Tone::Info, Tone::Success, Tone::Warning, Tone::Failure][..]),
    ) -> Reply {
        let actions = actions.iter().map(|(label, command, danger)| button(label, command, *danger)).collect();
        Reply { body, actions, tone, ..Reply::info(title) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// No text of anybody becomes a mention, a trap or a broken message.
    #[test]
    fn any_reply_is_within_limits_and_harmless(answer in answer(), asker in proptest::option::of(text())) {
        let asked = asker.as_ref().is_some_and(|id| id.chars().all(|c| c.is_ascii_digit()));
        let foot = Foot { asker, ..foot(Outcome::Failed) };
        for rendered in [reply(&answer, &foot), bare(&answer), notice(&answer, &answer.title)] {
            assert_all_within_limits(&rendered);
            for message in &rendered.messages {
                let embed = &message.body["embeds"][0];
                assert_harmless(string(embed, "title"), false)?;
                // The only mention is our own, of who asked.
                let text = string(embed, "description");
                let told = text.rsplit_once("asked by <@").filter(|_| asked).map_or(text, |(told, _)| told);
                assert_harmless(told, true)?;
                for field in array(embed, "fields") {
                    assert_harmless(string(field, "name"), false)?;
                    assert_harmless(string(field, "value"), false)?;
                }
            }
        }
        let progress = Progress { text: as_text(&answer), percent: None };
        let title = &answer.title;
        for message in [plain(title), working(title, Some(&progress), foot.run), finished(title, foot.outcome, foot.run)] {
            assert_within_limits(&message);
            assert_harmless(string(&Value::Object(message.body.clone()), "content"), false)?;
        }
    }
}
