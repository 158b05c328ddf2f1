//! The store itself.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use llm_store::{
    DeletedBy, DeletedTokenRow, Filter, KeyPatch, Migrated, Store, Table as _, TeamPatch, TeamRow, UserRow,
    VerificationToken,
};

pub(crate) async fn answers_and_closes(store: Store) {
    store.ping().await.unwrap();
    let drift = (store.now().await.unwrap() - Utc::now()).abs();
    assert!(drift < TimeDelta::seconds(5), "the database's clock is UTC: {drift}");
    store.close().await;
    assert!(store.ping().await.unwrap_err().is_unavailable());
}

pub(crate) async fn migrating_again_does_nothing(store: Store) {
    let again = store.migrate().await.unwrap();
    assert_eq!(again, Migrated { from: again.to, to: again.to, ..Migrated::default() });
    assert!(again.to >= 2);
    assert_eq!(store.migrate_dry().await.unwrap(), again, "and a dry run says so");
}

pub(crate) async fn a_dropped_transaction_changes_nothing(store: Store) {
    let team = TeamRow { team_id: "t".into(), ..TeamRow::default() };
    let mut tx = store.begin().await.unwrap();
    tx.table::<TeamRow>().insert(&team).await.unwrap();
    assert!(tx.table::<TeamRow>().get(["t"]).await.unwrap().is_some());
    drop(tx);
    assert!(store.table::<TeamRow>().get(["t"]).await.unwrap().is_none());

    let mut tx = store.begin().await.unwrap();
    tx.table::<TeamRow>().insert(&team).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(store.table::<TeamRow>().get(["t"]).await.unwrap().is_none());

    let mut tx = store.begin().await.unwrap();
    tx.table::<TeamRow>().insert(&team).await.unwrap();
    tx.keys().insert(&VerificationToken { token: "k".into(), ..VerificationToken::default() }).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.table::<TeamRow>().get(["t"]).await.unwrap().is_some());
    assert!(store.keys().get_by_hash("k").await.unwrap().is_some());
}

pub(crate) async fn one_leader_at_a_time(store: Store) {
    let minute = Duration::from_secs(60);
    assert!(store.lead("reset", "a", minute).await.unwrap());
    assert!(!store.lead("reset", "b", minute).await.unwrap());
    assert!(store.lead("reset", "a", minute).await.unwrap(), "the leader may go on");
    assert!(store.lead("report", "b", minute).await.unwrap(), "jobs do not share a leader");
    store.stop_leading("reset", "b").await.unwrap();
    assert!(!store.lead("reset", "b", minute).await.unwrap(), "only the leader can give up");
    store.stop_leading("reset", "a").await.unwrap();
    assert!(store.lead("reset", "b", Duration::ZERO).await.unwrap());
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(store.lead("reset", "a", minute).await.unwrap(), "the lead ran out");
}

pub(crate) async fn rows_that_changed_are_found(store: Store) {
    let old = Utc::now() - TimeDelta::days(1);
    for token in ["old", "changed", "gone"] {
        let key = VerificationToken { token: token.into(), updated_at: Some(old), ..VerificationToken::default() };
        store.keys().insert(&key).await.unwrap();
    }
    let user = UserRow { user_id: "u".into(), updated_at: Some(old), ..UserRow::default() };
    store.table::<UserRow>().insert(&user).await.unwrap();

    let since = store.now().await.unwrap() - TimeDelta::seconds(5);
    let patch = KeyPatch { blocked: Some(Some(true)), ..KeyPatch::default() };
    assert!(store.keys().update(["changed"], &patch).await.unwrap());
    store.keys().delete_with_copy(&["gone".into()], &DeletedBy::default()).await.unwrap();

    let changed = Filter::new().at_least("updated_at", since);
    let keys = store.keys().find(changed.clone()).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.token.as_str()).collect::<Vec<_>>(), ["changed"]);
    let gone = Filter::new().at_least("deleted_at", since);
    let gone = store.table::<DeletedTokenRow>().find(gone).await.unwrap();
    assert_eq!(gone.iter().map(|row| row.token.as_str()).collect::<Vec<_>>(), ["gone"]);
    assert!(store.table::<UserRow>().find(changed).await.unwrap().is_empty());
}

pub(crate) async fn tables_have_versions(store: Store) {
    let old = Utc::now() - TimeDelta::days(1);
    let versions = async || store.versions(&[TeamRow::NAME, UserRow::NAME]).await.unwrap();
    let empty = versions().await;
    assert_eq!(empty.len(), 2);
    for team_id in ["a", "b"] {
        let team = TeamRow { team_id: team_id.into(), updated_at: old, ..TeamRow::default() };
        store.table::<TeamRow>().insert(&team).await.unwrap();
    }
    let made = versions().await;
    assert!(made[0] != empty[0] && made[1] == empty[1], "{made:?}");
    let patch = TeamPatch { blocked: Some(true), ..TeamPatch::default() };
    assert!(store.table::<TeamRow>().update(["a"], &patch).await.unwrap());
    let changed = versions().await;
    assert!(changed[0] != made[0] && changed[1] == made[1], "{changed:?}");
    assert_eq!(versions().await, changed);
}
