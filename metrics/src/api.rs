//! What the API tells: its calls, its keys, and how far the record is.

use std::time::Duration;

use crate::{
    bus::to_float,
    clock,
    kind::Part,
    name::Name,
    registry::{begin, count, observe, remove, set},
};

/// The API begins.
pub fn begun() {
    begin(Part::Api, &[]);
}

/// A call was answered. `route` is one of the API's own, or `none`.
pub fn call(method: &str, route: &str, status: &str, took: Duration) {
    count(Name::ApiRequests, &[method, route, status]);
    observe(Name::ApiSeconds, &[method, route], took.as_secs_f64());
}

/// Keys and secrets of hooks that are still kept under another pepper than the one in use: at zero the one before can go.
pub fn on_old_pepper(count: i64) {
    set(Name::OldPepper, &[], to_float(count.unsigned_abs()));
}

/// A call with a key that another replaces: who has not switched yet.
pub fn superseded() {
    count(Name::SupersededCalls, &[]);
}

/// This replica copies into the record, for as long as this lives.
#[derive(Debug)]
pub struct Copying(());

impl Copying {
    /// It begins.
    #[must_use]
    pub fn begin() -> Self {
        clock::touch(Name::AuditAge, None);
        Self(())
    }

    /// The record is kept.
    pub fn kept(&self) {
        clock::touch(Name::AuditAge, None);
    }

    /// So many events of the journal are not in the record.
    pub fn behind(&self, events: u64) {
        set(Name::AuditLag, &[], to_float(events));
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        clock::forget(Name::AuditAge, None);
        remove(Name::AuditLag, &[]);
    }
}
