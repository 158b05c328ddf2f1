//! Whom a call concerns beside its key: organizations, projects, members, end users, tags, agents; and models.

use std::sync::Arc;

use llm_accounts::{Accounts, AccountsSettings, Credential, Identity, Intent, Reservation};
use llm_store::{
    AgentRow, BudgetRow, EndUserRow, ModelAccessGroupBudgetRow, OrganizationMembershipRow, OrganizationRow, ProjectRow,
    Store, TagRow, TeamMembershipRow, TeamRow, UserRow, VerificationToken,
};
use llm_types::{RawJson, Result};
use tokio::runtime::Handle;

use crate::support::{KEY, bill, intent, remaining, row, settings, store};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap()
}

async fn budget(store: &Store, budget: BudgetRow) {
    store.table().insert(&BudgetRow { budget_id: "b".to_owned(), ..budget }).await.unwrap();
}

async fn open(settings: AccountsSettings, store: Store, row: VerificationToken) -> (Accounts, Arc<Identity>) {
    store.keys().insert(&row).await.unwrap();
    let accounts = Accounts::new(settings, Some(store), Handle::current()).unwrap();
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    (accounts, who)
}

async fn admit(accounts: &Accounts, who: &Arc<Identity>, intent: &Intent<'_>) -> Result<Reservation> {
    accounts.admit_shared(who, intent.route, intent).await
}

/// What a call is refused with, once its caller has spent `cost` in a call.
async fn after(accounts: &Accounts, who: &Arc<Identity>, intent: &Intent<'_>, cost: f64) -> String {
    admit(accounts, who, intent).await.unwrap().settle(bill(cost, 1));
    match admit(accounts, who, intent).await {
        Ok(_) => "admitted".to_owned(),
        Err(error) => {
            assert_eq!((error.status(), error.openai_type()), (422, "budget_exceeded"));
            error.message
        }
    }
}

#[tokio::test]
async fn budgets_of_organizations_and_projects_are_used_up_when_reached() {
    for (place, wanted) in [
        (0, "Budget has been exceeded! Organization=o Current cost: 1, Max budget: 1"),
        (1, "Budget has been exceeded! Organization=o Current cost: 1, Max budget: 1"),
        (2, "Budget has been exceeded! Project=p Current cost: 1, Max budget: 1"),
    ] {
        let store = store().await;
        budget(&store, BudgetRow { max_budget: Some(1.0), ..BudgetRow::default() }).await;
        let (organization_id, budget_id) = ("o".to_owned(), "b".to_owned());
        let organization = OrganizationRow { organization_id, budget_id, ..OrganizationRow::default() };
        let project = ProjectRow { project_id: "p".to_owned(), budget_id: text("b"), ..ProjectRow::default() };
        let team = TeamRow { team_id: "t".to_owned(), organization_id: text("o"), ..TeamRow::default() };
        let row = match place {
            0 => VerificationToken { organization_id: text("o"), ..row() },
            1 => VerificationToken { team_id: text("t"), ..row() },
            _ => VerificationToken { project_id: text("p"), ..row() },
        };
        store.table().insert(&organization).await.unwrap();
        store.table().insert(&project).await.unwrap();
        store.table().insert(&team).await.unwrap();
        let (accounts, who) = open(settings(), store, row).await;
        assert_eq!(after(&accounts, &who, &intent(), 1.0).await, wanted);
        let free = Intent { price: Some((0.0, 0.0).into()), ..intent() };
        assert!(admit(&accounts, &who, &free).await.is_ok(), "free models go on");
        // Read anew after a flush, it is not counted twice.
        accounts.flush().await.unwrap();
        accounts.forget_keys(|_| true);
        let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
        assert_eq!(admit(&accounts, &who, &intent()).await.unwrap_err().message, wanted);
    }
}

