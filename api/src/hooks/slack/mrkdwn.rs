//! Slack's mrkdwn as plain text that mentions nobody.

/// More is never shown, and the bound keeps the search for closing brackets short.
const CHARS: usize = 6000;

/// The plain text; links with a label go to `links` too.
pub(super) fn plain(text: &str, links: &mut Vec<(String, String)>) -> String {
    let bounded: String = text.chars().take(CHARS).collect();
    let mut said = String::with_capacity(bounded.len());
    let mut rest = bounded.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        said.push_str(&decoded(before));
        match after.split_once('>').filter(|(tag, _)| !tag.contains(['<', '\n']) && !tag.is_empty()) {
            Some((tag, after)) => {
                said.push_str(&token(tag, links));
                rest = after;
            }
            None => {
                said.push('<');
                rest = after;
            }
        }
    }
    said.push_str(&decoded(rest));
    unmarked(&said)
}

/// What stands between `<` and `>`.
fn token(tag: &str, links: &mut Vec<(String, String)>) -> String {
    let (target, label) = match tag.split_once('|') {
        Some((target, label)) => (decoded(target), Some(decoded(label))),
        None => (decoded(tag), None),
    };
    if let Some(id) = target.strip_prefix('@') {
        return named(label, id);
    }
    if let Some(id) = target.strip_prefix('#') {
        return format!("#{}", named(label, id));
    }
    if let Some(command) = target.strip_prefix('!') {
        let name = command.split('^').find(|part| !matches!(*part, "subteam" | "date")).unwrap_or(command);
        return named(label, name);
    }
    let label = label.filter(|label| !label.trim().is_empty());
    let said = label.clone().unwrap_or_else(|| target.trim_start_matches("mailto:").to_owned());
    links.push((label.unwrap_or_default(), target));
    said
}

/// A name without the sign or mark that some platform would take for a mention.
fn named(label: Option<String>, id: &str) -> String {
    let name = label.unwrap_or_else(|| id.to_owned());
    name.trim_start_matches(['@', '#', '!']).to_owned()
}

fn decoded(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Without the marks of bold and struck text, where they stand in pairs around words of one line.
fn unmarked(text: &str) -> String {
    let lines = text.split('\n').map(|line| unpaired(&unpaired(line, '*'), '~'));
    lines.collect::<Vec<_>>().join("\n")
}

fn unpaired(line: &str, mark: char) -> String {
    let chars: Vec<char> = line.chars().collect();
    let at = |index: usize| chars.get(index).copied();
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != mark);
    let solid = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && c != mark);
    let mut marks = Vec::new();
    let mut open = None;
    for index in (0..chars.len()).filter(|&index| at(index) == Some(mark)) {
        let (before, after) = (index.checked_sub(1).and_then(at), at(index + 1));
        match open {
            Some(start) if solid(before) && edge(after) => {
                marks.extend([start, index]);
                open = None;
            }
            None if edge(before) && solid(after) => open = Some(index),
            _ => {}
        }
    }
    let kept = chars.iter().enumerate().filter(|(index, _)| marks.binary_search(index).is_err());
    kept.map(|(_, c)| *c).collect()
}
