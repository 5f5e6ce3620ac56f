//! Tables: in fixed width as long as they are small enough to be read in a message, else as a file.

use unicode_width::UnicodeWidthStr;

use super::{
    escape::{fence, units, visible},
    split::LONGEST_PART,
};

/// Widest table that is shown, in columns of fixed width.
const WIDEST: usize = 80;
/// Between two columns.
const GAP: &str = "  ";

/// A table as text of fixed width. None if it is too wide or too long for that.
pub(super) fn fixed(columns: &[String], rows: &[Vec<String>]) -> Option<String> {
    let line = |cells: &[String]| cells.iter().map(|cell| one_line(cell)).collect::<Vec<_>>();
    let head = line(columns);
    let rows: Vec<Vec<String>> = rows.iter().map(|cells| line(cells)).collect();
    let count = rows.iter().map(Vec::len).chain([head.len()]).max().unwrap_or_default();
    let all = || std::iter::once(&head).chain(&rows);
    let wide =
        |at: usize| all().filter_map(|cells| cells.get(at)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(wide).collect();
    let whole = widths.iter().sum::<usize>() + GAP.len() * count.saturating_sub(1);
    if count == 0 || whole > WIDEST {
        return None;
    }
    let number = |cell: &str| {
        cell.starts_with(|c: char| c.is_ascii_digit() || c == '-') && cell.parse::<f64>().is_ok()
    };
    let right: Vec<bool> = (0..count)
        .map(|at| !rows.is_empty() && rows.iter().all(|cells| cells.get(at).is_some_and(|cell| number(cell))))
        .collect();
    let laid_out = |cells: &Vec<String>| {
        let cell = |((at, width), right): ((usize, &usize), &bool)| {
            let text = cells.get(at).map(String::as_str).unwrap_or_default();
            let blanks = " ".repeat(width.saturating_sub(text.width()));
            if *right { format!("{blanks}{text}") } else { format!("{text}{blanks}") }
        };
        let cells: Vec<String> = widths.iter().enumerate().zip(&right).map(cell).collect();
        cells.join(GAP).trim_end().to_owned()
    };
    let rule = widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join(GAP);
    let lines: Vec<String> = [laid_out(&head), rule].into_iter().chain(rows.iter().map(laid_out)).collect();
    let shown = fence(&lines.join("\n"), None);
    (units(&shown) <= LONGEST_PART).then_some(shown)
}

/// A cell's line ends as signs, so that a row stays one line.
fn one_line(cell: &str) -> String {
    visible(cell).replace('\n', "⏎").replace('\t', " ")
}

/// RFC 4180.
pub(super) fn csv(columns: &[String], rows: &[Vec<String>]) -> String {
    let cell = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: &[String]| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
    std::iter::once(line(columns)).chain(rows.iter().map(|cells| line(cells))).collect()
}
