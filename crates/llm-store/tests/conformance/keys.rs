//! Virtual keys.

use chrono::{TimeDelta, Utc};
use llm_store::{
    DeletedBy, DeletedTeamRow, DeletedTokenRow, Filter, KeyFilter, KeyPatch, Store, StoreError, TeamRow,
    VerificationToken,
};

fn key(token: &str, user: &str, team: Option<&str>) -> VerificationToken {
    VerificationToken {
        token: token.into(),
        key_alias: Some(format!("Alias-{token}")),
        user_id: Some(user.into()),
        team_id: team.map(Into::into),
        ..VerificationToken::default()
    }
}

pub(crate) async fn keys_are_filtered(store: Store) {
    let now = Utc::now();
    for (n, mut row) in
        [key("k1", "ann", None), key("k2", "ann", Some("t")), key("k3", "bob", Some("t")), key("k4", "bob", None)]
            .into_iter()
            .enumerate()
    {
        row.created_at = Some(now + TimeDelta::seconds(i64::try_from(n).unwrap()));
        row.access_group_ids = if n == 0 { vec!["g".into()] } else { vec![] };
        row.blocked = (n == 1).then_some(true);
        row.created_by = (n == 3).then(|| "ann".into());
        row.expires = (n == 2).then(|| now + TimeDelta::hours(1));
        store.keys().insert(&row).await.unwrap();
    }
    let list = async |filter: KeyFilter| {
        let page = store.keys().page(filter, None, 1, 10).await.unwrap();
        page.rows.iter().map(|k| k.token.clone()).collect::<Vec<_>>().join(" ")
    };
    let f = KeyFilter::default;
    assert_eq!(list(f()).await, "k4 k3 k2 k1", "newest first");
    assert_eq!(list(KeyFilter { user_id: Some("ann".into()), ..f() }).await, "k2 k1");
    assert_eq!(list(KeyFilter { user_id: Some("an".into()), ..f() }).await, "");
    assert_eq!(list(KeyFilter { user_id: Some("AN".into()), substring: true, ..f() }).await, "k2 k1");
    assert_eq!(list(KeyFilter { team_id: Some("t".into()), user_id: Some("bob".into()), ..f() }).await, "k3");
    assert_eq!(list(KeyFilter { key_alias: Some("Alias-k3".into()), ..f() }).await, "k3");
    assert_eq!(list(KeyFilter { key_hash: Some("k1".into()), ..f() }).await, "k1");
    assert_eq!(list(KeyFilter { access_group_id: Some("g".into()), ..f() }).await, "k1");
    assert_eq!(list(KeyFilter { search: Some("alias-K2".into()), ..f() }).await, "k2");
    assert_eq!(list(KeyFilter { user_id: Some("ann".into()), or_teams: vec!["t".into()], ..f() }).await, "k3 k2 k1");
    assert_eq!(
        list(KeyFilter { user_id: Some("ann".into()), or_created_by: Some("ann".into()), ..f() }).await,
        "k4 k2 k1"
    );
    assert_eq!(list(KeyFilter { blocked: Some(true), ..f() }).await, "k2");
    assert_eq!(list(KeyFilter { blocked: Some(false), ..f() }).await, "k4 k3 k1");
    assert_eq!(list(KeyFilter { expires_until: Some(now + TimeDelta::hours(2)), ..f() }).await, "k3");
    let page = store.keys().page(f(), Some(("key_alias", false)), 2, 3).await.unwrap();
    assert_eq!((page.rows.len(), page.total, page.rows[0].token.as_str()), (1, 4, "k4"));
    assert_eq!(store.keys().count(&Filter::new().is("team_id", "t")).await.unwrap(), 2);
}

pub(crate) async fn aliases_are_unique_by_question(store: Store) {
    store.keys().insert(&key("k1", "ann", None)).await.unwrap();
    assert!(store.keys().alias_taken("Alias-k1", None).await.unwrap());
    assert!(!store.keys().alias_taken("Alias-k1", Some("k1")).await.unwrap());
    assert!(!store.keys().alias_taken("alias-k1", None).await.unwrap(), "aliases differ in case");
}

