//! Users, teams, spend.

use llm_accounts::{Bill, Credential, Intent};
use llm_store::{SpendLogRow, UserRow};
use llm_types::Usage;

use crate::support::{LONELY, MASTER, USER, VIEWER, at, gateway, text};

#[tokio::test]
async fn spend_is_read() {
    let gateway = gateway().await;
    gateway.spend(USER).await.unwrap();
    gateway.spend(USER).await.unwrap();
    gateway.spend(LONELY).await.unwrap();
    let today = chrono::Utc::now().date_naive();
    let (_, all) = gateway.get(MASTER, "/spend/logs").await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    let (_, own) = gateway.get(USER, "/spend/logs").await;
    assert_eq!(own.as_array().unwrap().len(), 2);
    let id = text(&own, "0.request_id").to_owned();
    let (_, one) = gateway.get(MASTER, &format!("/spend/logs?request_id={id}")).await;
    assert_eq!((one.as_array().unwrap().len(), at(&one, "0.spend").as_f64()), (1, Some(1.0)));
    let (_, of_key) = gateway.get(MASTER, &format!("/spend/logs?api_key={LONELY}")).await;
    assert_eq!(of_key.as_array().unwrap().len(), 1);
    let until = today + chrono::Days::new(1);
    let (_, days) = gateway.get(MASTER, &format!("/spend/logs?start_date={today}&end_date={until}")).await;
    assert_eq!(days.as_array().unwrap().len(), 2, "{days}");
    assert_eq!(at(&days, "0.spend").as_f64(), Some(3.0));
    assert_eq!(at(&days, "0.users.internal_user").as_f64(), Some(2.0));
    assert_eq!((text(&days, "1.startTime"), at(&days, "1.spend").as_f64()), (until.to_string().as_str(), Some(0.0)));
    let (_, rows) =
        gateway.get(MASTER, &format!("/spend/logs?start_date={today}&end_date={today}&summarize=false")).await;
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let (_, page) = gateway.get(MASTER, "/spend/logs/v2?page_size=2&sort_by=spend&status_filter=failure").await;
    assert_eq!((at(&page, "total").as_i64(), at(&page, "total_pages").as_i64()), (Some(3), Some(2)));
    assert_eq!(gateway.get(MASTER, "/spend/logs/v2?sort_by=nothing").await.0, 400);
    for wrong in ["cache_hit_filter=True", "span_type=x", "sort_order=up"] {
        assert_eq!(gateway.get(MASTER, &format!("/spend/logs/v2?{wrong}")).await.0, 400, "{wrong}");
    }
    let (_, found) =
        gateway.get(MASTER, "/spend/logs/v2?search=internal_user&span_type=llm&cache_hit_filter=miss").await;
    assert_eq!(at(&found, "total").as_i64(), Some(2), "{found}");
    assert_eq!(gateway.get(MASTER, "/spend/logs?start_date=yesterday").await.0, 400);
    let (_, total) = gateway.get(MASTER, "/global/spend").await;
    assert_eq!(at(&total, "spend").as_f64(), Some(3.0), "{total}");
    let (_, keys) = gateway.get(MASTER, "/spend/keys").await;
    assert_eq!(at(&keys, "0.spend").as_f64(), Some(2.0));
    assert_eq!(gateway.post(VIEWER, "/global/spend/reset", "{}").await.0, 401);
    assert_eq!(gateway.post(MASTER, "/global/spend/reset", "{}").await.0, 200);
    let who = gateway.accounts.identify(&Credential::Key(USER)).await.unwrap();
    assert_eq!(who.spend(), Some(0.0));
}

