//! End-to-end stories: the real program against a real `nats-server`, with what goes wrong in life.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are nobody's API"
)]

mod stories {
    pub mod alerts;
    pub mod alike;
    pub mod api;
    pub mod audit;
    pub mod backup;
    pub mod canary;
    pub mod command_line;
    pub mod deploy {
        pub mod compose;
        pub mod image;
        pub mod kubernetes;
        pub mod release;
        pub mod settings;
        pub mod systemd;
    }
    pub mod doctor;
    pub mod discord {
        pub mod faults;
        pub mod load;
        pub mod notices;
        pub mod sessions;
        pub mod surfaces;
        pub mod talks;
        pub mod world;
    }
    pub mod documents;
    pub mod faults;
    pub mod health;
    pub mod hostile;
    pub mod keys;
    pub mod nats {
        pub mod abuse;
        pub mod cluster;
        pub mod lame_duck;
        pub mod login;
        pub mod presence;
        pub mod raw;
        pub mod reload;
        pub mod routes;
        pub mod setup;
        pub mod world;
    }
    pub mod metrics;
    pub mod notices;
    pub mod policy;
    pub mod policy_lock;
    pub mod policy_tools;
    pub mod python;
    pub mod slack {
        pub mod faults;
        pub mod load;
        pub mod notices;
        pub mod talks;
        pub mod world;
    }
    pub mod traces;
    pub mod upgrade;
    pub mod world;
}