pub(crate) async fn deleting_keeps_a_copy(store: Store) {
    for token in ["k1", "k2", "k3"] {
        let mut row = key(token, "ann", Some("t"));
        row.spend = 2.5;
        row.models = vec!["m".into()];
        store.keys().insert(&row).await.unwrap();
    }
    let by = DeletedBy { user: Some("root".into()), api_key: Some("hash".into()), changed_by: None };
    let mut gone = store.keys().delete_with_copy(&["k1".into(), "k3".into(), "unknown".into()], &by).await.unwrap();
    gone.sort();
    assert_eq!(gone, ["k1", "k3"]);
    assert_eq!(store.keys().count(&Filter::new()).await.unwrap(), 1);
    let copies = store.table::<DeletedTokenRow>().find(Filter::new().is("token", "k1")).await.unwrap();
    let [copy] = copies.as_slice() else { panic!("{} copies", copies.len()) };
    assert_eq!(
        (copy.key_alias.as_deref(), copy.spend, copy.models.as_slice()),
        (Some("Alias-k1"), 2.5, ["m".to_owned()].as_slice())
    );
    assert_eq!((copy.deleted_by.as_deref(), copy.deleted_by_api_key.as_deref()), (Some("root"), Some("hash")));
    assert!(copy.litellm_changed_by.is_none() && !copy.id.is_empty());

    // The team and its keys go together.
    store.table().insert(&TeamRow { team_id: "t".into(), ..TeamRow::default() }).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let keys = tx.keys().find(Filter::new().is("team_id", "t")).await.unwrap();
    let hashes: Vec<String> = keys.into_iter().map(|k| k.token).collect();
    assert_eq!(tx.keys().delete_with_copy(&hashes, &by).await.unwrap(), ["k2"]);
    assert_eq!(tx.table::<TeamRow>().delete_with_copy(&["t".into()], &by).await.unwrap(), ["t"]);
    tx.commit().await.unwrap();
    assert_eq!(store.table::<DeletedTeamRow>().count(&Filter::new()).await.unwrap(), 1);
    assert_eq!(store.keys().count(&Filter::new()).await.unwrap(), 0);
}

pub(crate) async fn rotation_with_grace(store: Store) {
    let mut row = key("old", "ann", None);
    row.spend = 3.0;
    store.keys().insert(&row).await.unwrap();
    let patch =
        KeyPatch { key_name: Some(Some("sk-...new".into())), rotation_count: Some(Some(1)), ..KeyPatch::default() };
    let grace = Utc::now() + TimeDelta::hours(1);
    assert!(store.keys().rotate("old", "new", &patch, Some(grace)).await.unwrap());
    assert!(store.keys().get_by_hash("old").await.unwrap().is_none());
    let found = store.keys().resolve("old").await.unwrap().unwrap();
    assert_eq!((found.token.as_str(), found.spend, found.rotation_count), ("new", 3.0, Some(1)));
    assert_eq!(store.keys().resolve("new").await.unwrap().unwrap().key_name.as_deref(), Some("sk-...new"));

    assert!(store.keys().rotate("new", "newer", &KeyPatch::default(), None).await.unwrap());
    assert!(store.keys().resolve("new").await.unwrap().is_none(), "no grace, no way back");
    assert_eq!(store.keys().resolve("old").await.unwrap().unwrap().token, "newer", "the first grace still holds");
    let asked = ["old", "newer", "new", "nobody"].map(str::to_owned);
    let mut found = store.keys().resolve_many(&asked).await.unwrap();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let found: Vec<_> = found.iter().map(|(shown, key)| (shown.as_str(), key.token.as_str())).collect();
    assert_eq!(found, [("newer", "newer"), ("old", "newer")]);
    let named = async |part: &str, most| {
        let mut hashes = store.keys().hashes_by_alias(part, most).await.unwrap();
        hashes.sort();
        hashes
    };
    assert_eq!(named("lias-ol", 9).await, ["new", "newer", "old"], "with the hashes of before the rotations");
    assert_eq!((named("alias-ol", 9).await.len(), named("lias", 2).await.len()), (0, 2));
    store.keys().delete_with_copy(&["newer".to_owned()], &DeletedBy::default()).await.unwrap();
    assert_eq!(named("lias-ol", 9).await, ["new", "newer", "old"], "a deleted key has its alias still");
    store.keys().insert(&VerificationToken { token: "newer".into(), ..row }).await.unwrap();
    assert!(store.keys().rotate("newer", "old", &KeyPatch::default(), None).await.unwrap());
    assert!(store.keys().rotate("old", "newer", &KeyPatch::default(), None).await.unwrap(), "there and back again");
    assert!(store.keys().resolve("old").await.unwrap().is_none());
    assert!(!store.keys().rotate("nobody", "x", &KeyPatch::default(), None).await.unwrap());

    store.keys().insert(&key("other", "ann", None)).await.unwrap();
    let taken = store.keys().rotate("newer", "other", &KeyPatch::default(), None).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))));
    let past = Utc::now() - TimeDelta::hours(1);
    assert!(store.keys().rotate("newer", "newest", &KeyPatch::default(), Some(past)).await.unwrap());
    assert!(store.keys().resolve("newer").await.unwrap().is_none(), "the grace is over");
}
