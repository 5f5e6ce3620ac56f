//! The API as its callers see it: the real service on a real database and a real bus, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are nobody's API"
)]

mod api {
    pub mod audit;
    pub mod audit_keeping;
    pub mod audit_read;
    pub mod audit_verify;
    pub mod auth;
    pub mod commands;
    pub mod database;
    pub mod destinations;
    pub mod document;
    pub mod events;
    pub mod gap;
    pub mod hooks;
    pub mod idempotency;
    pub mod journal;
    pub mod keys;
    pub mod keys_life;
    pub mod keys_replicas;
    pub mod notices;
    pub mod outage;
    pub mod policy;
    pub mod requests;
    pub mod site;
    pub mod sql;
    pub mod world;
}

use api::{site::Site, world::World};

/// Instantiates every promise for both databases.
macro_rules! promises {
    ($($part:ident :: $promise:ident),* $(,)?) => {
        mod on_sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(World::new().await).await;
            })*
        }
        mod on_postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(World::postgres().await).await;
            })*
        }
    };
}

/// The same for promises about what is said: policy decides about `notify`.
macro_rules! said {
    ($($part:ident :: $promise:ident),* $(,)?) => {
        mod said_on_sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(World::speaking(None).await).await;
            })*
        }
        mod said_on_postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(World::speaking(Some(World::server().await)).await).await;
            })*
        }
    };
}

/// The same for promises about commands, which a worker runs.
macro_rules! run {
    ($($part:ident :: $promise:ident),* $(,)?) => {
        mod run_on_sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(Site::new().await).await;
            })*
        }
        mod run_on_postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                api::$part::$promise(Site::on(Some(World::server().await)).await).await;
            })*
        }
    };
}

run! {
    commands::the_catalogue_describes_arguments_and_tells_what_is_allowed,
    events::a_stream_begins_where_it_is_told_and_ends_with_the_request,
    events::a_stream_ends_with_its_key_and_says_why,
    events::streams_of_a_key_are_bounded_and_end_when_the_service_stops,
    idempotency::the_same_key_at_once_and_later_is_one_run,
    idempotency::a_key_stands_for_its_call_even_when_its_answer_is_forgotten,
    idempotency::a_claim_of_a_call_that_died_is_taken_over_after_a_minute,
    policy::policy_is_explained_for_a_service_with_these_arguments,
    policy::a_policy_is_tried_with_its_tests_and_put_in_force_nowhere,
    policy::a_pause_stops_what_changes_something_and_is_told,
    requests::a_command_is_run_by_text_and_by_arguments_exactly_as_given,
    requests::a_refusal_of_policy_tells_why_and_by_which_version,
    requests::a_run_is_cancelled_once_and_nobody_approves_by_key,
    requests::requests_of_others_are_not_there_and_hostile_ids_are_nothing,
    requests::what_does_not_fit_is_told_by_its_place_and_nothing_is_submitted,
    requests::an_outcome_is_left_to_be_announced_once_without_the_parts_of_the_reply,
}

said! {
    idempotency::a_notice_with_a_key_is_said_once,
    idempotency::a_secret_is_never_shown_a_second_time,
    notices::what_is_said_reaches_every_channel_and_is_recorded_without_its_text,
    notices::policy_and_scopes_bound_who_says_what_where,
    notices::what_does_not_fit_is_told_with_its_place,
    hooks::an_alert_is_said_and_its_end_is_about_the_same_matter,
    hooks::the_same_event_is_said_once,
    hooks::a_secret_in_the_path_reaches_its_own_hook_and_destination_only,
    hooks::a_secret_survives_a_change_of_the_pepper_and_its_uses_are_told,
    hooks::a_signature_of_github_counts_when_there_is_one,
    hooks::what_a_hook_cannot_read_and_too_much_of_it_are_told_apart,
}

promises! {
    audit::what_happens_is_copied_in_order_and_without_secrets,
    audit::the_beat_tells_how_far_the_copy_is,
    audit::two_replicas_double_nothing_and_the_second_goes_on,
    audit::while_the_database_is_locked_nothing_is_lost_and_no_beat_comes,
    audit::another_journal_begins_anew_in_the_same_record,
    audit_read::entries_are_found_by_each_filter_and_page_by_page,
    audit_read::exports_hold_every_entry_and_verification_reports,
    audit_read::one_entry_is_shown_and_what_does_not_fit_is_told,
    events::a_request_with_very_many_events_is_told_whole,
    auth::a_valid_key_is_told_who_it_is_and_others_are_told_apart,
    gap::what_cannot_be_had_of_a_journal_is_told,
    destinations::a_destination_is_made_changed_and_removed_and_the_bus_knows,
    destinations::what_does_not_fit_is_told_with_its_place,
    destinations::a_secret_is_shown_once_and_opens_nothing_after_it_is_revoked,
    keys::a_service_and_its_key_are_made_seen_changed_and_removed,
    keys::nobody_grants_or_changes_what_they_do_not_hold,
    keys::keys_are_listed_page_by_page_and_by_filter,
    keys::hostile_input_is_refused_and_is_never_a_fault,
    keys_life::a_rotated_key_stays_good_for_the_grace_and_there_are_two_generations_at_most,
    keys_life::a_revoked_key_is_refused_at_once_and_revoking_it_again_changes_nothing,
    keys_life::the_last_administrator_is_not_locked_out_by_accident,
    keys_life::whoever_finds_a_key_can_revoke_it_and_learns_nothing,
    keys_life::a_key_is_examined_over_http_and_on_the_bus_alike,
}
