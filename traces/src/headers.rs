//! The headers that a collector asks for, such as a token: one for each line, as HTTP has them. They are secrets.

use std::collections::HashMap;

use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// Headers, each with its value.
pub struct Headers(HashMap<String, String>);

/// What is wrong with a header. Never says what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadersError {
    /// There is no colon, or no header has such a name.
    #[error("line {0} is no header: write `Name: value`, one for each line")]
    Line(usize),
    /// The value cannot be sent.
    #[error("the header in line {0} has a value that cannot be sent")]
    Value(usize),
    /// It was there before.
    #[error("the header in line {0} is there already")]
    Twice(usize),
}

impl Headers {
    /// Reads them; empty lines are passed over.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(text: &SecretString) -> Result<Self, HeadersError> {
        let mut headers = HashMap::new();
        let lines = text.expose_secret().lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        for (at, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(HeadersError::Line(at))?;
            let name: HeaderName = name.trim().parse().map_err(|_| HeadersError::Line(at))?;
            let value = value.trim();
            // The exporter takes text.
            let good = HeaderValue::from_str(value).is_ok_and(|value| value.to_str().is_ok());
            if !good || value.is_empty() {
                return Err(HeadersError::Value(at));
            }
            if headers.insert(name.as_str().to_owned(), value.to_owned()).is_some() {
                return Err(HeadersError::Twice(at));
            }
        }
        Ok(Self(headers))
    }

    pub(crate) fn into_map(self) -> HashMap<String, String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, String)>, HeadersError> {
        Headers::parse(&text.into()).map(|headers| {
            let mut headers: Vec<_> = headers.into_map().into_iter().collect();
            headers.sort();
            headers
        })
    }

    #[test]
    fn headers_are_read_as_http_has_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let read = parse("Authorization: Basic YTpi==\n\n  X-Scope-OrgID:  7, 8\r\n").unwrap();
        assert_eq!(read, [pair("authorization", "Basic YTpi=="), pair("x-scope-orgid", "7, 8")]);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_none_is_told_by_its_line_and_not_by_what_it_says() {
        assert_eq!(parse("A: b\nsecret").unwrap_err(), HeadersError::Line(2));
        assert_eq!(parse("no name: b").unwrap_err(), HeadersError::Line(1));
        assert_eq!(parse("A:").unwrap_err(), HeadersError::Value(1));
        assert_eq!(parse("A: ü").unwrap_err(), HeadersError::Value(1));
        assert_eq!(parse("A: b\na: c").unwrap_err(), HeadersError::Twice(2));
    }
}
