//! Text of anybody: it shows as it is, and does nothing.

use proptest::prelude::*;

use super::{
    super::escape::{code, fence, visible},
    discord::{emoji_names, read},
    *,
};

/// Pieces that would act if they came through.
const HOSTILE: &[&str] = &[
    "<@123>",
    "<@!123>",
    "<@&9>",
    "<#42>",
    "<t:1700000000:R>",
    "</deploy:7>",
    "<:ok:1>",
    "<a:ok:1>",
    "<id:browse>",
    "@everyone",
    "@here",
    "[x](https://evil.example)",
    "[x](<https://evil.example>)",
    "![x](https://evil.example)",
    "[y]: https://evil.example",
    "<https://a.example>",
    "https://a.example/some_page_*x*",
    "http://u@a.example",
    "```",
    "``",
    "`",
    "~~~",
    "||spoiler||",
    "**bold**",
    "__under__",
    "~~gone~~",
    "\n# head\n",
    "\n-# small\n",
    "\n> quote\n",
    "\n>>> all\n",
    "\n- item\n",
    "\n1. one\n",
    "\n* star\n",
    "\\",
    ":smile:",
    ":100:",
    "\u{202E}",
    "\u{2066}",
    "\u{200F}",
    "\u{0}",
    "\u{1b}[31m",
    "\r\n",
    "\u{2028}",
    "👨‍👩‍👧",
    "🏳️‍🌈",
    "é",
    "日本",
    " ",
    "\n",
    "word",
];

pub(super) fn text() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![proptest::sample::select(HOSTILE).prop_map(str::to_owned), "[ -~\n]{0,12}", "\\PC{0,6}",];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Nothing in it is a mention, a masked link, a spoiler, the name of an emoji or a turn of direction.
pub(super) fn assert_harmless(shown: &str, links: bool) -> Result<(), TestCaseError> {
    let read = read(shown);
    prop_assert!(read.balanced, "{shown:?}");
    for mark in ['<', '@', '|', '_'] {
        prop_assert!(!read.acting.contains(mark), "{mark} acts in {shown:?}");
    }
    if links {
        // A link that is masked leads to the web, over TLS.
        let targets = read.acting.split("](").skip(1);
        prop_assert!(targets.into_iter().all(|target| target.starts_with("\u{3})")), "{shown:?}");
    } else {
        prop_assert!(!read.acting.contains(['[', ']', '*', '~']), "{shown:?}");
        let begins = |line: &str| line.trim_start().starts_with(['#', '>', '-']);
        prop_assert!(!read.acting.lines().any(begins), "{shown:?}");
    }
    prop_assert!(!emoji_names(&read.acting), "{shown:?}");
    let turns = |c: char| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    prop_assert!(!shown.contains(turns), "{shown:?}");
    prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
    Ok(())
}

#[test]
fn what_acts_is_escaped_and_the_rest_is_left() {
    for (text, shown) in [
        ("plain text, 1.2.3 (a+b) it's 5 > 4 - so!", "plain text, 1.2.3 (a+b) it's 5 > 4 - so!"),
        ("<@1> <#2> <t:3:R> </cmd:4>", "\\<\\@1> \\<\\#2> \\<t\\:3\\:R> \\</cmd\\:4>"),
        ("@everyone", "\\@everyone"),
        ("[x](https://evil.example)", "\\[x\\](https://evil.example)"),
        ("see https://a.example/some_page?x=1.", "see https://a.example/some_page?x=1."),
        ("(https://a.example/b)", "(https://a.example/b)"),
        ("https://a.example/*x*", "https\\://a.example/\\*x\\*"),
        ("# a\n  - b\n1. c\n12.5", "\\# a\n  \\- b\n1\\. c\n12.5"),
        (">>> all\n-# small", "\\>\\>\\> all\n\\-\\# small"),
        ("at 10:30: now :smile:", "at 10\\:30: now \\:smile\\:"),
        ("snake_case ~/home a|b", "snake\\_case \\~/home a\\|b"),
        ("👨‍👩‍👧 🏳️‍🌈 👍🏽", "👨‍👩‍👧 🏳️‍🌈 👍🏽"),
        ("a\u{202E}b\u{0}c\rd\u{2028}e", "a\u{FFFD}b\u{FFFD}c\nd\ne"),
    ] {
        assert_eq!(escape(text), shown, "{text:?}");
    }
    assert_eq!(code("a`b"), "``a`b``");
    assert_eq!(code("`a``b`"), "``\u{200B}`a`\u{200B}`b`\u{200B}``");
    assert_eq!(code("a\nb"), "`a b`");
    assert_eq!(fence("a ```` b\n", Some("Rust")), "```rust\na ``\u{200B}`` b\n```");
    assert_eq!(fence("x", Some("no name")), "```\nx\n```");
    assert_eq!(fence("\n\n", None), "");
    assert_eq!(backticks("[x](https://a.example)`b`"), "\\[x\\](https://a.example) `b`");
    assert_eq!(cut("👍👍👍", 5), "👍👍…");
    assert_eq!(cut("👍👍", 4), "👍👍");
}

#[test]
fn links_are_masked_only_where_their_text_is_no_address() {
    let rendered = |text: &str| super::super::markdown::render(text);
    assert_eq!(rendered("[the log](https://a.example/x)"), "[the log](https://a.example/x)");
    assert_eq!(
        rendered("[https://good.example](https://evil.example)"),
        "https://good.example (https://evil.example)"
    );
    assert_eq!(rendered("[good.example](https://evil.example)"), "good.example (https://evil.example)");
    assert_eq!(rendered("[the log](http://a.example)"), "the log (http://a.example)");
    assert_eq!(rendered("[the log](javascript:alert)"), "the log (javascript\\:alert)");
    assert_eq!(rendered("[<@1>](https://a.example)"), "\\<\\@1> (https://a.example)");
    assert_eq!(rendered("<https://a.example/b_c>"), "https://a.example/b_c");
    assert_eq!(
        rendered("[x](<https://a.example/) [y](https://b.example>)"),
        "[x](https://a.example/%29%20%5By%5D%28https://b.example)"
    );
}

proptest! {
    #[test]
    fn any_text_is_harmless_and_complete(text in text()) {
        let shown = escape(&text);
        assert_harmless(&shown, false)?;
        let mut plain = String::new();
        let mut rest = shown.chars();
        while let Some(c) = rest.next() {
            plain.push(if c == '\\' { rest.next().unwrap() } else { c });
        }
        prop_assert_eq!(plain, visible(&text));
    }

    #[test]
    fn any_code_stays_code(text in text()) {
        for shown in [code(&text), fence(&text, None)] {
            let read = read(&shown);
            prop_assert!(read.balanced && read.acting.chars().all(|c| c == '\u{2}'), "{:?}", shown);
        }
    }

    #[test]
    fn any_markdown_is_harmless(text in text()) {
        assert_harmless(&super::super::markdown::render(&text), true)?;
        assert_harmless(&super::super::markdown::inline(&text), true)?;
    }
}
