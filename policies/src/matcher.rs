//! The matcher of an operator's own model, held to a grammar: casbin hands it to a script engine that knows far more than a
//! policy needs, and runs it without limits.
//!
//! ```text
//! matcher = term ('&&' term)*                 one term is `p.group in r.groups`
//! term    = '(' any ')' | call | relation | 'p.group in r.groups'
//! any     = term ('&&' term)* ('||' term ('&&' term)*)*
//! call    = cmdMatch(r.cmd, p.cmd) | placeMatch(r.place, p.place) | whenMatch(r.ctx, p.when, p.eft)
//! relation = text ('==' | '!=') text          the same column of request and row, or a column and "*"
//! ```

/// Most characters of a matcher: a longer one can exhaust the stack of the script engine, which has no limit.
const LONGEST: usize = 2_000;
/// Most parentheses within one another, for the same reason.
const DEEPEST: usize = 16;
/// The calls that a matcher may make, with their only sensible arguments.
const CALLS: [(&str, &[&str]); 3] = [
    ("cmdMatch", &["r.cmd", "p.cmd"]),
    ("placeMatch", &["r.place", "p.place"]),
    ("whenMatch", &["r.ctx", "p.when", "p.eft"]),
];
/// The columns that are text. `r.groups` and `r.ctx` are maps, and `r.who` is for the record only.
const TEXTS: [&str; 9] =
    ["r.place", "r.cmd", "r.act", "p.group", "p.place", "p.cmd", "p.act", "p.when", "p.eft"];
/// The signs that are not words, the longer ones first.
const SIGNS: [&str; 8] = ["&&", "||", "==", "!=", "\"*\"", "(", ")", ","];

/// What is wrong with a matcher: the rule, the column within it (in characters, from 0), and in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) column: usize,
    pub(crate) message: String,
}

/// A word or sign, and its column.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    column: usize,
}

/// Checks a matcher; the first thing that is wrong with it is told.
pub(crate) fn check(matcher: &str) -> Result<(), Wrong> {
    if matcher.chars().count() > LONGEST {
        return Err(wrong(LONGEST, format!("a matcher has at most {LONGEST} characters")));
    }
    let mut parser = Parser { tokens: tokens(matcher)?, at: 0, depth: 0, grouped: false };
    parser.all()?;
    match parser.peek() {
        Some(token) if token.text == "||" => Err(Wrong {
            code: "model-or",
            column: token.column,
            message: "`||` stands only inside parentheses: outside it opens everything".to_owned(),
        }),
        Some(token) => Err(unexpected(token)),
        None if !parser.grouped => Err(Wrong {
            code: "model-group",
            column: 0,
            message: "`p.group in r.groups` must be one of the terms that `&&` joins: without it a row is for everybody"
                .to_owned(),
        }),
        None => Ok(()),
    }
}

fn wrong(column: usize, message: String) -> Wrong {
    Wrong { code: "model-function", column, message }
}

fn unexpected(token: Token<'_>) -> Wrong {
    wrong(token.column, format!("a matcher may not have `{}` here", token.text))
}

