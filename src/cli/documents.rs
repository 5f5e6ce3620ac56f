//! Each command line that the documents show is one that this program takes. `tests/stories/documents.rs` checks the rest of them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Parser, error::ErrorKind};

use super::Cli;

/// In the documents as code, beginning as a command line does, but none.
const OTHER: [&str; 1] = ["adjutant audit checkpoint v1"];
/// What stands for `<something>`, `…` and `$NAME`: a line is good if it is with one of these.
const STAND_INS: [&str; 5] = ["1", "slack", "1h", "2026-01-01T00:00:00Z", "http://localhost"];

/// The documents for people who run or use the program.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs"), root.join("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// Command lines of a document: whether each stands in a block, where it must be complete, and its text.
fn shown(text: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    let mut parts = text.split("\\\n");
    let mut joined = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        joined = format!("{} {}", joined.trim_end(), part.trim_start());
    }
    for line in joined.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            found.extend(commands_of(line).into_iter().map(|command| (true, command)));
        } else {
            let code = line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("adjutant "));
            found.extend(code.flat_map(commands_of).map(|command| (false, command)));
        }
    }
    found
}

/// The commands of this program in a line of shell.
fn commands_of(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or_default().replace("cargo run -- ", "adjutant ");
    let mut found = Vec::new();
    for part in line.split("&&").flat_map(|part| part.split([';', '('])).flat_map(|part| part.split(" | ")) {
        let part = part.split(')').next().unwrap_or_default().trim().trim_start_matches("$ ");
        let mut rest = part;
        // What precedes a command: variables, and who runs it.
        while let Some((first, after)) = rest.split_once(' ') {
            let assigns = first.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            });
            if !(assigns || matches!(first, "sudo" | "exec" | "time")) {
                break;
            }
            rest = after.trim_start();
        }
        // After some space a block tells what the command does.
        rest = rest.split("   ").next().unwrap_or_default();
        if rest.starts_with("adjutant ") {
            found.push(rest.trim_end_matches('&').trim().to_owned());
        }
    }
    found
}

/// The words of a command, as a shell splits them, up to a redirection.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let end = words.iter().position(|word| matches!(word.as_str(), ">" | ">>" | "2>" | "<" | "|"));
    words.truncate(end.unwrap_or(words.len()));
    words
}

/// A word with what it stands for; words such as `publish|rollback` are each.
fn meant(word: &str, stand_in: &str) -> Vec<String> {
    let word = word.trim_matches(['[', ']']);
    let alternatives = word.split('|').map(|one| match (one.find('<'), one.rfind('>'), one.find('$')) {
        (Some(from), Some(to), _) if from < to => {
            format!(
                "{}{stand_in}{}",
                one.get(..from).unwrap_or_default(),
                one.get(to + 1..).unwrap_or_default()
            )
        }
        (.., Some(_)) => stand_in.to_owned(),
        _ => one.replace('…', stand_in),
    });
    alternatives.collect()
}

/// Why the program would not take it.
fn refused(complete: bool, command: &str) -> Option<String> {
    let mut why = None;
    let stands = command.contains(['<', '…', '$']);
    for stand_in in STAND_INS {
        let mut lines = vec![Vec::new()];
        for word in words(command) {
            let each = meant(&word, stand_in);
            lines = each
                .iter()
                .flat_map(|one| {
                    lines.iter().map(move |line| [line.as_slice(), std::slice::from_ref(one)].concat())
                })
                .collect();
        }
        let refused = lines.into_iter().find_map(|line| {
            Cli::try_parse_from(line).err().filter(|error| bad(error.kind(), complete, stands))
        });
        let error = refused?;
        why.get_or_insert_with(|| error.to_string().lines().next().unwrap_or_default().to_owned());
    }
    why
}

fn bad(kind: ErrorKind, complete: bool, stands: bool) -> bool {
    match kind {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => false,
        // In a sentence a command may be named without all that it needs.
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => complete,
        // None of the stand-ins is of the form that is wanted there.
        ErrorKind::ValueValidation => !stands,
        _ => true,
    }
}

#[test]
fn each_command_line_in_the_documents_is_one_that_the_program_takes() {
    let (mut seen, mut wrong) = (0, BTreeSet::new());
    for document in documents() {
        for (complete, command) in shown(&std::fs::read_to_string(&document).unwrap()) {
            if OTHER.contains(&command.as_str()) {
                continue;
            }
            seen += 1;
            if let Some(why) = refused(complete, &command) {
                wrong.insert(format!("{}: `{command}`: {why}", document.display()));
            }
        }
    }
    assert!(seen > 60, "they are found: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_wrong_command_line_is_found_and_a_right_one_is_not() {
    for right in [
        "adjutant up",
        "adjutant policy history",
        "adjutant audit show <seq>",
        "adjutant keys issue ci --quiet > key",
    ] {
        assert_eq!(refused(true, right), None, "{right}");
    }
    assert_eq!(refused(false, "adjutant policy publish|rollback|status"), None);
    for wrong in [
        "adjutant dance",
        "adjutant policy hsitory",
        "adjutant up --fast",
        "adjutant audit show",
        "adjutant bus dead|burn",
    ] {
        assert!(refused(true, wrong).is_some(), "{wrong}");
    }
    let block = "text\n\n    A=b adjutant up && adjutant \\\n        console | less   # comment\n\nsay `adjutant bus dead` and `bus dead`\n";
    let found = [(true, "adjutant up"), (true, "adjutant console"), (false, "adjutant bus dead")];
    assert_eq!(shown(block), found.map(|(complete, text)| (complete, text.to_owned())));
}
