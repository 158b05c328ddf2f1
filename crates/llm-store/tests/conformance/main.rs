//! One suite for every engine: SQLite in memory, SQLite in a file, PostgreSQL, PostgreSQL behind pgbouncer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail where it stands"
)]

mod daily;
mod keys;
mod ledger;
mod places;
mod postgres;
mod rows;
mod settle;
mod spend;
mod sqlite;
mod store;
mod tools;

/// Runs `async fn(Store)` cases of a module against every engine, each on a fresh, migrated database.
macro_rules! everywhere {
    ($($module:ident :: $case:ident),+ $(,)?) => {
        mod memory { $( #[tokio::test] async fn $case() {
            crate::places::in_memory(crate::$module::$case).await;
        } )+ }
        mod file { $( #[tokio::test] async fn $case() {
            crate::places::in_file(crate::$module::$case).await;
        } )+ }
        mod postgresql { $( #[tokio::test] async fn $case() {
            crate::places::in_postgres(crate::$module::$case).await;
        } )+ }
        mod pgbouncer { $( #[tokio::test] async fn $case() {
            crate::places::in_pooled_postgres(crate::$module::$case).await;
        } )+ }
    };
}

everywhere! {
    store::answers_and_closes,
    store::migrating_again_does_nothing,
    store::a_dropped_transaction_changes_nothing,
    store::one_leader_at_a_time,
    store::rows_that_changed_are_found,
    store::tables_have_versions,
    rows::every_table_takes_its_defaults_and_gives_them_back,
    rows::values_come_back_as_given,
    rows::a_patch_touches_only_its_columns,
    rows::unique_values_conflict,
    rows::lists_filter_sort_and_page,
    rows::unknown_columns_are_refused,
    rows::keys_of_two_parts,
    rows::put_replaces,
    rows::lists_name_people,
    rows::what_comes_then_waits_for_the_commit,
    rows::the_database_counts,
    rows::secrets_are_not_printed,
    keys::keys_are_filtered,
    keys::aliases_are_unique_by_question,
    keys::deleting_keeps_a_copy,
    keys::rotation_with_grace,
    settle::everything_is_added,
    settle::a_batch_is_applied_once,
    settle::nothing_of_a_failed_batch_stays,
    settle::taken_ids_are_changed,
    settle::hostile_rows_do_not_stop_a_batch,
    settle::concurrent_batches_add_up,
    settle::runs_are_stored_like_rows,
    settle::taken_ids_of_runs_are_changed,
    settle::hostile_calls_do_not_stop_a_batch,
    settle::long_ids_of_judged_calls_do_not_stop_a_batch,
    settle::windows_move_forward,
    tools::tools_are_counted,
    daily::rollups_add_up,
    daily::rows_are_told_apart,
    daily::day_by_day,
    daily::whole_days_for_exports,
    ledger::both_sides_are_told,
    spend::found_by_id,
    spend::requests_are_filtered,
    spend::sums,
    spend::pages_without_bodies,
    spend::old_rows_go_in_steps,
    spend::pages_of_sessions,
    spend::sessions_by_column_and_sums,
}
