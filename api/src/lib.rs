//! The API service.
