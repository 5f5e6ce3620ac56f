//! One suite for both buses: what the ports promise, checked in memory and on a real server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and its helpers are nobody's API"
)]

mod contract {
    pub mod inquiries;
    pub mod journal;
    pub mod named;
    pub mod nats;
    pub mod published;
    pub mod queue;
    pub mod services;
    pub mod store;
    pub mod subject;
    pub mod traced;
    pub mod wire;
    pub mod world;
}

use contract::world::{World, memory, nats};

/// Instantiates every promise for both buses.
macro_rules! promises {
    ($($part:ident :: $promise:ident),* $(,)?) => {
        mod in_memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                contract::$part::$promise(memory().await).await;
            })*
        }
        mod on_nats {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                let world: World = nats().await;
                contract::$part::$promise(world.clone()).await;
                world.stop().await;
            })*
        }
    };
}

promises! {
    queue::a_duplicate_is_told_inside_the_window,
    queue::a_message_comes_again_when_its_taker_stops_extending,
    queue::extending_keeps_a_message,
    queue::a_released_message_comes_again_after_its_delay,
    queue::an_acknowledged_message_is_gone,
    queue::a_full_share_is_refused_and_others_are_served,
    queue::a_buried_message_is_kept_whole_with_its_reason,
    queue::a_message_over_the_limit_is_refused,
    queue::two_takers_never_hold_the_same_message,
    queue::each_takes_its_own_notices_only,
    journal::of_many_claims_one_wins,
    journal::an_append_at_a_stale_sequence_is_refused,
    journal::events_are_read_back_in_order_and_by_run_id,
    journal::a_repeated_append_meets_a_conflict_and_its_own_token,
    journal::a_durable_follower_goes_on_where_it_left_off,
    journal::an_unconfirmed_event_comes_again,
    journal::a_follower_from_now_sees_what_comes,
    journal::an_unknown_durable_follower_is_refused,
    journal::a_journal_has_one_identity,
    store::of_two_conditional_writes_one_wins,
    store::an_expired_entry_is_seen_to_go,
    store::a_lease_is_renewed_lost_and_taken_over_with_a_higher_revision,
    store::a_lock_is_released_and_taken_again,
    store::a_watch_shows_all_of_three_thousand_keys,
    store::a_watch_of_an_empty_bucket_is_current_at_once,
    services::an_offered_command_is_listed_and_called_with_progress,
    services::a_call_that_nobody_answers_is_told_at_once,
    services::a_service_that_goes_answers_every_call_that_was_sent_to_it,
    services::a_service_that_hangs_meets_the_deadline,
    services::a_service_that_fails_says_why,
    services::a_service_that_panics_ends_the_call,
    inquiries::a_question_is_answered,
    inquiries::a_question_that_nobody_answers_is_told_at_once,
    inquiries::a_question_that_makes_its_answerer_panic_is_told,
    inquiries::no_more_questions_are_answered_at_once_than_agreed,
    inquiries::what_was_asked_before_the_end_is_still_answered,
    named::a_destination_is_stored_loaded_listed_and_removed,
    named::what_cannot_be_a_destination_is_refused,
    named::a_pause_and_a_beat_are_seen_by_a_watcher,
    published::of_two_who_publish_the_same_version_one_wins,
    published::what_is_published_is_watched_and_the_oldest_are_thinned_out,
    published::a_draft_is_uploaded_found_and_removed_when_it_is_done_or_old,
    published::files_too_large_for_a_message_are_told_and_not_sent,
    published::who_is_up_is_told_and_who_stops_disappears,
    traced::a_message_carries_its_trace_each_time_it_is_delivered,
    traced::an_event_carries_its_trace_to_every_follower,
    traced::a_service_works_in_the_trace_that_it_is_called_in,
    published::each_role_tells_that_it_is_up_and_how_it_stands_until_it_stops,
    published::who_says_to_be_something_else_than_its_key_is_not_listed,
    named::a_freeze_is_seen_by_a_watcher_and_one_that_cannot_be_read_is_no_knowledge,
    named::a_lease_goes_to_the_next_when_it_is_given_back_or_lost,
}
