//! Slack's text as a table: what was typed, what arrives, what is meant.

use proptest::prelude::*;

use super::*;

fn said(text: &str) -> String {
    match mentioned(text, "U0BOT") {
        Said::Words(words) => words,
        Said::NotToUs => "(not to us)".to_owned(),
    }
}

#[test]
fn what_arrives_means_what_was_typed() {
    let table = [
        ("<@U0BOT> deploy list", "deploy list"),
        ("<@U0BOT|adjutant> deploy list", "deploy list"),
        ("  <@U0BOT>: deploy list ", "deploy list"),
        ("<@U0BOT>,\u{a0}deploy list", "deploy list"),
        ("*<@U0BOT> deploy list*", "deploy list"),
        ("<@U0BOT> *deploy list*", "deploy list"),
        ("<@U0BOT> `deploy list`", "deploy list"),
        ("<@U0BOT> ```deploy list```", "deploy list"),
        ("<@U0BOT>", ""),
        ("<@U0BOT> page <@U0ANA|ana> in <#C0DEPLOY|deploys>", "page U0ANA in C0DEPLOY"),
        ("<@U0BOT> page <!subteam^S0ENG|@eng> and <!subteam^S0PRD>", "page S0ENG and S0PRD"),
        ("<@U0BOT> say <!here> <!channel|channel>", "say here channel"),
        ("<@U0BOT> at <!date^1392734382^{date}|18 Feb>", "at 18 Feb"),
        ("<@U0BOT> open <http://shop.example|shop.example>", "open shop.example"),
        ("<@U0BOT> open <https://shop.example/a?b=1&amp;c=2>", "open https://shop.example/a?b=1&c=2"),
        ("<@U0BOT> open <https://evil.example|shop.example>", "open https://evil.example"),
        ("<@U0BOT> mail <mailto:a@b.example|a@b.example>", "mail a@b.example"),
        ("<@U0BOT> say a &lt;b&gt; &amp;amp; c", "say a <b> &amp; c"),
        ("<@U0BOT> say 1 &lt; 2", "say 1 < 2"),
        ("<@U0BOT> deploy “shop” —env prod", "deploy “shop” —env prod"),
        ("<@U0BOT> note this\n&gt; somebody else's words", "note this"),
        ("<@U0BOT> note this ```rm -rf /```", "note this"),
        ("&gt; <@U0BOT> deploy list", "(not to us)"),
        ("```<@U0BOT> deploy list```", "(not to us)"),
        ("look: ```<@U0BOT> deploy list```", "(not to us)"),
        ("ask <@U0BOT> about deploy list", "(not to us)"),
        ("<@U0BOTX> deploy list", "(not to us)"),
        ("<@U0ANA> deploy list", "(not to us)"),
        ("deploy list", "(not to us)"),
    ];
    for (arrives, meant) in table {
        assert_eq!(said(arrives), meant, "{arrives}");
    }
}

#[test]
fn a_direct_message_needs_no_mention() {
    let words = |text: &str| Said::Words(text.to_owned());
    assert_eq!(direct("deploy list", "U0BOT"), words("deploy list"));
    assert_eq!(direct("<@U0BOT> deploy list", "U0BOT"), words("deploy list"));
    assert_eq!(direct("```deploy list```", "U0BOT"), words("deploy list"));
    assert_eq!(direct("&gt; deploy list", "U0BOT"), Said::NotToUs);
}

proptest! {
    /// What Slack escapes comes out as it was typed.
    #[test]
    fn escaping_is_undone(typed in "[a-z&<> ]{0,40}") {
        let escaped = typed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        prop_assert_eq!(words(&escaped), typed.trim());
    }

    /// Whatever arrives, nothing breaks.
    #[test]
    fn no_text_breaks_it(text in ".{0,80}") {
        let _ = (mentioned(&text, "U0BOT"), direct(&text, "U0BOT"), words(&text));
    }
}
