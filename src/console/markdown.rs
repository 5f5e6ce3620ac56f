//! Markdown as a terminal shows it: emphasis and code as styles, everything else as text.

use anstyle::{AnsiColor, Effects, Style};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::render::safe;

const BOLD: Style = Style::new().effects(Effects::BOLD);
const EMPHASIS: Style = Style::new().effects(Effects::ITALIC);
const CODE: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));

/// The text, with styles if `color`.
pub(super) fn terminal(markdown: &str, color: bool) -> String {
    let mut out = String::new();
    let mut link: Option<String> = None;
    let style = |style: Style, out: &mut String| {
        if color {
            out.push_str(&style.render().to_string());
        }
    };
    let reset = |out: &mut String| {
        if color {
            out.push_str(&anstyle::Reset.render().to_string());
        }
    };
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Strong) => style(BOLD, &mut out),
            Event::Start(Tag::Emphasis) => style(EMPHASIS, &mut out),
            Event::End(TagEnd::Strong | TagEnd::Emphasis) => reset(&mut out),
            Event::Code(code) if color => {
                style(CODE, &mut out);
                out.push_str(&safe(&code));
                reset(&mut out);
            }
            // Without colour the backticks are what sets code apart.
            Event::Code(code) => out.push_str(&format!("`{}`", safe(&code))),
            // Markdown can write any character as an entity, so what steers a terminal is looked for only now.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => out.push_str(&safe(&text)),
            Event::Start(Tag::Link { dest_url, .. }) => link = Some(dest_url.to_string()),
            Event::End(TagEnd::Link) => {
                let target = link.take().filter(|target| !out.ends_with(target.as_str()));
                out.extend(target.map(|target| format!(" ({})", safe(&target))));
            }
            Event::SoftBreak => out.push(' '),
            Event::HardBreak => out.push('\n'),
            Event::Start(Tag::Item) => out.push_str("- "),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_)) => out.push('\n'),
            _ => {}
        }
    }
    out.trim_end().to_owned()
}
