//! What may be called.

use llm_accounts::{Accounts, Credential, Intent};
use llm_store::{TeamRow, UserRow, VerificationToken};
use llm_types::RawJson;
use tokio::runtime::Handle;

use crate::support::{KEY, intent, row, settings, store, with};

#[tokio::test]
async fn models_are_allowed_by_key_team_and_user() {
    let list = |models: &[&str]| models.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>();
    for (key, team, user, model, denied) in [
        (list(&[]), None, None, "gpt-4o", None),
        (list(&["gpt-4o"]), None, None, "gpt-4o", None),
        (list(&["claude"]), None, None, "gpt-4o", Some("key_model_access_denied")),
        (list(&["all-team-models"]), Some(list(&["gpt-4o"])), None, "gpt-4o", None),
        (list(&["all-team-models"]), Some(list(&["claude"])), None, "gpt-4o", Some("team_model_access_denied")),
        (list(&[]), Some(list(&["claude"])), None, "gpt-4o", Some("team_model_access_denied")),
        (list(&[]), None, Some(list(&["claude"])), "gpt-4o", Some("user_model_access_denied")),
        (list(&[]), None, Some(list(&["no-default-models"])), "gpt-4o", Some("key_model_access_denied")),
        (list(&[]), Some(list(&[])), Some(list(&["claude"])), "gpt-4o", None),
    ] {
        let store = store().await;
        if let Some(models) = &team {
            let team = TeamRow { team_id: "t".to_owned(), models: models.clone(), ..TeamRow::default() };
            store.table().insert(&team).await.unwrap();
        }
        if let Some(models) = &user {
            let user = UserRow { user_id: "u".to_owned(), models: models.clone(), ..UserRow::default() };
            store.table().insert(&user).await.unwrap();
        }
        let row = VerificationToken {
            models: key.clone(),
            team_id: team.as_ref().map(|_| "t".to_owned()),
            user_id: user.as_ref().map(|_| "u".to_owned()),
            ..row()
        };
        store.keys().insert(&row).await.unwrap();
        let accounts = Accounts::new(settings(), Some(store), Handle::current()).unwrap();
        let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
        let admitted = accounts.admit(&who, &Intent { model, group: model, ..intent() });
        let found = admitted.as_ref().err().map(|e| e.openai_type().to_owned());
        assert_eq!(found.as_deref(), denied, "{key:?} {team:?} {user:?}");
        assert_eq!(who.may_use(model), denied.is_none());
    }
}

#[tokio::test]
async fn aliases_lead_to_their_target() {
    let aliases = RawJson::parse(r#"{"fast":"gpt-4o-mini"}"#).unwrap();
    let (accounts, who) =
        with(settings(), VerificationToken { aliases, models: vec!["gpt-4o-mini".to_owned()], ..row() }).await;
    assert_eq!(who.alias("fast", |_| true), Some("gpt-4o-mini"));
    assert_eq!(who.alias("other", |_| true), None);
    assert!(accounts.admit(&who, &Intent { model: "fast", group: "gpt-4o-mini", ..intent() }).is_ok());
    let fallbacks = ["gpt-4o".to_owned()];
    let refused =
        accounts.admit(&who, &Intent { model: "fast", group: "gpt-4o-mini", fallback_models: &fallbacks, ..intent() });
    assert_eq!(refused.unwrap_err().status(), 403, "a fallback of the client counts as well");
}

#[tokio::test]
async fn paths_of_relays_are_asked_for_as_they_were_called() {
    let restricted = VerificationToken {
        allowed_routes: vec!["/anthropic/v1/messages".to_owned()],
        models: vec!["claude".to_owned()],
        metadata: RawJson::parse(r#"{"allowed_passthrough_routes":["/mine"]}"#).unwrap(),
        ..row()
    };
    let (accounts, who) = with(settings(), restricted).await;
    let nameless = Intent { model: "", group: "", route: "/anthropic/{endpoint}", ..intent() };
    assert!(
        accounts.admit_shared(&who, "/anthropic/v1/messages", &nameless).await.is_ok(),
        "no model is no other model"
    );
    assert_eq!(accounts.admit_shared(&who, "/anthropic/v1/files", &nameless).await.unwrap_err().status(), 403);
    let other = Intent { model: "gpt-4o", group: "gpt-4o", ..nameless };
    assert_eq!(accounts.admit_shared(&who, "/anthropic/v1/messages", &other).await.unwrap_err().status(), 403);
    assert!(who.may_pass("/mine/below") && !who.may_pass("/others"));
}