fn tokens(matcher: &str) -> Result<Vec<Token<'_>>, Wrong> {
    let mut tokens = Vec::new();
    let (mut rest, mut column) = (matcher, 0);
    loop {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        (rest, column) = (rest.trim_start_matches(' '), column + blanks);
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let length = SIGNS
            .iter()
            .find(|sign| rest.starts_with(**sign))
            .map_or_else(|| rest.find(|c| !word(c)).unwrap_or(rest.len()), |sign| sign.len());
        let Some((text, after)) = rest.split_at_checked(length).filter(|(text, _)| !text.is_empty()) else {
            let message = if first == '"' || first == '\'' || first == '`' {
                "the only literal that a matcher may contain is \"*\"".to_owned()
            } else {
                format!("a matcher may not use `{first}`")
            };
            return Err(wrong(column, message));
        };
        tokens.push(Token { text, column });
        (rest, column) = (after, column + length);
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: usize,
    /// Whether `p.group in r.groups` was met outside parentheses.
    grouped: bool,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Result<Token<'a>, Wrong> {
        let end = self.tokens.last().map_or(0, |last| last.column + last.text.chars().count());
        let token = self.peek().ok_or_else(|| wrong(end, "the matcher ends too early".to_owned()))?;
        self.at += 1;
        Ok(token)
    }

    fn take(&mut self, text: &str) -> bool {
        let there = self.peek().is_some_and(|token| token.text == text);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, text: &str) -> Result<(), Wrong> {
        let token = self.next()?;
        if token.text == text {
            Ok(())
        } else {
            Err(wrong(token.column, format!("`{text}` is needed here, not `{}`", token.text)))
        }
    }

    fn all(&mut self) -> Result<(), Wrong> {
        self.term()?;
        while self.take("&&") {
            self.term()?;
        }
        Ok(())
    }

    fn any(&mut self) -> Result<(), Wrong> {
        self.all()?;
        while self.take("||") {
            self.all()?;
        }
        Ok(())
    }

    fn term(&mut self) -> Result<(), Wrong> {
        let token = self.next()?;
        if token.text == "(" {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(wrong(token.column, format!("at most {DEEPEST} parentheses within one another")));
            }
            self.any()?;
            self.depth -= 1;
            return self.expect(")");
        }
        if let Some((_, arguments)) = CALLS.iter().find(|(name, _)| *name == token.text) {
            return self.call(arguments);
        }
        if token.text == "p.group" && self.take("in") {
            self.grouped |= self.depth == 0;
            return self.expect("r.groups");
        }
        self.relation(token)
    }

    fn call(&mut self, arguments: &[&str]) -> Result<(), Wrong> {
        self.expect("(")?;
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                self.expect(",")?;
            }
            self.expect(argument)?;
        }
        self.expect(")")
    }

    fn relation(&mut self, left: Token<'a>) -> Result<(), Wrong> {
        if !TEXTS.contains(&left.text) && left.text != "\"*\"" {
            return Err(wrong(left.column, format!("a matcher may not use `{}`", left.text)));
        }
        let sign = self.next()?;
        if !["==", "!="].contains(&sign.text) {
            let message = format!("`{}` is no condition: compare it with `==` or `!=`", left.text);
            return Err(wrong(left.column, message));
        }
        let right = self.next()?;
        if !TEXTS.contains(&right.text) && right.text != "\"*\"" {
            return Err(wrong(right.column, format!("a matcher may not use `{}`", right.text)));
        }
        let column = |token: Token<'a>| token.text.split_once('.');
        match (column(left), column(right)) {
            (Some((here, a)), Some((there, b))) if here != there && a == b => Ok(()),
            (Some(_), None) | (None, Some(_)) => Ok(()),
            _ => Err(wrong(
                right.column,
                format!("`{}` and `{}` are not the same column of request and row", left.text, right.text),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    const GROUP: &str = "p.group in r.groups";

    #[test]
    fn a_matcher_that_narrows_or_widens_by_the_columns_is_taken() {
        for matcher in [
            GROUP,
            "cmdMatch(r.cmd, p.cmd) && p.group in r.groups && whenMatch(r.ctx, p.when, p.eft)",
            "p.group in r.groups&&(p.act==r.act||p.act==\"*\"&&(r.place != p.place || p.eft != \"*\"))",
        ] {
            assert_eq!(check(matcher), Ok(()), "{matcher}");
        }
    }

    #[test]
    fn everything_else_that_the_script_engine_knows_is_refused() {
        let deep = format!("{GROUP} && {}p.act == r.act{}", "(".repeat(17), ")".repeat(17));
        let long = format!("{GROUP}{}", " && p.act == r.act".repeat(200));
        for (matcher, code) in [
            ("", "model-function"),
            ("true", "model-function"),
            ("p.act == r.act", "model-group"),
            ("(p.group in r.groups)", "model-group"),
            ("p.group in r.groups || p.act == r.act", "model-or"),
            ("p.group in r.groups && r.act", "model-function"),
            ("p.group in r.groups && r.acct == p.act", "model-function"),
            ("p.group in r.groups && r.act = p.act", "model-function"),
            ("p.group in r.groups && r.cmd.contains(p.cmd)", "model-function"),
            ("p.group in r.groups && p.when.eval()", "model-function"),
            ("p.group in r.groups && r.groups != p.group", "model-function"),
            ("p.group in r.groups && r.who == p.group", "model-function"),
            ("p.group in r.groups && r.cmd == p.group", "model-function"),
            ("p.group in r.groups && r.act == r.act", "model-function"),
            ("p.group in r.groups && \"*\" == \"*\"", "model-function"),
            ("p.group in r.groups && r.act != \"p.admin\"", "model-function"),
            ("p.group in r.groups && !(r.act == p.act)", "model-function"),
            ("p.group in r.groups && whenMatch(r.ctx, p.when, p.act)", "model-function"),
            ("p.group in r.groups && keyMatch(r.cmd, p.cmd)", "model-function"),
            ("p.group in r.groups && (r.act == p.act", "model-function"),
            ("p.group in r.groups) && (r.act == p.act", "model-function"),
            ("p.group in r.groups; p.act == r.act", "model-function"),
            ("p.group in r.groups && { p.act == r.act }", "model-function"),
            (&deep, "model-function"),
            (&long, "model-function"),
        ] {
            assert_eq!(check(matcher).map_err(|wrong| wrong.code), Err(code), "{matcher}");
        }
    }

    #[test]
    fn the_column_of_what_is_wrong_is_told() {
        let wrong = check("p.group in r.groups && r.cdm == p.cmd").unwrap_err();
        assert_eq!((wrong.column, wrong.message.as_str()), (23, "a matcher may not use `r.cdm`"));
    }
}
