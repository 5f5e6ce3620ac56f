//! The blocks of each part of a reply.

use adjutant_bus::reply::{Block, Button, Field};
use serde_json::{Value, json};

use super::{
    File, cut, markdown,
    split::{LONGEST_PART, Part, pieces},
};
use crate::inbound::RUN;

/// Most rows of a table, the head among them.
const ROWS: usize = 100;
/// Most columns of a table.
const COLUMNS: usize = 20;
/// Most tables that one table is split into; a longer one becomes a file.
const TABLES: usize = 3;
/// Most characters of a button's text, and of its value.
const LABEL: usize = 75;
const VALUE: usize = 2_000;
/// Most buttons in one row of actions.
const ACTIONS: usize = 25;
/// Code longer than this becomes a file.
const CODE: usize = 3 * LONGEST_PART;

/// The parts of one block of a reply. What does not fit a message at all is added to the files.
pub(super) fn parts(block: &Block, files: &mut Vec<File>) -> Vec<Part> {
    match block {
        Block::Text { text } => pieces(text).iter().map(|piece| Part::rich(markdown::rich(piece))).collect(),
        Block::Fields { fields } => fields.chunks(10).flat_map(some_fields).collect(),
        Block::Table { columns, rows } => table(columns, rows, files),
        Block::Code { text, language } if text.chars().count() > CODE => {
            let kind =
                language.as_deref().filter(|name| name.chars().all(char::is_alphanumeric)).unwrap_or("txt");
            file(files, kind, text.clone())
        }
        Block::Code { text, .. } => {
            pieces(text).iter().map(|piece| Part::rich(preformatted(piece).into_iter().collect())).collect()
        }
        Block::List { items } => list(items),
    }
}

pub(super) fn section(elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text_section", "elements": elements })
}

/// Text of fixed width; nothing for an empty one.
pub(super) fn preformatted(text: &str) -> Option<Value> {
    (!text.is_empty())
        .then(|| json!({ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": text }] }))
}

/// Fields as lines; those too long for one part as text.
fn some_fields(fields: &[Field]) -> Vec<Part> {
    let length: usize =
        fields.iter().map(|field| field.label.chars().count() + field.value.chars().count()).sum();
    if length <= LONGEST_PART {
        return vec![Part::rich(vec![lines(fields)])];
    }
    let whole =
        fields.iter().map(|field| format!("{}: {}", field.label, field.value)).collect::<Vec<_>>().join("\n");
    plain(&whole)
}

/// Text as it is, in as many parts as it takes.
pub(super) fn plain(text: &str) -> Vec<Part> {
    let part = |piece: String| Part::rich(vec![section(vec![json!({ "type": "text", "text": piece })])]);
    pieces(text).into_iter().map(part).collect()
}

fn list(items: &[String]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut some: Vec<Value> = Vec::new();
    let mut used = 0;
    let flush = |some: &mut Vec<Value>, parts: &mut Vec<Part>| {
        if !some.is_empty() {
            let items = std::mem::take(some);
            parts.push(Part::rich(vec![
                json!({ "type": "rich_text_list", "style": "bullet", "indent": 0, "elements": items }),
            ]));
        }
    };
    for item in items {
        for piece in if item.is_empty() { vec![String::new()] } else { pieces(item) } {
            if used + piece.chars().count() > LONGEST_PART {
                flush(&mut some, &mut parts);
                used = 0;
            }
            used += piece.chars().count();
            some.push(section(or_blank(markdown::inline(&piece))));
        }
    }
    flush(&mut some, &mut parts);
    parts
}

fn or_blank(elements: Vec<Value>) -> Vec<Value> {
    if elements.is_empty() { vec![json!({ "type": "text", "text": " " })] } else { elements }
}

fn lines(fields: &[Field]) -> Value {
    let last = fields.len().saturating_sub(1);
    let line = |(index, field): (usize, &Field)| {
        let end = if index == last { "" } else { "\n" };
        [
            json!({ "type": "text", "text": format!("{}:", field.label), "style": { "bold": true } }),
            json!({ "type": "text", "text": format!(" {}{end}", field.value) }),
        ]
    };
    section(fields.iter().enumerate().flat_map(line).collect())
}

fn table(columns: &[String], rows: &[Vec<String>], files: &mut Vec<File>) -> Vec<Part> {
    let cell = |text: &String| {
        let text = if text.is_empty() { " " } else { text };
        json!({ "type": "raw_text", "text": text })
    };
    let row = |cells: &[String]| Value::from(cells.iter().map(cell).collect::<Vec<_>>());
    let length = |cells: &[String]| cells.iter().map(|cell| cell.chars().count()).sum::<usize>();
    let head = length(columns);
    let mut tables = vec![Vec::new()];
    let mut used = head;
    for cells in rows {
        let long = length(cells);
        let full = tables.last().is_some_and(|table: &Vec<&Vec<String>>| {
            !table.is_empty() && (table.len() + 1 >= ROWS || used + long > LONGEST_PART)
        });
        if full {
            tables.push(Vec::new());
            used = head;
        }
        used += long;
        if let Some(table) = tables.last_mut() {
            table.push(cells);
        }
    }
    let too_long = rows.iter().any(|cells| head + length(cells) > LONGEST_PART);
    if columns.is_empty() || columns.len() > COLUMNS || tables.len() > TABLES || too_long {
        return file(files, "csv", csv(columns, rows));
    }
    let block = |rows: Vec<&Vec<String>>| {
        let rows: Vec<Value> =
            std::iter::once(row(columns)).chain(rows.into_iter().map(|cells| row(cells))).collect();
        Part::table(json!({ "type": "table", "rows": rows }))
    };
    tables.into_iter().map(block).collect()
}

/// RFC 4180.
fn csv(columns: &[String], rows: &[Vec<String>]) -> String {
    let cell = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: &[String]| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
    std::iter::once(line(columns)).chain(rows.iter().map(|cells| line(cells))).collect()
}

fn file(files: &mut Vec<File>, kind: &str, content: String) -> Vec<Part> {
    let name = format!("answer-{}.{kind}", files.len() + 1);
    let told = json!({ "type": "text", "text": format!("See {name}.") });
    files.push(File { name, content });
    vec![Part::rich(vec![section(vec![told])])]
}

/// Rows of buttons. A command too long for a button is shown, to be typed.
pub(super) fn buttons(buttons: &[Button]) -> Vec<Value> {
    let fits = |button: &&Button| button.command.chars().count() <= VALUE;
    let element = |(index, button): (usize, &Button)| {
        let mut element = json!({
            "type": "button",
            "action_id": format!("{RUN}_{index}"),
            "text": { "type": "plain_text", "text": cut(&button.label, LABEL), "emoji": false },
            "value": button.command,
        });
        if let (true, Some(element)) = (button.danger, element.as_object_mut()) {
            element.insert("style".to_owned(), "danger".into());
        }
        element
    };
    let elements: Vec<Value> = buttons.iter().filter(fits).enumerate().map(element).collect();
    let rows = elements.chunks(ACTIONS).map(|row| json!({ "type": "actions", "elements": row }));
    let long = buttons.iter().filter(|button| !fits(button));
    let typed = long.flat_map(|button| {
        pieces(&format!("{}: {}", button.label, button.command))
            .into_iter()
            .filter_map(|piece| preformatted(&piece))
            .map(|element| json!({ "type": "rich_text", "elements": [element] }))
            .collect::<Vec<_>>()
    });
    rows.chain(typed).collect()
}
