//! Text that shows as it is: Discord's Markdown, mentions and invisible controls made harmless.

/// Puts two backticks apart without showing.
const APART: char = '\u{200B}';
/// What stands where a character was that would turn or hide text.
const REPLACED: char = '\u{FFFD}';
/// Longest name of a language behind a fence.
const LANGUAGE: usize = 20;

/// Length as it counts against limits: UTF-16 units, which is never less than what Discord counts.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most so many UTF-16 units, with an ellipsis in place of what does not fit. For labels only.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.len_utf16();
        used <= most
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Text without controls: those that turn direction, and those that a terminal would act on, become visible. Joiners stay,
/// because emoji and several scripts are made with them.
pub(super) fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => REPLACED,
        c if c.is_control() => REPLACED,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Text in which nothing is markup, a mention or a link with another text than its address. Addresses of the web stay as
/// they are, so that they can be followed.
pub(crate) fn escape(text: &str) -> String {
    let clean = visible(text);
    let mut out = String::with_capacity(clean.len() + clean.len() / 8);
    let mut begins = true;
    for token in clean.split_inclusive(char::is_whitespace) {
        let word = token.trim_end_matches(char::is_whitespace);
        match address_at(word) {
            Some((before, address)) => {
                push_escaped(before, begins, true, &mut out);
                out.push_str(address);
            }
            None => push_escaped(word, begins, word.len() == token.len(), &mut out),
        }
        out.extend(token.chars().skip(word.chars().count()));
        begins = token.ends_with('\n') || begins && word.is_empty();
    }
    out
}

/// A word that ends in an address which can stand as it is, with what stands before it.
fn address_at(word: &str) -> Option<(&str, &str)> {
    let at = word.find("https://").or_else(|| word.find("http://"))?;
    let (before, address) = word.split_at_checked(at)?;
    let free = !before.ends_with(char::is_alphanumeric);
    (free && address.chars().all(stands_in_address)).then_some((before, address))
}

/// Characters of an address in which Discord sees nothing else, and which lead to no other host than they seem to.
fn stands_in_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~/?=&%#+,;:!$'\"()".contains(c)
}

/// Discord takes everything up to a blank for part of an address: what follows one directly, and does not belong to it,
/// gets a blank before it.
pub(super) fn end_address(line: &mut String, more: &str) {
    let last = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    let masked = last.contains("](") && !last.contains("\\](") && last.ends_with(')');
    let open = (last.contains("https://") || last.contains("http://")) && !masked;
    let next = more.split(char::is_whitespace).next().unwrap_or_default();
    if open && !next.chars().all(|c| ".,;!?)'\"".contains(c)) {
        line.push(' ');
    }
}

/// One word. `begins` if it is the first of a line; `open` if something may follow it directly.
fn push_escaped(word: &str, begins: bool, open: bool, out: &mut String) {
    let digits =
        word.strip_suffix('.').is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    let mut rest = word.chars().peekable();
    let mut leads = begins;
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let acts = match c {
            '\\' | '*' | '_' | '~' | '|' | '`' | '[' | ']' | '<' | '@' => true,
            '#' => leads || before == '<',
            '>' | '-' | '+' => leads,
            // Ahead of a blank it neither begins the name of an emoji nor ends one.
            ':' => open || rest.peek().is_some(),
            '.' => begins && digits,
            _ => false,
        };
        if acts {
            out.push('\\');
        }
        out.push(c);
        leads &= matches!(c, '#' | '>' | '-' | '+');
        before = c;
    }
}

/// Text of one line in fixed width.
pub(super) fn code(text: &str) -> String {
    let line: String = visible(text).chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
    if line.is_empty() {
        return line;
    }
    if !line.contains('`') {
        return format!("`{line}`");
    }
    let mut out = String::from("``");
    let mut before = '`';
    for c in line.chars() {
        if c == '`' && before == '`' {
            out.push(APART);
        }
        out.push(c);
        before = c;
    }
    if before == '`' {
        out.push(APART);
    }
    out + "``"
}

/// Lines in fixed width; nothing for none. No more than two backticks stay together, so that the fence holds.
pub(super) fn fence(text: &str, language: Option<&str>) -> String {
    let text = visible(text);
    let text = text.trim_end_matches('\n');
    if text.trim_matches('\n').is_empty() {
        return String::new();
    }
    let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_+-.#".contains(c);
    let language = language.map(str::to_lowercase).filter(|l| l.len() <= LANGUAGE && l.chars().all(name));
    let mut out = format!("```{}\n", language.unwrap_or_default());
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        if run == 3 {
            out.push(APART);
            run = 1;
        }
        out.push(c);
    }
    out + "\n```"
}

/// Plain text in which backticks set code apart.
pub(super) fn backticks(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return escape(text);
    }
    let mut out = String::with_capacity(text.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        let shown = if index % 2 == 0 { escape(piece) } else { code(piece) };
        end_address(&mut out, &shown);
        out.push_str(&shown);
    }
    out
}
