//! Block Kit as strict as Slack: unknown blocks and fields, lengths, counts. Source: Slack, "Block Kit" reference.

use std::collections::HashSet;

use serde_json::Value;

/// All characters of a message's blocks: real Slack refuses somewhat more.
const LONGEST: usize = 13_200;

/// `invalid_blocks`, with what is wrong behind it; `msg_blocks_too_long`.
pub(super) fn check(blocks: &Value, most: usize) -> Result<(), String> {
    if blocks.is_null() {
        return Ok(());
    }
    // The code alone is what Slack answers; the rest helps whoever reads a failed test.
    let bad = |why: String| {
        eprintln!("fake slack: invalid_blocks: {why}");
        Err("invalid_blocks".to_owned())
    };
    let Some(blocks) = blocks.as_array() else { return bad("no list".to_owned()) };
    if blocks.len() > most {
        return bad(format!("{} blocks", blocks.len()));
    }
    let mut ids = HashSet::new();
    let mut tables = 0;
    for block in blocks {
        if let Some(id) = block["block_id"].as_str()
            && (!ids.insert(id) || id.chars().count() > 255)
        {
            return bad(format!("block_id {id}"));
        }
        if let Err(why) = one(block) {
            return bad(why);
        }
        tables += usize::from(block["type"] == "table");
    }
    if tables > 1 {
        return bad("two tables".to_owned());
    }
    if characters(&Value::from(blocks.clone())) > LONGEST {
        return Err("msg_blocks_too_long".to_owned());
    }
    Ok(())
}

fn characters(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) if name == "text" => text.chars().count(),
                other => characters(other),
            })
            .sum(),
        Value::Array(all) => all.iter().map(characters).sum(),
        _ => 0,
    }
}

fn only(value: &Value, fields: &[&str]) -> Result<(), String> {
    let Some(object) = value.as_object() else { return Err(format!("no object: {value}")) };
    match object.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(key) => Err(format!("field {key} in {value}")),
        None => Ok(()),
    }
}

fn all<'a>(value: &'a Value, name: &str, most: usize) -> Result<&'a Vec<Value>, String> {
    let list = value[name].as_array().ok_or_else(|| format!("no {name} in {value}"))?;
    if list.is_empty() || list.len() > most { Err(format!("{} {name}", list.len())) } else { Ok(list) }
}

fn text(value: &Value, most: usize) -> Result<(), String> {
    only(value, &["type", "text", "emoji", "verbatim"])?;
    let length = value["text"].as_str().ok_or_else(|| format!("no text in {value}"))?.chars().count();
    let known = value["type"] == "plain_text" || value["type"] == "mrkdwn";
    if length == 0 || length > most || !known { Err(format!("text of {length}: {value}")) } else { Ok(()) }
}

fn plain(value: &Value, most: usize) -> Result<(), String> {
    text(value, most)?;
    if value["type"] == "plain_text" { Ok(()) } else { Err("must be plain_text".to_owned()) }
}

fn one(block: &Value) -> Result<(), String> {
    match block["type"].as_str().unwrap_or_default() {
        "header" => {
            only(block, &["type", "block_id", "text"])?;
            plain(&block["text"], 150)
        }
        "section" => {
            only(block, &["type", "block_id", "text", "fields", "accessory", "expand"])?;
            if !block["fields"].is_null() {
                all(block, "fields", 10)?.iter().try_for_each(|field| text(field, 2_000))?;
            }
            if block["text"].is_null() { Ok(()) } else { text(&block["text"], 3_000) }
        }
        "context" => {
            only(block, &["type", "block_id", "elements"])?;
            all(block, "elements", 10)?.iter().try_for_each(|element| text(element, 3_000))
        }
        "divider" => only(block, &["type", "block_id"]),
        "actions" => {
            only(block, &["type", "block_id", "elements"])?;
            let mut ids = HashSet::new();
            for element in all(block, "elements", 25)? {
                if !ids.insert(element["action_id"].as_str().unwrap_or_default().to_owned()) {
                    return Err("action_id twice".to_owned());
                }
                button(element)?;
            }
            Ok(())
        }
        "table" => table(block),
        "rich_text" => {
            only(block, &["type", "block_id", "elements"])?;
            all(block, "elements", 1_000)?.iter().try_for_each(rich)
        }
        "input" => {
            only(block, &["type", "block_id", "label", "hint", "optional", "element", "dispatch_action"])?;
            plain(&block["label"], 2_000)?;
            if !block["hint"].is_null() {
                plain(&block["hint"], 2_000)?;
            }
            element(&block["element"])
        }
        other => Err(format!("unknown block `{other}`")),
    }
}

