//! Snapshots and limits.