#[tokio::test]
async fn budgets_of_end_users_and_tags_may_be_reached() {
    let store = store().await;
    budget(&store, BudgetRow { max_budget: Some(1.0), rpm_limit: Some(5), ..BudgetRow::default() }).await;
    store
        .table()
        .insert(&EndUserRow { user_id: "e".to_owned(), budget_id: text("b"), ..EndUserRow::default() })
        .await
        .unwrap();
    store
        .table()
        .insert(&TagRow { tag_name: "x".to_owned(), budget_id: text("b"), ..TagRow::default() })
        .await
        .unwrap();
    let (accounts, who) = open(settings(), store, row()).await;
    let tags = ["x".to_owned(), "without a row".to_owned()];
    for (named, other, what) in [
        (Intent { end_user: Some("e"), ..intent() }, Intent { end_user: Some("f"), ..intent() }, "End User=e"),
        (Intent { tags: &tags, ..intent() }, Intent { tags: &tags[1..], ..intent() }, "Tag=x"),
    ] {
        assert_eq!(after(&accounts, &who, &named, 1.0).await, "admitted", "reaching it is fine");
        let wanted = format!("Budget has been exceeded! {what} Current cost: 1.1, Max budget: 1");
        assert_eq!(after(&accounts, &who, &named, 0.1).await, wanted);
        assert!(admit(&accounts, &who, &other).await.is_ok(), "nobody else is concerned");
        let free = Intent { price: Some((0.0, 0.0).into()), ..named };
        let mut last = Ok(());
        for _ in 0..5 {
            last = admit(&accounts, &who, &free).await.map(drop);
        }
        let limited = last.unwrap_err();
        let descriptor = if named.end_user.is_some() { "end_user: e." } else { "tag: x." };
        assert!(limited.message.starts_with(&format!("Rate limit exceeded for {descriptor}")), "{limited}");
    }
}

#[tokio::test]
async fn end_users_without_a_budget_get_the_default() {
    let store = store().await;
    budget(&store, BudgetRow { max_budget: Some(1.0), ..BudgetRow::default() }).await;
    let by_id = AccountsSettings { max_end_user_budget_id: text("b"), ..settings() };
    let (accounts, who) = open(by_id, store, row()).await;
    let named = Intent { end_user: Some("nobody knows"), ..intent() };
    let refused = after(&accounts, &who, &named, 2.0).await;
    assert_eq!(refused, "Budget has been exceeded! End User=nobody knows Current cost: 2, Max budget: 1");
    let (accounts, who) =
        crate::support::with(AccountsSettings { max_end_user_budget: Some(1.5), ..settings() }, row()).await;
    assert!(after(&accounts, &who, &named, 2.0).await.ends_with("Current cost: 2, Max budget: 1.5"));
}

