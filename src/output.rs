//! What the program itself says: results to standard output, complaints to standard error. The only place that prints.

use std::io::Write;

/// Says something to whoever asked.
pub(crate) fn say(text: &str) {
    let mut out = anstream::stdout();
    // A reader that has gone away is no reason to fail.
    let _ = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
}

/// Says what is wrong, or what goes on meanwhile.
pub(crate) fn complain(text: &str) {
    let mut out = anstream::stderr();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
}