fn button(element: &Value) -> Result<(), String> {
    only(element, &["type", "action_id", "text", "value", "style", "url", "confirm"])?;
    plain(&element["text"], 75)?;
    let value = element["value"].as_str().unwrap_or_default().chars().count();
    let style = element["style"].as_str().is_none_or(|style| matches!(style, "primary" | "danger"));
    if element["type"] != "button" || value > 2_000 || !style {
        Err(format!("button {element}"))
    } else {
        Ok(())
    }
}

fn table(block: &Value) -> Result<(), String> {
    only(block, &["type", "block_id", "rows", "column_settings"])?;
    let rows = all(block, "rows", 100)?;
    let columns = rows[0].as_array().map_or(0, Vec::len);
    for row in rows {
        let cells = row.as_array().ok_or("a row that is no list")?;
        if cells.len() != columns || columns == 0 || columns > 20 {
            return Err(format!("{} cells in a row", cells.len()));
        }
        for cell in cells {
            only(cell, &["type", "text"])?;
            if cell["type"] != "raw_text" || cell["text"].as_str().is_none_or(str::is_empty) {
                return Err(format!("cell {cell}"));
            }
        }
    }
    Ok(())
}

fn rich(element: &Value) -> Result<(), String> {
    match element["type"].as_str().unwrap_or_default() {
        "rich_text_section" => {
            only(element, &["type", "elements"])?;
            all(element, "elements", 1_000)?.iter().try_for_each(inline)
        }
        "rich_text_preformatted" | "rich_text_quote" => {
            only(element, &["type", "elements", "border"])?;
            all(element, "elements", 1_000)?.iter().try_for_each(inline)
        }
        "rich_text_list" => {
            only(element, &["type", "elements", "style", "indent", "offset", "border"])?;
            if !matches!(element["style"].as_str(), Some("bullet" | "ordered")) {
                return Err(format!("list {element}"));
            }
            all(element, "elements", 1_000)?.iter().try_for_each(rich)
        }
        other => Err(format!("unknown rich text `{other}`")),
    }
}

fn inline(element: &Value) -> Result<(), String> {
    let filled = |name: &str| element[name].as_str().is_some_and(|text| !text.is_empty());
    match element["type"].as_str().unwrap_or_default() {
        "text" if filled("text") => only(element, &["type", "text", "style"]),
        "link" if filled("url") => only(element, &["type", "url", "text", "style", "unsafe"]),
        "emoji" if filled("name") => only(element, &["type", "name", "style"]),
        _ => Err(format!("element {element}")),
    }
}

fn element(element: &Value) -> Result<(), String> {
    let options = |most: usize| {
        all(element, "options", most)?.iter().try_for_each(|option| {
            plain(&option["text"], 75)?;
            let long = option["value"].as_str().is_none_or(|value| value.chars().count() > 150);
            if long { Err(format!("option {option}")) } else { Ok(()) }
        })
    };
    match element["type"].as_str().unwrap_or_default() {
        "plain_text_input" => {
            only(element, &["type", "action_id", "multiline", "max_length", "initial_value", "placeholder"])
        }
        "static_select" => options(100),
        "external_select" => only(element, &["type", "action_id", "min_query_length", "placeholder"]),
        "users_select" | "conversations_select" => only(element, &["type", "action_id", "placeholder"]),
        other => Err(format!("unknown element `{other}`")),
    }
}
