//! Get, insert, update, delete and list.

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::*;
use llm_types::{RawJson, Secret};

fn shown(row: &impl serde::Serialize) -> String {
    serde_json::to_string(row).unwrap()
}

async fn defaults<T: Table + Default + serde::Serialize>(store: &Store) {
    let row = T::default();
    let stored =
        store.table::<T>().insert_returning(&row).await.unwrap_or_else(|e| panic!("{}: {e}", T::NAME)).unwrap();
    let found = store.table::<T>().find(Filter::new()).await.unwrap();
    assert_eq!(found.len(), 1, "{}", T::NAME);
    assert_eq!(shown(&found[0]), shown(&stored), "{}", T::NAME);
    // A number the database counts is the only column that may differ.
    if !T::KEY.contains(&"id") || T::NAME != "LiteLLM_ModelTable" {
        assert_eq!(shown(&found[0]), shown(&row), "{}", T::NAME);
    }
}

pub(crate) async fn every_table_takes_its_defaults_and_gives_them_back(store: Store) {
    macro_rules! all { ($($row:ident)+) => { $( defaults::<$row>(&store).await; )+ } }
    all! {
        VerificationToken DeprecatedTokenRow DeletedTokenRow JwtKeyMappingRow ObjectPermissionRow AccessGroupRow
        ModelAccessGroupBudgetRow TeamRow DeletedTeamRow TeamMembershipRow ProjectRow UserRow EndUserRow InvitationRow
        UserNotificationRow OrganizationRow OrganizationMembershipRow BudgetRow TagRow BudgetWindowSpendRow ProxyModelRow
        CredentialRow ModelAliasRow HealthCheckRow ConfigRow ConfigOverrideRow SsoConfigRow CacheConfigRow UiSettingsRow
        AuditLogRow SpendLogRow ManagedFileRow ManagedFileContentRow ManagedObjectRow RegisteredVectorStoreRow
        ManagedVectorStoreRow VectorStoreIndexRow GuardrailRow PromptRow PolicyRow PolicyAttachmentRow AgentRow McpServerRow
        McpToolsetRow McpUserCredentialRow SearchToolRow ToolRow SkillRow MemoryRow PluginRow DailyGuardrailRow DailyPolicyRow DailyGuardrailUnitsRow GuardrailCallRow WorkflowRunRow WorkflowEventRow
        WorkflowMessageRow
    }
}

