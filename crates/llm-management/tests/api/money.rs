//! Soft budgets of keys, and budgets that are larger for a while.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_types::Json;
use llm_types::alert::{AlertSink, AlertType, BudgetAlert, BudgetEvent, Notice};

use crate::support::{Gateway, MASTER, USER, at, gateway, text};

#[derive(Debug, Default)]
struct Told(Mutex<Vec<(String, Option<f64>)>>, Mutex<Vec<Notice>>);

impl AlertSink for Told {
    fn tell(&self, alert: BudgetAlert) {
        if alert.event == BudgetEvent::SoftCrossed && alert.group == "key" {
            self.0.lock().unwrap().push((alert.id, alert.soft_budget));
        }
    }

    fn note(&self, notice: Notice) {
        self.1.lock().unwrap().push(notice);
    }

    fn wants(&self, kind: AlertType) -> bool {
        matches!(kind, AlertType::BudgetAlerts | AlertType::NewVirtualKeyCreated | AlertType::VirtualKeyUpdated)
    }
}

async fn made(gateway: &Gateway, by: &str, body: &str) -> (String, Json) {
    let (status, made) = gateway.post(by, "/key/generate", body).await;
    assert_eq!(status, 200, "{made}");
    (text(&made, "key").to_owned(), made)
}

