//! A reader of Discord's Markdown, by its documented rules: what of a text acts, and what of it is only shown.

/// What is left of a text once code, addresses and escaped characters are taken away.
pub(super) struct Read {
    /// Everything that may act as markup.
    pub(super) acting: String,
    /// Every fence and every span of code is closed.
    pub(super) balanced: bool,
}

pub(super) fn read(text: &str) -> Read {
    let mut rest: Vec<char> = text.chars().rev().collect();
    let mut read = Read { acting: String::new(), balanced: true };
    while let Some(c) = rest.pop() {
        match c {
            '\\' if rest
                .last()
                .is_some_and(|next| !next.is_ascii_alphanumeric() && !next.is_whitespace()) =>
            {
                rest.pop();
                read.acting.push('\u{1}');
            }
            '`' => {
                let mut run = 1;
                while rest.last() == Some(&'`') {
                    rest.pop();
                    run += 1;
                }
                read.balanced &= skip_code(&mut rest, run);
                read.acting.push('\u{2}');
            }
            'h' if begins_address(&rest) => {
                let masked = read.acting.ends_with("](");
                let mut address = String::new();
                while let Some(next) =
                    rest.pop_if(|next| !next.is_whitespace() && *next != '<' && !(masked && *next == ')'))
                {
                    address.push(next);
                }
                // Closing punctuation is not part of it.
                let kept = address.trim_end_matches(|c| !masked && ".,:;\"')]".contains(c)).len();
                rest.extend(address.split_off(kept).chars().rev());
                read.acting.push('\u{3}');
            }
            c => read.acting.push(c),
        }
    }
    read
}

fn begins_address(rest: &[char]) -> bool {
    let next: String = rest.iter().rev().take(7).collect();
    next.starts_with("ttps://") || next.starts_with("ttp://")
}

/// Code ends with as many backticks as it began with. For three, more are as good.
fn skip_code(rest: &mut Vec<char>, run: usize) -> bool {
    let mut here = 0;
    loop {
        match rest.pop() {
            Some('`') => here += 1,
            other => {
                if here == run || run >= 3 && here >= 3 {
                    rest.extend(other);
                    return true;
                }
                if other.is_none() {
                    return false;
                }
                here = 0;
            }
        }
    }
}

/// The names of emoji, `:name:`, that Discord would look up.
pub(super) fn emoji_names(acting: &str) -> bool {
    let name = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-~".contains(c))
    };
    let parts: Vec<&str> = acting.split(':').collect();
    parts.len() > 2 && parts[1..parts.len() - 1].iter().any(|part| name(part))
}
