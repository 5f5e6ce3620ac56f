//! From a reply to what a terminal shows. Pure but for the progress line.

use std::io::{IsTerminal, Write};

use adjutant_bus::{
    announcement::NoticeAction,
    event::Outcome,
    notice::Notice,
    reply::{Block, Field, Reply, Tone},
};
use anstyle::{AnsiColor, Color, Effects, Reset};
use comfy_table::{ContentArrangement, Table, presets};

use super::{
    markdown,
    outbound::{Ended, Shown},
};

/// Narrowest width that is laid out for.
const NARROWEST: usize = 40;
/// Width where there is no terminal.
const NO_TERMINAL: usize = 100;

/// How to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether colours and weights may be used.
    pub(crate) color: bool,
    /// Columns.
    pub(crate) width: usize,
    /// Whether a line may be edited in place.
    pub(crate) live: bool,
}

impl Style {
    /// Text without anything.
    pub(super) const PLAIN: Self = Self { color: false, width: NO_TERMINAL, live: false };

    /// What standard output can show.
    pub(crate) fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let color = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        let columns = || crossterm::terminal::size().map_or(NO_TERMINAL, |(columns, _)| columns.into());
        let width = if terminal { columns().max(NARROWEST) } else { NO_TERMINAL };
        // Editing a line takes the same sequences as colour does.
        Self { color, width, live: terminal && color }
    }

    fn paint(self, style: anstyle::Style, text: &str) -> String {
        if self.color { format!("{}{text}{}", style.render(), Reset.render()) } else { text.to_owned() }
    }
}

/// A final reply with its run id and how long it took.
pub(super) fn ended(ended: &Ended, style: Style) -> String {
    let took = format!("{:.1} s", ended.took.as_secs_f64().max(0.0));
    let outcome = match ended.outcome {
        Outcome::Succeeded => String::new(),
        other => format!(" {}", other.as_str().replace('_', " ")),
    };
    let foot = style.paint(
        anstyle::Style::new().effects(Effects::DIMMED),
        &format!("run {}{outcome}, {took}", ended.run),
    );
    format!("{}{foot}\n", render(&ended.reply, style))
}

/// A notice: who sends it, how it feels, what it does to an earlier one, then what it says.
pub(super) fn notice(notice: &Notice, style: Style) -> String {
    let reply = &notice.reply;
    let (word, color) = match reply.tone {
        Tone::Info => ("", None),
        Tone::Success => (" ok", Some(AnsiColor::Green)),
        Tone::Warning => (" warning", Some(AnsiColor::Yellow)),
        Tone::Failure => (" error", Some(AnsiColor::Red)),
    };
    let action = match notice.matter.as_ref().map(|matter| matter.action) {
        None | Some(NoticeAction::Trigger) => "",
        Some(NoticeAction::Update) => " (update)",
        Some(NoticeAction::Acknowledge) => " (acknowledged)",
        Some(NoticeAction::Resolve) => " (resolved)",
    };
    let title = if reply.title.is_empty() { String::new() } else { format!(": {}", safe(&reply.title)) };
    let head = format!("[{}]{word}{action}{title}", safe(&notice.from)).replace('\n', " ");
    let bold = anstyle::Style::new().effects(Effects::BOLD);
    let head = style.paint(bold.fg_color(color.map(Color::Ansi)), &head);
    let body = render(&Reply { title: String::new(), ..reply.clone() }, style);
    format!("{head}\n{body}")
}

/// A reply. Every part ends with a line end.
pub(crate) fn render(reply: &Reply, style: Style) -> String {
    let mut out = String::new();
    if !reply.title.is_empty() {
        out.push_str(&title(reply, style));
        out.push('\n');
    }
    for part in &reply.body {
        out.push_str(block(part, style).trim_end());
        out.push('\n');
    }
    for button in &reply.actions {
        out.push_str(&format!("{}: type {}\n", safe(&button.label), safe(&button.command)));
    }
    if let Some(attachment) = &reply.attachment {
        out.push_str(&format!(
            "--- {} ---\n{}\n---\n",
            safe(&attachment.name),
            safe(&attachment.content).trim_end()
        ));
    }
    out
}

fn title(reply: &Reply, style: Style) -> String {
    let (sign, color) = match reply.tone {
        Tone::Info => ("", None),
        Tone::Success => ("ok: ", Some(AnsiColor::Green)),
        Tone::Warning => ("no: ", Some(AnsiColor::Yellow)),
        Tone::Failure => ("failed: ", Some(AnsiColor::Red)),
    };
    let bold = anstyle::Style::new().effects(Effects::BOLD);
    let colored = bold.fg_color(color.map(Color::Ansi));
    style.paint(colored, &format!("{sign}{}", safe(&reply.title).replace('\n', " ")))
}

fn block(block: &Block, style: Style) -> String {
    match block {
        Block::Text { text } => wrap(&markdown::terminal(&safe(text), style.color), style.width),
        Block::Fields { fields } => self::fields(fields, style),
        Block::Table { columns, rows } => table(columns, rows, style),
        Block::Code { text, .. } => safe(text).lines().map(|line| format!("    {line}\n")).collect(),
        Block::List { items } => {
            items.iter().map(|item| format!("- {}\n", markdown::terminal(&safe(item), style.color))).collect()
        }
    }
}

fn fields(fields: &[Field], style: Style) -> String {
    let width = fields.iter().map(|field| field.label.chars().count()).max().unwrap_or(0);
    let line = |field: &Field| {
        let label = format!("{:width$}", safe(&field.label));
        let label = style.paint(anstyle::Style::new().effects(Effects::DIMMED), &label);
        format!("{label}  {}\n", safe(&field.value))
    };
    fields.iter().map(line).collect()
}

/// A table as wide as the terminal at most: cells are wrapped, never cut.
fn table(columns: &[String], rows: &[Vec<String>], style: Style) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    table.set_header(columns.iter().map(|head| safe(head)));
    for row in rows {
        table.add_row(row.iter().map(|cell| safe(cell)));
    }
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end().strip_prefix(' ').unwrap_or(&line).trim_end()))
        .collect()
}

/// Breaks lines at blanks. Styled text has no visible width of its own here, so it may break a little early.
fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut column = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > width {
                out.push('\n');
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
        out.push('\n');
    }
    out
}

/// Text from elsewhere without characters that steer a terminal.
pub(crate) fn safe(text: &str) -> String {
    let steer = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steer(c) { '\u{FFFD}' } else { c }).collect()
}

/// Shows a line that the next one replaces.
pub(super) fn progress(shown: &Shown) {
    let line = match shown {
        Shown::Accepted(run) => format!("run {run}: accepted"),
        Shown::Waiting(run) => format!("run {run}: accepted; no worker has taken it yet"),
        Shown::Running(run) => format!("run {run}: running"),
        Shown::Progress(run, progress) => match progress.percent {
            Some(percent) => format!("run {run}: {} ({percent} %)", safe(&progress.text)),
            None => format!("run {run}: {}", safe(&progress.text)),
        },
    };
    let width = Style::of_stdout().width.saturating_sub(1);
    let line: String = line.chars().filter(|c| *c != '\n').take(width).collect();
    let mut out = anstream::stdout();
    let _ = write!(out, "\r\x1b[2K{line}").and_then(|()| out.flush());
}

/// Takes the progress line away.
pub(super) fn clear_progress() {
    let mut out = anstream::stdout();
    let _ = write!(out, "\r\x1b[2K").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests;
