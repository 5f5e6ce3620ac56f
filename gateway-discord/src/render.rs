//! From a reply to Discord messages.
