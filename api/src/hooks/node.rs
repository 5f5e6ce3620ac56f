//! A JSON value with its place, so that whatever does not fit is told with where it is.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::{HookError, Kind};

/// A body as JSON. The reader itself refuses more than 128 levels.
pub(super) fn parse(body: &[u8]) -> Result<Value, HookError> {
    serde_json::from_slice(body)
        .map_err(|error| HookError::Syntax { line: error.line(), column: error.column() })
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    pointer: String,
}

impl<'a> Node<'a> {
    /// The whole body, which must be an object.
    pub(super) fn root(value: &'a Value) -> Result<Self, HookError> {
        Self { value, pointer: String::new() }.checked_object()
    }

    /// The object at `index` of a body that is an array.
    pub(super) fn item(value: &'a Value, index: usize) -> Result<Self, HookError> {
        Self { value, pointer: format!("/{index}") }.checked_object()
    }

    fn checked_object(self) -> Result<Self, HookError> {
        if self.value.is_object() { Ok(self) } else { Err(self.unfit("an object")) }
    }

    /// That this value is not what belongs here.
    pub(super) fn unfit(&self, expected: &'static str) -> HookError {
        HookError::Unfit { pointer: self.pointer.clone(), expected, found: Some(Kind::of(self.value)) }
    }

    fn missing(&self, name: &'static str, expected: &'static str) -> HookError {
        HookError::Unfit { pointer: format!("{}/{name}", self.pointer), expected, found: None }
    }

    /// A member, unless it is missing or null.
    pub(super) fn get(&self, name: &'static str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { value, pointer: format!("{}/{name}", self.pointer) })
    }

    /// An object that may be missing.
    pub(super) fn object(&self, name: &'static str) -> Result<Option<Self>, HookError> {
        self.get(name).map(Self::checked_object).transpose()
    }

    /// An object that must be there.
    pub(super) fn needed_object(&self, name: &'static str) -> Result<Self, HookError> {
        self.object(name)?.ok_or_else(|| self.missing(name, "an object"))
    }

    /// A string that may be missing.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>, HookError> {
        let Some(node) = self.get(name) else { return Ok(None) };
        node.value.as_str().map(Some).ok_or_else(|| node.unfit("a string"))
    }

    /// A string that must be there, and not be empty.
    pub(super) fn needed_text(&self, name: &'static str) -> Result<&'a str, HookError> {
        match self.text(name)? {
            Some("") => Err(HookError::Unfit {
                pointer: format!("{}/{name}", self.pointer),
                expected: "a string that is not empty",
                found: Some(Kind::String),
            }),
            found => found.ok_or_else(|| self.missing(name, "a string")),
        }
    }

    /// A whole number that may be missing.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u64>, HookError> {
        let Some(node) = self.get(name) else { return Ok(None) };
        node.value.as_u64().map(Some).ok_or_else(|| node.unfit("a whole number"))
    }

    /// A whole number that must be there.
    pub(super) fn needed_number(&self, name: &'static str) -> Result<u64, HookError> {
        self.number(name)?.ok_or_else(|| self.missing(name, "a whole number"))
    }

    /// Whether a member is `true`.
    pub(super) fn is(&self, name: &'static str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The objects of an array that may be missing: the first `limit`, and how many there are.
    pub(super) fn objects(&self, name: &'static str, limit: usize) -> Result<(Vec<Self>, usize), HookError> {
        let Some(node) = self.get(name) else { return Ok((Vec::new(), 0)) };
        let items = node.value.as_array().ok_or_else(|| node.unfit("an array"))?;
        let taken = items.iter().take(limit).enumerate();
        let taken = taken
            .map(|(index, value)| {
                Self { value, pointer: format!("{}/{index}", node.pointer) }.checked_object()
            })
            .collect::<Result<_, _>>()?;
        Ok((taken, items.len()))
    }

    /// The objects of an array that must be there.
    pub(super) fn needed_objects(
        &self,
        name: &'static str,
        limit: usize,
    ) -> Result<(Vec<Self>, usize), HookError> {
        if self.get(name).is_none() {
            return Err(self.missing(name, "an array"));
        }
        self.objects(name, limit)
    }

    /// The members of an object that may be missing, as labels and values.
    pub(super) fn members(
        &self,
        name: &'static str,
    ) -> Result<impl Iterator<Item = (&'a str, Cow<'a, str>)> + use<'a>, HookError> {
        let map: Option<&'a Map<String, Value>> = self.object(name)?.and_then(|node| node.value.as_object());
        Ok(map.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), scalar(value)?))))
    }

    /// The value itself.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }
}

/// A value as one line: strings as they are, numbers and booleans as JSON writes them; nothing for the rest.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(known) => Some(Cow::Borrowed(if *known { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