pub(crate) async fn values_come_back_as_given(store: Store) {
    let time: DateTime<Utc> = "2026-02-28T23:59:59.987Z".parse().unwrap();
    let key = VerificationToken {
        token: "hash".into(),
        key_alias: Some("ключ 🔑 'quoted' \"double\" \\".into()),
        spend: 0.1 + 0.2,
        total_spend: 1e-12,
        expires: Some(time + TimeDelta::microseconds(900)),
        models: vec!["gpt-4o".into(), "a,b".into(), "{\"x\"}".into(), String::new()],
        metadata: RawJson::parse(r#"{"b":[1,2.5,null],"a":{"é":"\u00e9"}}"#).unwrap(),
        router_settings: None,
        tpm_limit: Some(i64::MAX),
        blocked: Some(false),
        ..VerificationToken::default()
    };
    store.keys().insert(&key).await.unwrap();
    let found = store.keys().get_by_hash("hash").await.unwrap().unwrap();
    assert_eq!(found.key_alias, key.key_alias);
    assert_eq!((found.spend, found.total_spend), (key.spend, key.total_spend));
    assert_eq!(found.expires, Some(time), "cut to milliseconds, not rounded");
    assert_eq!(found.models, key.models);
    let value = |json: &RawJson| json.read::<serde_json::Value>().unwrap();
    assert_eq!(value(&found.metadata), value(&key.metadata));
    assert!(found.router_settings.is_none());
    assert_eq!((found.tpm_limit, found.blocked), (Some(i64::MAX), Some(false)));

    let content = ManagedFileContentRow { content: vec![0, 255, 1], ..ManagedFileContentRow::default() };
    store.table().insert(&content).await.unwrap();
    let found = store.table::<ManagedFileContentRow>().get([content.id.as_str()]).await.unwrap().unwrap();
    assert_eq!(found.content, [0, 255, 1]);
}

pub(crate) async fn a_patch_touches_only_its_columns(store: Store) {
    let long_ago = Utc::now() - TimeDelta::days(3);
    let team = TeamRow {
        team_id: "t".into(),
        team_alias: Some("old".into()),
        max_budget: Some(5.0),
        models: vec!["m".into()],
        updated_at: long_ago,
        ..TeamRow::default()
    };
    store.table().insert(&team).await.unwrap();
    let patch = TeamPatch { team_alias: Some(Some("new".into())), max_budget: Some(None), ..TeamPatch::default() };
    assert!(store.table::<TeamRow>().update(["t"], &patch).await.unwrap());
    let found = store.table::<TeamRow>().get(["t"]).await.unwrap().unwrap();
    assert_eq!((found.team_alias.as_deref(), found.max_budget), (Some("new"), None));
    assert_eq!(found.models, ["m"]);
    assert!(found.updated_at > long_ago + TimeDelta::days(2), "a change is seen");

    assert!(!store.table::<TeamRow>().update(["nobody"], &patch).await.unwrap());
    assert!(store.table::<TeamRow>().update(["t"], &TeamPatch::default()).await.unwrap());
    assert!(!store.table::<TeamRow>().update(["nobody"], &TeamPatch::default()).await.unwrap());

    let patch = TeamPatch { spend: Some(0.0), ..TeamPatch::default() };
    let due = Filter::new().is("team_id", "t".to_owned());
    assert_eq!(store.table::<TeamRow>().update_where(&due, &patch).await.unwrap(), 1);
    assert!(store.table::<TeamRow>().delete(["t"]).await.unwrap());
    assert!(!store.table::<TeamRow>().delete(["t"]).await.unwrap());
}

pub(crate) async fn unique_values_conflict(store: Store) {
    let key = VerificationToken { token: "k".into(), ..VerificationToken::default() };
    store.keys().insert(&key).await.unwrap();
    assert!(matches!(store.keys().insert(&key).await, Err(StoreError::Conflict(_))));
    let credential = |name: &str| CredentialRow { credential_name: name.into(), ..CredentialRow::default() };
    store.table().insert(&credential("a")).await.unwrap();
    assert!(matches!(store.table().insert(&credential("a")).await, Err(StoreError::Conflict(_))));
    store.table().insert(&credential("b")).await.unwrap();
}

pub(crate) async fn lists_filter_sort_and_page(store: Store) {
    for (n, alias, role) in
        [(1, Some("Beta"), "admin"), (2, Some("alpha_x"), "viewer"), (3, None, "admin"), (4, Some("10%"), "viewer")]
    {
        let user = UserRow {
            user_id: format!("u{n}"),
            user_alias: alias.map(Into::into),
            user_role: Some(role.into()),
            spend: f64::from(n),
            teams: vec![format!("t{}", n % 2)],
            ..UserRow::default()
        };
        store.table().insert(&user).await.unwrap();
    }
    let ids = async |query: ListQuery| {
        let listing = store.table::<UserRow>().list(&query).await.unwrap();
        (listing.rows.iter().map(|u| u.user_id.clone()).collect::<Vec<_>>().join(" "), listing.total)
    };
    let some = |filter: Filter| ids(ListQuery::all(filter));
    assert_eq!(some(Filter::new()).await, ("u1 u2 u3 u4".into(), 4));
    assert_eq!(some(Filter::new().is("user_role", "admin")).await.0, "u1 u3");
    assert_eq!(some(Filter::new().is_not("user_alias", "Beta")).await.0, "u2 u3 u4");
    assert_eq!(some(Filter::new().any_of("user_id", vec!["u4".into(), "u2".into(), "x".into()])).await.0, "u2 u4");
    assert_eq!(some(Filter::new().any_of("user_id", vec![])).await.1, 0);
    assert_eq!(some(Filter::new().contains("user_alias", "bET")).await.0, "u1");
    assert_eq!(some(Filter::new().contains("user_alias", "a_x")).await.0, "u2");
    assert_eq!(some(Filter::new().contains("user_alias", "%")).await.0, "u4");
    assert_eq!(some(Filter::new().starts("user_id", "u4")).await, ("u4".to_owned(), 1));
    assert_eq!(some(Filter::new().starts("user_id", "%")).await.1, 0, "no pattern");
    assert_eq!(some(Filter::new().at_least("spend", 2.0).below("spend", 4.0)).await.0, "u2 u3");
    assert_eq!(some(Filter::new().null("user_alias", true)).await.0, "u3");
    assert_eq!(some(Filter::new().null("user_alias", false).is("user_role", "viewer")).await.0, "u2 u4");
    assert_eq!(some(Filter::new().list_has("teams", "t1")).await.0, "u1 u3");
    let either = vec![Filter::new().is("user_id", "u1"), Filter::new().at_least("spend", 4.0)];
    assert_eq!(some(Filter::new().one_of(either)).await.0, "u1 u4");
    assert_eq!(some(Filter::new().one_of(vec![])).await.1, 0);

    let sorted =
        |page, size| ListQuery::page(Filter::new(), page, size).sorted("user_role", false).sorted("spend", true);
    assert_eq!(ids(sorted(1, 3)).await, ("u3 u1 u4".into(), 4));
    assert_eq!(ids(sorted(2, 3)).await, ("u2".into(), 4));
    let nulls = ListQuery::all(Filter::new().any_of("user_id", vec!["u1".into(), "u3".into()]));
    assert_eq!(ids(nulls.clone().sorted("user_alias", false)).await.0, "u1 u3");
    assert_eq!(ids(nulls.sorted("user_alias", true)).await.0, "u1 u3");
    let listing = store.table::<UserRow>().list(&sorted(1, 3)).await.unwrap();
    assert_eq!(listing.pages(3), 2);
    let many = store.table::<UserRow>().get_many(&["u1".into(), "u9".into(), "u2".into()]).await.unwrap();
    assert_eq!(many.len(), 2);
    assert_eq!(store.table::<UserRow>().delete_where(&Filter::new().is("user_role", "admin")).await.unwrap(), 2);
    assert_eq!(store.table::<UserRow>().count(&Filter::new()).await.unwrap(), 2);
}

pub(crate) async fn unknown_columns_are_refused(store: Store) {
    let wrong = "spend\" OR 1=1 --";
    for query in [ListQuery::all(Filter::new().is(wrong, 1.0)), ListQuery::default().sorted(wrong, true)] {
        let error = store.table::<UserRow>().list(&query).await.unwrap_err();
        assert!(matches!(&error, StoreError::Column { column, .. } if column == wrong), "{error}");
    }
}

pub(crate) async fn keys_of_two_parts(store: Store) {
    for (user, team) in [("u", "a"), ("u", "b"), ("v", "a")] {
        let row = TeamMembershipRow { user_id: user.into(), team_id: team.into(), ..TeamMembershipRow::default() };
        store.table().insert(&row).await.unwrap();
    }
    assert_eq!(TeamMembershipRow::KEY, ["user_id", "team_id"]);
    let found = store.table::<TeamMembershipRow>().get(["u", "b"]).await.unwrap().unwrap();
    assert_eq!((found.user_id.as_str(), found.team_id.as_str()), ("u", "b"));
    assert!(store.table::<TeamMembershipRow>().get(["v", "b"]).await.unwrap().is_none());
    assert!(!store.table::<TeamMembershipRow>().delete(["u"]).await.unwrap(), "half a key deletes nothing");
    let patch = TeamMembershipPatch { budget_id: Some(Some("b1".into())), ..TeamMembershipPatch::default() };
    assert!(store.table::<TeamMembershipRow>().update(["u", "a"], &patch).await.unwrap());
    let with = store.table::<TeamMembershipRow>().find(Filter::new().is("budget_id", "b1")).await.unwrap();
    assert_eq!(with.len(), 1);
}

pub(crate) async fn put_replaces(store: Store) {
    for value in ["{\"a\":1}", "{\"b\":2}"] {
        let row = ConfigRow {
            param_name: "general_settings".into(),
            param_value: Some(RawJson::parse(value).unwrap()),
            ..ConfigRow::default()
        };
        store.table().put(&row).await.unwrap();
    }
    let rows = store.table::<ConfigRow>().find(Filter::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].param_value, Some(RawJson::parse("{\"b\":2}").unwrap()));
}