#[tokio::test]
async fn members_projects_and_agents_have_a_say() {
    let store = store().await;
    let member = BudgetRow { allowed_models: vec!["gpt-4o".to_owned(), "o".to_owned()], ..BudgetRow::default() };
    budget(&store, member).await;
    store.table().insert(&TeamRow { team_id: "t".to_owned(), ..TeamRow::default() }).await.unwrap();
    store.table().insert(&UserRow { user_id: "u".to_owned(), ..UserRow::default() }).await.unwrap();
    let (user_id, team_id) = ("u".to_owned(), "t".to_owned());
    let membership = TeamMembershipRow { user_id, team_id, budget_id: text("b"), ..TeamMembershipRow::default() };
    store.table().insert(&membership).await.unwrap();
    let project = ProjectRow {
        project_id: "p".to_owned(),
        models: vec!["gpt-4o".to_owned()],
        model_rpm_limit: json(r#"{"gpt-4o":2}"#),
        metadata: json(r#"{"model_rpm_limit":{"gpt-4o":2},"model_otpm_limit":{"gpt-4o":1000}}"#),
        ..ProjectRow::default()
    };
    store.table().insert(&project).await.unwrap();
    let agent = AgentRow { agent_id: "a".to_owned(), rpm_limit: Some(3), ..AgentRow::default() };
    store.table().insert(&agent).await.unwrap();
    let key = VerificationToken {
        team_id: text("t"),
        user_id: text("u"),
        project_id: text("p"),
        agent_id: text("a"),
        tpd_limit: Some(100_000),
        ..row()
    };
    let (accounts, who) = open(settings(), store, key).await;
    let denied = |model: &'static str| admit_type(&accounts, &who, model);
    assert_eq!(denied("claude").await, Some((403, "team_model_access_denied".to_owned())), "not for this member");
    assert_eq!(denied("o").await, Some((403, "project_model_access_denied".to_owned())));
    let first = admit(&accounts, &who, &intent()).await.unwrap();
    for (whose, kind, left) in [
        ("agent", "requests", 2),
        ("model_per_project", "requests", 1),
        ("model_per_project", "output_tokens", 900),
        ("api_key", "tokens_per_day", 99_800),
    ] {
        assert_eq!(remaining(&first, whose, kind), Some(left), "{whose} {kind}: {:?}", first.left());
    }
    let long = Intent { max_output_tokens: Some(950), ..intent() };
    let refused = admit(&accounts, &who, &long).await.unwrap_err().message;
    assert!(
        refused.contains("model_per_project: p:gpt-4o. Limit type: output_tokens. Current limit: 1000"),
        "{refused}"
    );
    drop(first);
    drop(admit(&accounts, &who, &intent()).await.unwrap());
    let refused = admit(&accounts, &who, &intent()).await.unwrap_err().message;
    assert!(refused.contains("model_per_project: p:gpt-4o. Limit type: requests."), "{refused}");
    let blocked = ProjectRow { project_id: "p".to_owned(), blocked: true, ..ProjectRow::default() };
    accounts.store().unwrap().table().put(&blocked).await.unwrap();
    accounts.forget_keys(|_| true);
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    let refused = admit(&accounts, &who, &intent()).await.unwrap_err();
    assert_eq!((refused.status(), refused.openai_type()), (401, "auth_error"), "{refused}");
}

async fn admit_type(accounts: &Accounts, who: &Arc<Identity>, model: &'static str) -> Option<(u16, String)> {
    let refused = admit(accounts, who, &Intent { model, group: model, ..intent() }).await.err()?;
    Some((refused.status(), refused.openai_type().to_owned()))
}

#[tokio::test]
async fn models_have_budgets_of_their_own_and_others_to_go_to() {
    let store = store().await;
    let budgets = r#"{"gpt-4o":{"budget_limit":1,"time_period":"1d"},"small":{"max_budget":1,"budget_duration":"1d"}}"#;
    let team = TeamRow {
        team_id: "t".to_owned(),
        model_max_budget: json(r#"{"gpt-4o":{"max_budget":"0.5"},"other":{"max_budget":0.5}}"#),
        ..TeamRow::default()
    };
    store.table().insert(&team).await.unwrap();
    let key = VerificationToken {
        team_id: text("t"),
        model_max_budget: json(budgets),
        budget_fallbacks: json(r#"{"gpt-4o":["small","last"]}"#),
        ..row()
    };
    let (accounts, who) = open(settings(), store, key).await;
    assert_eq!(who.budget_fallback("gpt-4o"), None);
    let refused = after(&accounts, &who, &intent(), 1.0).await;
    assert_eq!(refused, "Budget has been exceeded! Key, model=gpt-4o Current cost: 1, Max budget: 1", "not the team's");
    let azure = Intent { model: "azure/gpt-4o", group: "azure/gpt-4o", ..intent() };
    assert!(admit(&accounts, &who, &azure).await.is_err(), "the same under a provider's name");
    assert_eq!(who.budget_fallback("gpt-4o"), Some("small"));
    let small = Intent { model: "small", group: "small", ..intent() };
    assert!(after(&accounts, &who, &small, 1.0).await.contains("Key, model=small"));
    assert_eq!(who.budget_fallback("gpt-4o"), Some("last"));
    let other = Intent { model: "other", group: "other", ..intent() };
    let refused = after(&accounts, &who, &other, 1.0).await;
    assert_eq!(refused, "Budget has been exceeded! Team, model=other Current cost: 1, Max budget: 0.5");
}

#[tokio::test]
async fn several_windows_hold_together() {
    let limits = json(r#"[{"budget_duration":"1s","max_budget":1},{"budget_duration":"30d","max_budget":1.5}]"#);
    let (accounts, who) =
        crate::support::with(settings(), VerificationToken { budget_limits: Some(limits), ..row() }).await;
    let refused = after(&accounts, &who, &intent(), 1.0).await;
    // The second may have ended meanwhile.
    assert!(refused == "admitted" || refused.contains("Key window=1s Current cost: 1, Max budget: 1"), "{refused}");
    tokio::time::sleep(std::time::Duration::from_millis(1010)).await;
    let refused = after(&accounts, &who, &intent(), 0.6).await;
    assert!(refused.contains("Current cost: 1.6, Max budget: 1.5") && refused.contains("window=30d"), "{refused}");
}

#[tokio::test]
async fn what_an_operator_demands_of_calls() {
    let strict = AccountsSettings { enforce_user_param: true, reject_clientside_metadata_tags: true, ..settings() };
    let (accounts, who) = crate::support::with(strict, row()).await;
    let refused = admit(&accounts, &who, &intent()).await.unwrap_err();
    assert_eq!((refused.status(), refused.openai_type()), (401, "auth_error"), "{refused}");
    let tagged = Intent { end_user: Some("e"), metadata_tags: true, ..intent() };
    let refused = admit(&accounts, &who, &tagged).await.unwrap_err();
    assert_eq!((refused.status(), refused.param.as_deref()), (400, Some("metadata.tags")));
    assert!(admit(&accounts, &who, &Intent { metadata_tags: false, ..tagged }).await.is_ok());
    let files = Intent { model: "", group: "", ..intent() };
    assert!(admit(&accounts, &who, &files).await.is_ok(), "calls without a model have no end user");
}

#[tokio::test]
async fn members_of_organizations_have_budgets_of_their_own() {
    let store = store().await;
    budget(&store, BudgetRow { max_budget: Some(1.0), ..BudgetRow::default() }).await;
    let (organization_id, user_id) = ("o".to_owned(), "u".to_owned());
    let free = BudgetRow { budget_id: "free".to_owned(), ..BudgetRow::default() };
    store.table().insert(&free).await.unwrap();
    let organization = OrganizationRow {
        organization_id: organization_id.clone(),
        budget_id: free.budget_id,
        ..OrganizationRow::default()
    };
    store.table().insert(&organization).await.unwrap();
    store.table().insert(&UserRow { user_id: user_id.clone(), ..UserRow::default() }).await.unwrap();
    let (budget_id, spend) = (text("b"), Some(0.25));
    let member = OrganizationMembershipRow { user_id, organization_id, budget_id, spend, ..Default::default() };
    store.table().insert(&member).await.unwrap();
    let key = VerificationToken { organization_id: text("o"), user_id: text("u"), ..row() };
    let (accounts, who) = open(settings(), store, key).await;
    let refused = after(&accounts, &who, &intent(), 0.75).await;
    assert_eq!(refused, "Budget has been exceeded! User=u in Organization=o Current cost: 1, Max budget: 1");
    accounts.flush().await.unwrap();
    let stored = accounts.store().unwrap().table::<OrganizationMembershipRow>().get(["u", "o"]).await.unwrap().unwrap();
    assert!((stored.spend.unwrap() - 1.0).abs() < 1e-9, "{stored:?}");
}

#[tokio::test]
async fn groups_of_models_have_a_budget_for_everybody() {
    let store = store().await;
    budget(&store, BudgetRow { max_budget: Some(1.0), ..BudgetRow::default() }).await;
    let (access_group_name, budget_id) = ("premium".to_owned(), text("b"));
    let group = ModelAccessGroupBudgetRow { access_group_name, budget_id, ..Default::default() };
    store.table().insert(&group).await.unwrap();
    let (accounts, who) = open(settings(), store, row()).await;
    let groups = |groups: &[&str]| groups.iter().map(|group| (*group).to_owned()).collect();
    let access_groups = [("gpt-4o".to_owned(), groups(&["premium", "plain"])), ("x".to_owned(), groups(&["plain"]))];
    accounts.set_directory(llm_accounts::Directory { access_groups: access_groups.into(), ..Default::default() });
    let refused = after(&accounts, &who, &intent(), 1.0).await;
    assert_eq!(refused, "Budget has been exceeded! Model Access Group=premium Current cost: 1, Max budget: 1");
    assert!(admit(&accounts, &who, &Intent { model: "x", group: "x", ..intent() }).await.is_ok());
    accounts.flush().await.unwrap();
    let stored =
        accounts.store().unwrap().table::<ModelAccessGroupBudgetRow>().get(["premium"]).await.unwrap().unwrap();
    assert!((stored.spend - 1.0).abs() < 1e-9, "{}", stored.spend);
    let others = accounts.store().unwrap().table::<ModelAccessGroupBudgetRow>().get(["plain"]).await.unwrap();
    assert!(others.is_none(), "a group without a budget is nobody's");
}

#[tokio::test]
async fn a_region_binds_who_has_no_budget() {
    let store = store().await;
    let bound = EndUserRow {
        user_id: "bound".to_owned(),
        allowed_model_region: text("eu"),
        default_model: text("home"),
        ..EndUserRow::default()
    };
    store.table().insert(&bound).await.unwrap();
    let (accounts, who) = open(settings(), store, row()).await;
    for _ in 0..2 {
        let of = async |end_user| {
            let intent = Intent { end_user: Some(end_user), ..intent() };
            let reservation = admit(&accounts, &who, &intent).await.unwrap();
            (reservation.region().map(ToString::to_string), reservation.default_model().map(ToString::to_string))
        };
        assert_eq!(of("bound").await, (text("eu"), text("home")));
        assert_eq!(of("free").await, (None, None));
        // From here on it is known who has something that holds, and who needs no look-up.
        accounts.flush().await.unwrap();
    }
}

#[tokio::test]
async fn a_key_lends_end_users_a_budget() {
    let store = store().await;
    let lent =
        BudgetRow { max_budget: Some(1.0), budget_duration: text("1d"), rpm_limit: Some(4), ..BudgetRow::default() };
    budget(&store, lent).await;
    let own = BudgetRow { budget_id: "own".to_owned(), max_budget: Some(5.0), ..BudgetRow::default() };
    store.table().insert(&own).await.unwrap();
    let rich = EndUserRow { user_id: "rich".to_owned(), budget_id: text("own"), ..EndUserRow::default() };
    store.table().insert(&rich).await.unwrap();
    let key = VerificationToken { metadata: json(r#"{"end_user_budget_id":"b"}"#), ..row() };
    let (accounts, who) = open(settings(), store, key).await;
    // Known to have no budget of anybody's: the key's counts all the same.
    accounts.flush().await.unwrap();
    let named = |end_user: &'static str| Intent { end_user: Some(end_user), ..intent() };
    let why = after(&accounts, &who, &named("eve"), 1.1).await;
    assert!(why.contains("End User") && why.contains("Max budget: 1"), "{why}");
    assert_eq!(after(&accounts, &who, &named("rich"), 1.1).await, "admitted", "a budget of one's own goes first");
    assert_eq!(after(&accounts, &who, &named("adam"), 0.1).await, "admitted");
    assert_eq!(after(&accounts, &who, &intent(), 3.0).await, "admitted", "nobody is named");
    // It outlives what is known of it.
    accounts.flush().await.unwrap();
    accounts.forget_keys(|_| true);
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    assert!(admit(&accounts, &who, &named("eve")).await.is_err());
    for _ in 0..2 {
        admit(&accounts, &who, &named("adam")).await.unwrap().settle(bill(0.0, 1));
    }
    let refused = admit(&accounts, &who, &named("adam")).await.unwrap_err();
    assert_eq!(refused.status(), 429, "its limits count too: {}", refused.message);
}
