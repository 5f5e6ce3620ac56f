//! What Discord's documents say of a message: lengths, numbers, and what excludes what.

use std::collections::HashSet;

use serde_json::Value;

use super::{FakeDiscord, reply::Refused};

pub(super) const EPHEMERAL: u64 = 1 << 6;
pub(super) const COMPONENTS_V2: u64 = 1 << 15;
/// Flags that a message may be sent with: no embeds, ephemeral, silent, components v2.
const SENDABLE: u64 = 1 << 2 | EPHEMERAL | 1 << 12 | COMPONENTS_V2;

const CONTENT: usize = 2_000;
const EMBEDS: usize = 10;
const EMBED_TEXTS: usize = 6_000;
const FIELDS: usize = 25;
const ROWS: usize = 5;
const BUTTONS: usize = 5;
const OPTIONS: usize = 25;
const V2_COMPONENTS: usize = 40;
const V2_TEXTS: usize = 4_000;

type Checked = Result<(), Refused>;

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text at `path.name` may have so many characters; says how many it has.
fn text(value: &Value, path: &str, name: &str, most: usize) -> Result<usize, Refused> {
    let length = value[name].as_str().unwrap_or_default().chars().count();
    if length > most {
        return Err(Refused::form(&format!("{path}.{name}"), &format!("Must be {most} or fewer in length.")));
    }
    Ok(length)
}

/// The body of a message; `whole` if it is not an edit.
pub(super) fn message(body: &Value, files: usize, whole: bool) -> Checked {
    text(body, "", "content", CONTENT)?;
    embeds(body)?;
    let flags = body["flags"].as_u64().unwrap_or_default();
    if flags & !SENDABLE != 0 {
        return Err(Refused::form("flags", "These flags cannot be set."));
    }
    let v2 = flags & COMPONENTS_V2 != 0;
    if v2 && (!body["content"].is_null() || !list(body, "embeds").is_empty()) {
        return Err(Refused::form("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"));
    }
    components(body, v2)?;
    for one in list(body, "attachments") {
        let id = one["id"].as_str().and_then(|id| id.parse().ok()).or_else(|| one["id"].as_u64());
        // An edit may also name files that are there already.
        if whole && id.is_none_or(|id| id >= u64::try_from(files).unwrap()) {
            return Err(Refused::form("attachments", "An attachment that is no file of this request."));
        }
    }
    let blank = body["content"].as_str().is_none_or(|text| text.trim().is_empty());
    let empty = blank && list(body, "embeds").is_empty() && list(body, "components").is_empty() && files == 0;
    if whole && empty {
        return Err(Refused::new(400, 50_006, "Cannot send an empty message"));
    }
    Ok(())
}

fn embeds(body: &Value) -> Checked {
    let all = list(body, "embeds");
    if all.len() > EMBEDS {
        return Err(Refused::form("embeds", "Must be 10 or fewer in length."));
    }
    let mut total = 0;
    for (n, embed) in all.iter().enumerate() {
        let path = format!("embeds.{n}");
        total += text(embed, &path, "title", 256)? + text(embed, &path, "description", 4_096)?;
        total += text(&embed["footer"], &format!("{path}.footer"), "text", 2_048)?;
        total += text(&embed["author"], &format!("{path}.author"), "name", 256)?;
        let fields = list(embed, "fields");
        if fields.len() > FIELDS {
            return Err(Refused::form(&format!("{path}.fields"), "Must be 25 or fewer in length."));
        }
        for (n, field) in fields.iter().enumerate() {
            let path = format!("{path}.fields.{n}");
            for (name, most) in [("name", 256), ("value", 1_024)] {
                let length = text(field, &path, name, most)?;
                if length == 0 {
                    return Err(Refused::form(&format!("{path}.{name}"), "This field is required"));
                }
                total += length;
            }
        }
    }
    if total > EMBED_TEXTS {
        return Err(Refused::form("embeds", "Embed size exceeds maximum size of 6000"));
    }
    Ok(())
}

fn components(body: &Value, v2: bool) -> Checked {
    let (mut ids, mut count, mut texts) = (HashSet::new(), 0, 0);
    let top = list(body, "components");
    if !v2 && top.len() > ROWS {
        return Err(Refused::form("components", "Must be 5 or fewer in length."));
    }
    for (n, one) in top.iter().enumerate() {
        if !v2 && one["type"] != 1 {
            return Err(Refused::form(
                &format!("components.{n}.type"),
                "Value of field \"type\" must be one of (1,).",
            ));
        }
        component(one, &format!("components.{n}"), &mut ids, &mut count, &mut texts)?;
    }
    if v2 && (count > V2_COMPONENTS || texts > V2_TEXTS) {
        return Err(Refused::form("components", "Too many components, or too much text in them."));
    }
    Ok(())
}

fn component(
    one: &Value,
    path: &str,
    ids: &mut HashSet<String>,
    count: &mut usize,
    texts: &mut usize,
) -> Checked {
    *count += 1;
    *texts += one["content"].as_str().unwrap_or_default().chars().count();
    text(one, path, "label", 80)?;
    text(one, path, "custom_id", 100)?;
    text(one, path, "placeholder", 150)?;
    if let Some(id) = one["custom_id"].as_str()
        && (id.is_empty() || !ids.insert(id.to_owned()))
    {
        return Err(Refused::form(
            &format!("{path}.custom_id"),
            "Component custom id cannot be empty or duplicated",
        ));
    }
    if one["type"] == 2 {
        let link = one["style"] == 5;
        let fits = if link {
            one["url"].is_string() && one["custom_id"].is_null()
        } else {
            one["custom_id"].is_string()
        };
        if !fits && one["style"] != 6 {
            return Err(Refused::form(path, "A button has a custom_id, or a url if it is a link"));
        }
    }
    let options = list(one, "options");
    if one["type"] == 3 && (options.is_empty() || options.len() > OPTIONS) {
        return Err(Refused::form(&format!("{path}.options"), "Must be between 1 and 25 in length."));
    }
    for (n, option) in options.iter().enumerate() {
        for (name, most) in [("label", 100), ("value", 100), ("description", 100)] {
            text(option, &format!("{path}.options.{n}"), name, most)?;
        }
    }
    let inner = list(one, "components");
    let buttons = inner.iter().filter(|one| one["type"] == 2).count();
    if one["type"] == 1
        && (inner.is_empty() || buttons > BUTTONS || (inner.len() > 1 && buttons < inner.len()))
    {
        return Err(Refused::form(
            &format!("{path}.components"),
            "A row has 1 to 5 buttons, or one other component",
        ));
    }
    for (n, one) in inner.iter().enumerate() {
        component(one, &format!("{path}.components.{n}"), ids, count, texts)?;
    }
    for name in ["accessory", "component"] {
        if one[name].is_object() {
            component(&one[name], &format!("{path}.{name}"), ids, count, texts)?;
        }
    }
    Ok(())
}

/// Notes a body that would let a text ring people up.
pub(super) fn mentions(fake: &FakeDiscord, what: &str, body: &Value) {
    let allowed = &body["allowed_mentions"];
    if !allowed.is_object() {
        return fake.violation(format!("{what} without allowed_mentions: {body}"));
    }
    if allowed["parse"].as_array().is_none_or(|parse| !parse.is_empty()) {
        fake.violation(format!("{what} that lets mentions be parsed: {allowed}"));
    }
    if allowed["replied_user"] == true {
        fake.violation(format!("{what} that rings the replied user: {allowed}"));
    }
}
