//! What the program itself says: results to standard output, complaints to standard error. The only place that prints.

use std::io::{IsTerminal, Write};

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

/// Says a piece of something long; false when nobody reads it any more.
pub(crate) fn stream(bytes: &[u8]) -> bool {
    std::io::stdout().write_all(bytes).is_ok()
}

/// Shows how far something is, on one line of a terminal that the next call writes over; nothing elsewhere.
pub(crate) fn progress(text: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r{text}\x1b[K").and_then(|()| err.flush());
    }
}
