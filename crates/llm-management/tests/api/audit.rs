//! The trail of changes.

use llm_store::{AuditLogRow, Filter};

use crate::support::{MASTER, USER, VIEWER, at, gateway, text};

#[tokio::test]
async fn changes_leave_a_trail() {
    let gateway = gateway().await;
    let (_, key) = gateway.post(MASTER, "/key/generate", r#"{"key_alias":"a","max_budget":1}"#).await;
    let (secret, hash) = (text(&key, "key").to_owned(), text(&key, "token").to_owned());
    let change = format!(r#"{{"key":"{secret}","max_budget":2}}"#);
    assert_eq!(gateway.post(MASTER, "/key/update", &change).await.0, 200);
    gateway.post(MASTER, "/key/block", &format!(r#"{{"key":"{secret}"}}"#)).await;
    let (status, _) = gateway.post(MASTER, "/key/delete", &format!(r#"{{"keys":["{secret}"]}}"#)).await;
    assert_eq!(status, 200);
    gateway.post(MASTER, "/team/new", r#"{"team_id":"t"}"#).await;

    let (status, page) = gateway.get(VIEWER, &format!("/audit?object_id={hash}&sort_order=asc")).await;
    assert_eq!((status, at(&page, "total").as_i64()), (200, Some(4)), "{page}");
    let mut actions: Vec<&str> = (0..4).map(|n| text(&page, &format!("audit_logs.{n}.action"))).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["blocked", "created", "deleted", "updated"]);
    let (_, updated) = gateway.get(MASTER, &format!("/audit?object_key_hash={secret}&action=updated")).await;
    let row = at(&updated, "audit_logs.0");
    assert_eq!(at(row, "before_value.max_budget").as_f64(), Some(1.0), "{updated}");
    assert_eq!(at(row, "updated_values.max_budget").as_f64(), Some(2.0));
    assert_eq!(text(row, "table_name"), "LiteLLM_VerificationToken");
    assert!(!page.to_string().contains(&secret), "the trail holds no keys");
    let (_, one) = gateway.get(MASTER, &format!("/audit/{}", text(row, "id"))).await;
    assert_eq!(text(&one, "action"), "updated");

    let (_, team) = gateway.get(MASTER, "/audit?object_team_id=t").await;
    assert_eq!(at(&team, "total").as_i64(), Some(1), "{team}");
    assert_eq!(gateway.get(MASTER, "/audit/none").await.0, 404);
    assert_eq!(gateway.get(MASTER, "/audit?sort_by=x%27--").await.0, 400);
    assert_eq!(gateway.get(USER, "/audit").await.0, 401);
}

#[tokio::test]
async fn a_refused_change_leaves_none() {
    let gateway = gateway().await;
    let (status, _) = gateway.post(MASTER, "/key/generate", r#"{"budget_duration":"soon"}"#).await;
    assert_eq!(status, 400);
    let rows = gateway.accounts.store().unwrap().table::<AuditLogRow>().count(&Filter::new()).await.unwrap();
    assert_eq!(rows, 0);
}
