//! The record as a file: NDJSON, or CSV (RFC 4180). Made page by page, so that no size of it fills the memory.

use axum::body::Bytes;
use futures::{Stream, stream};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Kept, Shown,
    read::{self, Filter, Order},
};
use crate::store::{Db, StoreError};

/// Entries at a time.
const PAGE: usize = 200;
const HEAD: &str =
    "seq,journal,journal_seq,at,kind,actor,key_id,target,outcome,request_id,ip,body,prev_hash,hash\r\n";

/// The form of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// A table with a first line of names.
    Csv,
}

impl Format {
    /// As `Content-Type` has it.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// How its files end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    fn line(self, kept: Kept) -> Result<String, StoreError> {
        match self {
            Self::Csv => Ok(row(kept)),
            Self::Ndjson => {
                let line = serde_json::to_string(&Shown::from(kept));
                line.map(|line| line + "\n").map_err(|error| StoreError::Fault(error.to_string()))
            }
        }
    }
}

enum At {
    Begin,
    After(i64),
    End,
}

/// The entries that fit, up to the newest at this moment, as a file.
pub fn export(
    db: Db,
    filter: Filter,
    order: Order,
    format: Format,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    stream::try_unfold((db, filter, At::Begin, None), move |(db, filter, at, last)| async move {
        let (from, last, mut text) = match at {
            At::End => return Ok(None),
            At::After(seq) => (Some(seq), last, String::new()),
            At::Begin => {
                let head = if format == Format::Csv { HEAD } else { "" };
                (None, read::last(&db).await?, head.to_owned())
            }
        };
        let mut page = read::find(&db, &filter, order, from, PAGE).await?;
        let full = page.len() == PAGE;
        let next = page.last().map(|kept| kept.seq);
        page.retain(|kept| Some(kept.seq) <= last);
        let ended = order == Order::Asc && next > last;
        for kept in page {
            text.push_str(&format.line(kept)?);
        }
        let at = next.filter(|_| full && !ended).map_or(At::End, At::After);
        Ok(Some((Bytes::from(text), (db, filter, at, last))))
    })
}

fn row(kept: Kept) -> String {
    let body = kept.entry.body.clone();
    let shown = Shown::from(kept);
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: Option<String>| cell(&text.unwrap_or_default());
    let cells = [
        shown.seq.to_string(),
        text(shown.journal),
        number(shown.journal_seq),
        shown.at.to_string(),
        cell(&shown.kind),
        cell(&shown.actor),
        text(shown.key_id),
        cell(&shown.target),
        text(shown.outcome),
        text(shown.request_id),
        text(shown.ip),
        cell(&body),
        shown.prev_hash,
        shown.hash,
    ];
    cells.join(",") + "\r\n"
}

/// A cell, quoted where it must be. A spreadsheet takes some beginnings for formulas, and those are written by strangers: an
/// apostrophe before them makes them text (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        for (text, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("@here", "'@here"),
            ("-1", "'-1"),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
