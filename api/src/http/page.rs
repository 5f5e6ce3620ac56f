//! Pages: `?limit=50&cursor=…` in, `{items, next_cursor}` and a `Link` header (RFC 8288) out. The cursor is opaque to callers;
//! it is the place after the last item.

use axum::{
    Json,
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    audit::{hex, unhex},
    problem::Problem,
};

const DEFAULT: u16 = 50;
const MOST: u16 = 200;

/// Which page is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Most items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<u16>,
    /// The place to go on from, as an earlier page gave it.
    pub(crate) cursor: Option<String>,
}

impl Paging {
    /// How many.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        limit(self.limit)
    }

    /// After which item: time or number, and id.
    pub(crate) fn after(&self) -> Result<Option<(i64, String)>, Problem> {
        after(self.cursor.as_deref())
    }
}

/// How many items, from a `limit` parameter.
pub(crate) fn limit(given: Option<u16>) -> Result<usize, Problem> {
    match given.unwrap_or(DEFAULT) {
        limit @ 1..=MOST => Ok(limit.into()),
        _ => Err(Problem::invalid("limit", format!("a number from 1 to {MOST}"))),
    }
}

/// The place in a `cursor` parameter.
pub(crate) fn after(cursor: Option<&str>) -> Result<Option<(i64, String)>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = || {
        let text = String::from_utf8(unhex(cursor)?).ok()?;
        let (number, id) = text.split_once(' ')?;
        // No id of ours has a control character, and PostgreSQL takes no NUL.
        (!id.chars().any(char::is_control)).then_some(())?;
        Some((number.parse().ok()?, id.to_owned()))
    };
    read().map(Some).ok_or_else(|| Problem::not_found("page"))
}

/// The place after this item.
pub(crate) fn cursor(number: i64, id: &str) -> String {
    hex(format!("{number} {id}").as_bytes())
}

/// Some items, and where the next ones are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// In order.
    pub(crate) items: Vec<T>,
    /// For the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl<T: Serialize> Page<T> {
    /// A page out of up to one item more than its limit.
    pub(crate) fn of(mut items: Vec<T>, limit: usize, place: impl Fn(&T) -> (i64, String)) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| {
            let (number, id) = place(last);
            cursor(number, &id)
        });
        Self { items, next_cursor }
    }

    /// The answer, with a link to the next page of this address.
    pub(crate) fn answer(self, uri: &Uri) -> Response {
        let link = self.next_cursor.as_ref().and_then(|cursor| {
            let kept: Vec<&str> = uri.query().unwrap_or_default().split('&').collect();
            let kept = kept.into_iter().filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
            let query: Vec<String> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
            // Relative (RFC 3986 §4.2): a route does not know the whole of its path.
            HeaderValue::from_str(&format!("<?{}>; rel=\"next\"", query.join("&"))).ok()
        });
        let mut response = Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}