#[tokio::test]
async fn users_and_teams() {
    let gateway = gateway().await;
    let (status, user) =
        gateway.post(MASTER, "/user/new", r#"{"user_id":"ann","user_email":"ann@example.org","max_budget":2}"#).await;
    assert_eq!((status, text(&user, "user_role")), (200, "internal_user"), "{user}");
    let key = text(&user, "key").to_owned();
    assert_eq!(gateway.post(MASTER, "/user/new", r#"{"user_id":"ann"}"#).await.0, 400);
    let (_, info) = gateway.get(&key, "/user/info").await;
    assert_eq!((text(&info, "user_id"), at(&info, "keys").as_array().unwrap().len()), ("ann", 1));

    let team = r#"{"team_id":"t","team_alias":"T","models":["gpt-4o"],"members_with_roles":[{"role":"user","user_id":"ann"}],"max_budget":1}"#;
    let (status, made) = gateway.post(MASTER, "/team/new", team).await;
    assert_eq!((status, text(&made, "team_alias")), (200, "T"), "{made}");
    assert_eq!(gateway.post(&key, "/key/generate", r#"{"team_id":"t"}"#).await.0, 403, "members may not, unless told");
    gateway.post(MASTER, "/team/update", r#"{"team_id":"t","team_member_permissions":["/key/generate"]}"#).await;
    let (status, of_team) = gateway.post(&key, "/key/generate", r#"{"team_id":"t"}"#).await;
    assert_eq!(status, 200, "{of_team}");
    let of_team = text(&of_team, "key").to_owned();
    gateway.spend(&of_team).await.unwrap();
    let (_, info) = gateway.get(&key, "/team/info?team_id=t").await;
    assert_eq!(at(&info, "keys").as_array().unwrap().len(), 1, "{info}");
    assert_eq!(gateway.get(USER, "/team/info?team_id=t").await.0, 403);
    assert_eq!(gateway.get(USER, "/team/info?team_id=none").await.0, 403, "not told from one that is not there");
    assert_eq!(gateway.get(&key, "/team/list").await.1.as_array().unwrap().len(), 1);
    assert_eq!(gateway.get(USER, "/team/list").await.1.as_array().unwrap().len(), 0);
    assert_eq!(gateway.post(&key, "/team/update", r#"{"team_id":"t","team_alias":"mine"}"#).await.0, 403);
    gateway.post(MASTER, "/team/update", r#"{"team_id":"t","blocked":true}"#).await;
    assert_eq!(gateway.spend(&of_team).await.unwrap_err().status(), 401, "the team is blocked");
    let (status, _) = gateway.post(MASTER, "/team/delete", r#"{"team_ids":["t"]}"#).await;
    assert_eq!(status, 200);
    assert_eq!(gateway.spend(&of_team).await.unwrap_err().openai_type(), "token_not_found_in_db");
    assert_eq!(gateway.get(MASTER, "/team/info?team_id=t").await.0, 404);
}

#[tokio::test]
async fn sums_are_kept_without_rows() {
    let gateway = gateway().await;
    let who = gateway.accounts.identify(&Credential::Key(USER)).await.unwrap();
    let intent = Intent {
        route: "/v1/chat/completions",
        model: "gpt-4o",
        group: "gpt-4o",
        fallback_models: &[],
        end_user: None,
        tags: &[],
        user_agent: None,
        metadata_tags: false,
        input_tokens: 1,
        max_output_tokens: None,
        choices: 1,
        price: None,
        extras: llm_accounts::Extras::default(),
        session: None,
        tool_server: None,
        agent: None,
    };
    let bill = Bill { usage: Usage { input_text: 5, ..Usage::default() }, cost: 0.25, record: None, charge: true };
    let settled = gateway.accounts.admit(&who, &intent).unwrap().settle(bill);
    assert_eq!(settled.key_spend, Some(0.25));
    gateway.accounts.flush().await.unwrap();
    let store = gateway.accounts.store().unwrap();
    assert_eq!(store.table::<SpendLogRow>().count(&llm_store::Filter::new()).await.unwrap(), 0, "no record, no row");
    assert_eq!(store.keys().get_by_hash(who.key_hash().unwrap()).await.unwrap().unwrap().spend, 0.25);
    assert_eq!(store.table::<UserRow>().get(["internal_user"]).await.unwrap().unwrap().spend, 0.25);
}