async fn soft(gateway: &Gateway, by: &str, key: &str, soft: &str) -> (u16, Json) {
    gateway.post(by, "/key/update", &format!(r#"{{"key":"{key}","soft_budget":{soft}}}"#)).await
}

async fn budget(gateway: &Gateway, id: &str) -> Json {
    let (status, found) = gateway.post(MASTER, "/budget/info", &format!(r#"{{"budgets":["{id}"]}}"#)).await;
    assert_eq!(status, 200, "{found}");
    at(&found, "0").clone()
}

#[tokio::test]
async fn a_soft_budget_is_in_the_budget_of_its_key() {
    let gateway = gateway().await;
    let told = Arc::new(Told::default());
    gateway.accounts.alert(Arc::clone(&told) as Arc<dyn AlertSink>, Duration::from_secs(3600));

    let (key, shown) = made(&gateway, MASTER, r#"{"soft_budget":2}"#).await;
    assert_eq!(at(&shown, "soft_budget").as_f64(), Some(2.0), "{shown}");
    let own = text(&shown, "budget_id").to_owned();
    let row = budget(&gateway, &own).await;
    assert_eq!((at(&row, "soft_budget").as_f64(), at(&row, "max_budget").is_null()), (Some(2.0), true), "{row}");
    gateway.spend(&key).await.unwrap();
    assert!(told.0.lock().unwrap().is_empty(), "half of it is left");

    // Changing it changes that row, and holds for the next call.
    let (status, after) = soft(&gateway, MASTER, &key, "1.5").await;
    assert_eq!((status, text(&after, "budget_id")), (200, own.as_str()), "{after}");
    assert_eq!(at(&budget(&gateway, &own).await, "soft_budget").as_f64(), Some(1.5));
    gateway.spend(&key).await.unwrap();
    assert_eq!(told.0.lock().unwrap().iter().map(|(_, soft)| *soft).collect::<Vec<_>>(), [Some(1.5)]);

    // Null takes it away; the row stays.
    let (_, after) = soft(&gateway, MASTER, &key, "null").await;
    assert_eq!(text(&after, "budget_id"), own);
    assert!(at(&budget(&gateway, &own).await, "soft_budget").is_null());

    // A key without a budget gets one, and only then.
    let (key, shown) = made(&gateway, MASTER, "{}").await;
    assert!(at(&shown, "budget_id").is_null() && at(&shown, "soft_budget").is_null());
    let (_, after) = soft(&gateway, MASTER, &key, "null").await;
    assert!(at(&after, "budget_id").is_null(), "{after}");
    let (_, after) = soft(&gateway, MASTER, &key, "\"1\"").await;
    let own = text(&after, "budget_id").to_owned();
    gateway.spend(&key).await.unwrap();
    assert_eq!(told.0.lock().unwrap().len(), 2);
    let (status, rotated) = gateway.post(MASTER, &format!("/key/{key}/regenerate"), r#"{"soft_budget":7}"#).await;
    assert_eq!((status, text(&rotated, "budget_id")), (200, own.as_str()), "{rotated}");
    assert_eq!(at(&budget(&gateway, &own).await, "soft_budget").as_f64(), Some(7.0));
    // Whoever wants to hears of keys too, but never the keys themselves.
    let notes = told.1.lock().unwrap();
    assert_eq!(notes.iter().filter(|note| note.kind == AlertType::NewVirtualKeyCreated).count(), 2, "{notes:?}");
    assert!(notes.iter().any(|note| note.facts.contains(&("action", "rotated".to_owned()))), "{notes:?}");
    assert!(!format!("{notes:?}").contains(&key), "{notes:?}");
}

#[tokio::test]
async fn a_soft_budget_is_not_for_everybody_to_change() {
    let gateway = gateway().await;
    let (status, made_budget) =
        gateway.post(MASTER, "/budget/new", r#"{"budget_id":"b","max_budget":5,"soft_budget":1}"#).await;
    assert_eq!(status, 200, "{made_budget}");
    for (path, body) in [
        ("/key/generate", r#"{"budget_id":"b","soft_budget":2}"#.to_owned()),
        ("/key/generate", r#"{"soft_budget":-1}"#.to_owned()),
        ("/key/generate", r#"{"soft_budget":"much"}"#.to_owned()),
        ("/key/generate", r#"{"soft_budget":"nan"}"#.to_owned()),
        ("/key/update", format!(r#"{{"key":"{USER}","budget_id":"b","soft_budget":2}}"#)),
        ("/key/update", format!(r#"{{"key":"{USER}","soft_budget":"inf"}}"#)),
    ] {
        let (status, answer) = gateway.post(MASTER, path, &body).await;
        assert!(matches!(status, 400 | 422), "{path} {body}: {status} {answer}");
    }
    // Two keys on one budget: its administrators may change it for both, owners may not.
    let body = r#"{"user_id":"internal_user","budget_id":"b"}"#;
    let (one, _) = made(&gateway, MASTER, body).await;
    let (two, _) = made(&gateway, MASTER, body).await;
    assert_eq!(soft(&gateway, USER, &one, "0.5").await.0, 403);
    assert_eq!(soft(&gateway, MASTER, &two, "0.5").await.0, 200);
    assert_eq!(at(&budget(&gateway, "b").await, "soft_budget").as_f64(), Some(0.5));
    // What an administrator wants to hear of is lowered by the owner, not raised.
    let (own, _) = made(&gateway, MASTER, r#"{"user_id":"internal_user","soft_budget":3}"#).await;
    for (amount, status) in [("2", 200), ("2.5", 403), ("null", 403), ("1", 200)] {
        let (got, answer) = soft(&gateway, USER, &own, amount).await;
        assert_eq!(got, status, "{amount}: {answer}");
    }
    let (mine, _) = made(&gateway, USER, r#"{"soft_budget":3}"#).await;
    assert_eq!(soft(&gateway, USER, &mine, "9").await.0, 200, "their own they raise");
}

#[tokio::test]
async fn a_budget_is_larger_for_a_while() {
    let gateway = gateway().await;
    let (key, _) = made(&gateway, MASTER, r#"{"max_budget":1}"#).await;
    gateway.spend(&key).await.unwrap();
    assert_eq!(gateway.spend(&key).await.unwrap_err().status(), 422);
    let more = |until: &str| format!(r#"{{"key":"{key}","temp_budget_increase":1,"temp_budget_expiry":"{until}"}}"#);
    for (until, lets_in) in [("2020-01-01", false), ("2999-01-01T00:00:00Z", true), ("2999-01-01", false)] {
        let (status, after) = gateway.post(MASTER, "/key/update", &more(until)).await;
        assert_eq!((status, at(&after, "max_budget").as_f64()), (200, Some(1.0)), "{after}");
        assert_eq!(gateway.spend(&key).await.is_ok(), lets_in, "{until}: one more dollar, once");
    }
    let (status, refused) = gateway.post(USER, "/key/update", &more("2999-01-01")).await;
    assert!(status == 403 || status == 404, "{status} {refused}");

    // The same for a member of a team.
    let team = r#"{"team_id":"t","members_with_roles":[{"user_id":"internal_user","role":"user"}]}"#;
    let (status, answer) = gateway.post(MASTER, "/team/new", team).await;
    assert_eq!(status, 200, "{answer}");
    let (key, _) = made(&gateway, MASTER, r#"{"user_id":"internal_user","team_id":"t"}"#).await;
    let member = |more: &str| format!(r#"{{"team_id":"t","user_id":"internal_user"{more}}}"#);
    let (status, answer) = gateway.post(MASTER, "/team/member_update", &member(r#","max_budget_in_team":1"#)).await;
    assert_eq!(status, 200, "{answer}");
    gateway.spend(&key).await.unwrap();
    assert_eq!(gateway.spend(&key).await.unwrap_err().status(), 422);
    let larger = member(r#","temp_budget_increase":1,"temp_budget_expiry":"2999-01-01T00:00:00Z""#);
    let (status, answer) = gateway.post(MASTER, "/team/member_update", &larger).await;
    assert_eq!(status, 200, "{answer}");
    gateway.spend(&key).await.unwrap();
    assert_eq!(gateway.spend(&key).await.unwrap_err().status(), 422);
}

#[tokio::test]
async fn a_guaranteed_throughput_is_there_to_be_had() {
    let gateway = gateway().await;
    let team = r#"{"team_id":"t","rpm_limit":10,"metadata":{"model_tpm_limit":{"gpt-4o":100}}}"#;
    let (status, answer) = gateway.post(MASTER, "/team/new", team).await;
    assert_eq!(status, 200, "{answer}");
    let (first, _) = made(&gateway, MASTER, r#"{"team_id":"t","rpm_limit":6}"#).await;
    let guaranteed =
        |more: &str| format!(r#"{{"team_id":"t","rpm_limit_type":"guaranteed_throughput","rpm_limit":{more}}}"#);
    let (status, refused) = gateway.post(MASTER, "/key/generate", &guaranteed("5")).await;
    let wanted = "Allocated RPM limit=6 + Key RPM limit=5 is greater than team RPM limit=10";
    assert_eq!((status, text(&refused, "error.message").contains(wanted)), (400, true), "{refused}");
    let (key, shown) = made(&gateway, MASTER, &guaranteed("4")).await;
    assert_eq!(text(&shown, "rpm_limit_type"), "guaranteed_throughput");
    let models = |n: u32| guaranteed(&format!(r#"0,"model_tpm_limit":{{"gpt-4o":{n}}}"#));
    made(&gateway, MASTER, &models(60)).await;
    assert_eq!(gateway.post(MASTER, "/key/generate", &models(41)).await.0, 400);
    made(&gateway, MASTER, &models(40)).await;
    // Its own share does not count twice; what does not touch limits is never held against it.
    for (change, wanted) in [(r#""rpm_limit":5"#, 400), (r#""rpm_limit":4"#, 200), (r#""blocked":false"#, 200)] {
        let (status, answer) = gateway.post(MASTER, "/key/update", &format!(r#"{{"key":"{key}",{change}}}"#)).await;
        assert_eq!(status, wanted, "{change}: {answer}");
    }
    // Without a guarantee there may be too much of it.
    let more = format!(r#"{{"key":"{first}","rpm_limit":600}}"#);
    assert_eq!(gateway.post(MASTER, "/key/update", &more).await.0, 200);
}

#[tokio::test]
async fn teams_share_what_their_organization_has() {
    let gateway = gateway().await;
    let firm = r#"{"organization_id":"o","organization_alias":"o","rpm_limit":10}"#;
    assert_eq!(gateway.post(MASTER, "/organization/new", firm).await.0, 200);
    let team = async |id: &str, more: &str| {
        let body = format!(r#"{{"team_id":"{id}","organization_id":"o","rpm_limit":{more}}}"#);
        gateway.post(MASTER, "/team/new", &body).await
    };
    assert_eq!(team("a", "6").await.0, 200);
    let (status, refused) = team("b", r#"5,"rpm_limit_type":"guaranteed_throughput""#).await;
    let wanted = "Allocated RPM limit=6 + Team RPM limit=5 is greater than organization RPM limit=10";
    assert_eq!((status, text(&refused, "error.message").contains(wanted)), (400, true), "{refused}");
    assert_eq!(team("b", r#"4,"rpm_limit_type":"guaranteed_throughput""#).await.0, 200);
    for (change, wanted) in [(r#""rpm_limit":5"#, 400), (r#""rpm_limit":4"#, 200), (r#""team_alias":"B""#, 200)] {
        let (status, answer) = gateway.post(MASTER, "/team/update", &format!(r#"{{"team_id":"b",{change}}}"#)).await;
        assert_eq!(status, wanted, "{change}: {answer}");
    }
    assert_eq!(team("c", "9").await.0, 200, "without a guarantee there may be too much of it");
}

#[tokio::test]
async fn limits_in_metadata_have_types() {
    let gateway = gateway().await;
    for body in [
        r#"{"rpm_limit_type":"some"}"#,
        r#"{"tpm_limit_type":7}"#,
        r#"{"tag_rpm_limit":{"a":"x"}}"#,
        r#"{"mcp_rpm_limit":{"a":-1}}"#,
        r#"{"model_rpm_limit":[]}"#,
        r#"{"default_estimated_output_tokens":0}"#,
        r#"{"default_estimated_output_tokens_per_model":{"m":1.5}}"#,
    ] {
        let (status, answer) = gateway.post(MASTER, "/key/generate", body).await;
        assert_eq!(status, 422, "{body}: {answer}");
    }
    let fine = r#"{"tag_rpm_limit":{"a":1},"mcp_rpm_limit":{"s":2},"rpm_limit_type":"dynamic",
        "default_estimated_output_tokens":7,"model_rpm_limit":null}"#;
    let (_, shown) = made(&gateway, MASTER, fine).await;
    assert_eq!(at(&shown, "tag_rpm_limit.a").as_i64(), Some(1), "{shown}");
    // Those who are limited make no keys that are not, and nobody says by himself how little is set aside.
    let (limited, _) =
        made(&gateway, MASTER, r#"{"user_id":"internal_user","rpm_limit":5,"allowed_routes":["/key/generate"]}"#).await;
    let narrow = r#""allowed_routes":["/key/generate"]"#;
    for more in [r#""rpm_limit_type":"dynamic""#, r#""metadata":{"tpm_limit_type":"dynamic"}"#] {
        let (status, answer) = gateway.post(&limited, "/key/generate", &format!("{{{narrow},{more}}}")).await;
        assert_eq!(status, 403, "{more}: {answer}");
    }
    assert_eq!(gateway.post(USER, "/key/generate", r#"{"default_estimated_output_tokens":1}"#).await.0, 403);
}

#[tokio::test]
async fn ceilings_and_defaults_follow_the_configuration() {
    let gateway = gateway().await;
    let json = |text: &str| serde_json::from_str::<Json>(text).ok();
    made(&gateway, MASTER, r#"{"max_budget":50}"#).await;
    let settings = (*gateway.accounts.settings()).clone();
    gateway.accounts.set_settings(llm_accounts::AccountsSettings {
        upperbound_key_generate_params: json(r#"{"max_budget":10}"#),
        default_key_generate_params: json(r#"{"tpm_limit":7}"#),
        default_soft_budget: Some(4.0),
        ..settings.clone()
    });
    assert_eq!(gateway.post(MASTER, "/key/generate", r#"{"max_budget":50}"#).await.0, 400);
    let (_, shown) = made(&gateway, MASTER, "{}").await;
    let figures = ["max_budget", "tpm_limit", "soft_budget"].map(|name| at(&shown, name).as_f64());
    assert_eq!(figures, [Some(10.0), Some(7.0), Some(4.0)], "{shown}");
    gateway.accounts.set_settings(settings);
    made(&gateway, MASTER, r#"{"max_budget":50}"#).await;
}
