//! Cutting a text where it must not be torn apart.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// A piece of a text that is too long for one message.
pub(in crate::render) enum Source<'a> {
    Text(&'a str),
    Code { text: String, language: Option<String> },
}

/// A text cut at its blocks of code, which need fences of their own.
pub(in crate::render) fn sources(markdown: &str) -> Vec<Source<'_>> {
    let mut sources = Vec::new();
    let mut code: Option<(Range<usize>, String, Option<String>)> = None;
    let (mut depth, mut from) = (0_usize, 0);
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) if depth == 0 => {
                code = Some((range, String::new(), language(&kind)));
                depth += 1;
            }
            Event::Start(_) => depth += 1,
            Event::Text(text) => {
                if let Some((_, all, _)) = &mut code {
                    all.push_str(&text);
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let (0, Some((range, text, language))) = (depth, code.take_if(|_| depth == 0)) {
                    sources.extend(markdown.get(from..range.start).map(Source::Text));
                    sources.push(Source::Code { text, language });
                    from = range.end;
                }
            }
            _ => {}
        }
    }
    sources.extend(markdown.get(from..).map(Source::Text));
    sources
}

/// The language that a block of code names.
pub(super) fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    match kind {
        CodeBlockKind::Fenced(info) => info.split_whitespace().next().map(str::to_owned),
        CodeBlockKind::Indented => None,
    }
}
