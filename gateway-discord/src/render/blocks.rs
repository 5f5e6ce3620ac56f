//! The parts of each block of a reply.

use adjutant_bus::reply::{self, Block};

use super::{
    File,
    escape::{backticks, escape, fence, units},
    markdown::{self, Source},
    split::{Field, LINE, LONGEST_PART, Part, fits_one_message, fitting},
    table,
};

/// Most of a field's name and of its value (Discord).
const NAME: usize = 256;
const VALUE: usize = 1_024;
/// Fields no longer than this stand side by side.
const SIDE_BY_SIDE: usize = 40;
/// Code longer than this becomes a file.
const CODE: usize = 2 * LONGEST_PART;
/// A table that is too wide is shown row by row up to this length; a longer one becomes a file.
const ROWS: usize = 2 * LONGEST_PART;
/// Stands where there must be something, and shows nothing.
const BLANK: &str = "\u{200B}";

/// The parts of one block of a reply. What does not fit a message at all is added to the files.
pub(super) fn parts(block: &Block, files: &mut Vec<File>) -> Vec<Part> {
    match block {
        Block::Text { text } => self::text(text),
        Block::Fields { fields } => {
            packed(fields.iter().map(|field| format!("**{}:** {}", label(field), escape(&field.value))), "\n")
                .unwrap_or_else(|| plain(&listed(fields)))
        }
        Block::Table { columns, rows } => {
            if columns.is_empty() && rows.is_empty() {
                return Vec::new();
            }
            if let Some(shown) = table::fixed(columns, rows) {
                return vec![Part::text(shown)];
            }
            let lines: Vec<String> = rows.iter().map(|cells| row(columns, cells)).collect();
            let short = lines.iter().map(|line| units(line) + 1).sum::<usize>() <= ROWS;
            let shown = if short { packed(lines.into_iter(), "\n") } else { None };
            shown.unwrap_or_else(|| file(files, "csv", table::csv(columns, rows)))
        }
        Block::Code { text, language } if units(text) > CODE => {
            let name = |name: &&str| name.len() <= 16 && name.chars().all(|c| c.is_ascii_alphanumeric());
            let kind = language.as_deref().filter(|kind| !kind.is_empty()).filter(name).unwrap_or("txt");
            file(files, kind, text.clone())
        }
        Block::Code { text, language } => code(text, language.as_deref()),
        Block::List { items } => packed(items.iter().map(|item| bullet(item)), "\n")
            .unwrap_or_else(|| items.iter().flat_map(|item| bullets(item)).collect()),
    }
}

/// Markdown; its blocks of code are kept whole in fences of their own where it is too long for one message.
fn text(markdown: &str) -> Vec<Part> {
    let whole = markdown::render(markdown);
    if units(&whole) <= LONGEST_PART {
        return vec![Part::text(whole)];
    }
    let part = |source: Source<'_>| match source {
        Source::Text(text) => fitting(text, &markdown::render),
        Source::Code { text, language } => code(&text, language.as_deref()),
    };
    markdown::sources(markdown).into_iter().flat_map(part).collect()
}

/// Text as it is, in as many parts as it takes.
pub(super) fn plain(text: &str) -> Vec<Part> {
    fitting(text, &escape)
}

/// Text of fixed width, in as many parts as it takes.
pub(super) fn code(text: &str, language: Option<&str>) -> Vec<Part> {
    fitting(text, &|piece| fence(piece, language))
}

/// Lines together, as many as fit a part. None if one of them alone does not.
fn packed(lines: impl Iterator<Item = String>, between: &str) -> Option<Vec<Part>> {
    let mut parts: Vec<String> = Vec::new();
    for line in lines {
        if units(&line) > LONGEST_PART {
            return None;
        }
        let fits = |part: &&mut String| units(part) + units(&line) + between.len() <= LONGEST_PART;
        match parts.last_mut().filter(fits) {
            Some(part) => {
                part.push_str(between);
                part.push_str(&line);
            }
            None => parts.push(line),
        }
    }
    Some(parts.into_iter().map(Part::text).collect())
}

/// A row of a table that is too wide: its first cell, then the others, named where there are several.
fn row(columns: &[String], cells: &[String]) -> String {
    let one_line = |cell: &String| escape(cell).replace('\n', " ");
    let Some((first, others)) = cells.split_first() else { return BLANK.to_owned() };
    let first = format!("**{}**", one_line(first));
    if let [second] = others {
        return format!("{first} – {}", one_line(second));
    }
    let named = columns.iter().skip(1).zip(others).filter(|(_, cell)| !cell.trim().is_empty());
    let others = named.map(|(name, cell)| format!(" · {}: {}", one_line(name), one_line(cell)));
    std::iter::once(first).chain(others).collect()
}

fn bullet(item: &str) -> String {
    let shown = markdown::inline(item);
    let shown = if shown.trim().is_empty() { BLANK.to_owned() } else { shown };
    format!("- {}", shown.replace('\n', "\n  "))
}

/// An item that is too long for one part, as several.
fn bullets(item: &str) -> Vec<Part> {
    let line = |part| match part {
        Part::Text { text, .. } => Part::Text { text, joint: LINE },
        other => other,
    };
    fitting(item, &bullet).into_iter().map(line).collect()
}

fn label(field: &reply::Field) -> String {
    escape(&field.label).replace('\n', " ")
}

fn listed(fields: &[reply::Field]) -> String {
    fields.iter().map(|field| format!("{}: {}", field.label, field.value)).collect::<Vec<_>>().join("\n")
}

/// The blocks that end a reply as the fields of an embed. None if they are not all labelled values, or do not fit.
pub(super) fn fields(blocks: &[Block]) -> Option<Part> {
    let mut fields = Vec::new();
    for block in blocks {
        let Block::Fields { fields: some } = block else { return None };
        fields.extend(some.iter().map(field));
    }
    let within = |field: &Field| units(&field.name) <= NAME && units(&field.value) <= VALUE;
    (!fields.is_empty() && fields.iter().all(within) && fits_one_message(&fields))
        .then_some(Part::Fields(fields))
}

fn field(field: &reply::Field) -> Field {
    let or_blank = |text: String| if text.trim().is_empty() { BLANK.to_owned() } else { text };
    let inline = !field.value.contains('\n') && units(&field.value).max(units(&field.label)) <= SIDE_BY_SIDE;
    Field { name: or_blank(label(field)), value: or_blank(escape(&field.value)), inline }
}

/// A title that is too long to be one.
pub(super) fn long_title(title: &str) -> Vec<Part> {
    fitting(title, &backticks)
}

fn file(files: &mut Vec<File>, kind: &str, content: String) -> Vec<Part> {
    let name = format!("answer-{}.{kind}", files.len() + 1);
    let told = format!("See {}.", escape(&name));
    files.push(File { name, content });
    vec![Part::text(told)]
}