pub(crate) async fn the_database_counts(store: Store) {
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(
            store.table::<ModelAliasRow>().insert_returning(&ModelAliasRow::default()).await.unwrap().unwrap().id.0,
        );
    }
    assert!(ids[0] > 0 && ids[1] > ids[0], "{ids:?}");
}

pub(crate) async fn secrets_are_not_printed(store: Store) {
    let user = UserRow { user_id: "u".into(), password: Some(Secret::new("scrypt:abc")), ..UserRow::default() };
    store.table().insert(&user).await.unwrap();
    let model =
        ProxyModelRow { litellm_params: RawJson::parse(r#"{"api_key":"sk-1"}"#).unwrap(), ..ProxyModelRow::default() };
    let found = store.table::<UserRow>().get(["u"]).await.unwrap().unwrap();
    assert_eq!(found.password.as_ref().unwrap().expose(), "scrypt:abc");
    let patch = UserPatch { password: Some(Some(Secret::new("scrypt:abc"))), ..UserPatch::default() };
    for text in [format!("{found:?}"), shown(&found), format!("{patch:?}"), format!("{model:?}")] {
        assert!(!text.contains("scrypt:") && !text.contains("sk-1"), "{text}");
    }
}

pub(crate) async fn lists_name_people(store: Store) {
    let team = |id: &str, roles: &str, admins: &[&str]| TeamRow {
        team_id: id.into(),
        members_with_roles: RawJson::parse(roles).unwrap(),
        admins: admins.iter().map(|admin| (*admin).to_owned()).collect(),
        ..TeamRow::default()
    };
    for row in [
        team("a", r#"[{"user_id":"ann","role":"user"},{"user_email":"x@y"},5,null]"#, &[]),
        team("b", "{}", &["bob", "ann"]),
        team("c", r#"{"user_id":"ann"}"#, &[]),
        team("d", r#"["ann"]"#, &[]),
    ] {
        store.table().insert(&row).await.unwrap();
    }
    let ids = async |filter: Filter| {
        let rows = store.table::<TeamRow>().find(filter).await.unwrap();
        rows.into_iter().map(|row| row.team_id).collect::<Vec<_>>().join(" ")
    };
    let users = |users: &[&str]| users.iter().map(|user| (*user).to_owned()).collect::<Vec<_>>();
    let named = |who: &[&str]| Filter::new().json_list_names("members_with_roles", "user_id", users(who));
    let listed = |who: &[&str]| Filter::new().list_has_any("admins", users(who));
    assert_eq!(ids(named(&["ann", "zoe"])).await, "a", "what is no list names nobody");
    assert_eq!(ids(named(&["bob"])).await, "");
    assert_eq!(ids(named(&[])).await, "");
    assert_eq!(ids(listed(&["zoe", "bob"])).await, "b");
    assert_eq!(ids(Filter::new().one_of(vec![named(&["ann"]), listed(&["ann"])])).await, "a b");
    assert_eq!(ids(Filter::new().contains_text("members_with_roles", "x@y")).await, "a");
}

pub(crate) async fn what_comes_then_waits_for_the_commit(store: Store) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    let done = Arc::<AtomicU32>::default();
    let count = || {
        let done = Arc::clone(&done);
        move || {
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    let now = || done.load(Ordering::Relaxed);
    store.table::<TeamRow>().then(count());
    assert_eq!(now(), 1, "outside of a transaction: at once");
    let mut tx = store.begin().await.unwrap();
    tx.table::<TeamRow>().then(count());
    tx.rollback().await.unwrap();
    let mut dropped = store.begin().await.unwrap();
    dropped.table::<TeamRow>().then(count());
    drop(dropped);
    let mut tx = store.begin().await.unwrap();
    tx.table::<TeamRow>().then(count());
    tx.keys().then(count());
    assert_eq!(now(), 1);
    tx.commit().await.unwrap();
    assert_eq!(now(), 3);
}
