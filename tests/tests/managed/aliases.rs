//! Names that teams have for models.

use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Gateway, MASTER_KEY};
use serde_json::json;

use super::{config, key, send};

#[tokio::test]
async fn a_teams_names_for_models_take_effect() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim, "")).await.unwrap();
    let made = json!({"team_id": "red", "model_aliases": {"fast": "gpt"}});
    let (status, team) = send(&gateway, MASTER_KEY, Method::POST, "/team/new", &made).await;
    assert_eq!((status, &team["litellm_model_table"]["model_aliases"]), (200, &json!({"fast": "gpt"})), "{team}");
    let row = team["litellm_model_table"]["id"].clone();
    let of_team = key(&gateway, json!({"team_id": "red"})).await;
    let alone = key(&gateway, json!({})).await;
    let asks = async |key: &str, model: &str| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        gateway.post("/v1/chat/completions", &body, key).await.unwrap().status
    };
    assert_eq!((asks(&of_team, "fast").await, asks(&alone, "fast").await), (200, 400));

    let other = json!({"team_id": "red", "model_aliases": {"quick": "gpt", "lost": "nobody"}});
    let (status, team) = send(&gateway, MASTER_KEY, Method::POST, "/team/update", &other).await;
    assert_eq!(status, 200, "{team}");
    assert_eq!(
        (asks(&of_team, "quick").await, asks(&of_team, "fast").await, asks(&of_team, "lost").await),
        (200, 400, 400)
    );
    let (_, info) = send(&gateway, MASTER_KEY, Method::GET, "/team/info?team_id=red", &json!(null)).await;
    assert_eq!(info["team_info"]["litellm_model_table"]["model_aliases"], other["model_aliases"], "{info}");
    assert_eq!(info["team_info"]["model_id"], row, "the row stays the same");

    let wrong = json!({"team_id": "red", "model_aliases": {"fast": 7}});
    assert_eq!(send(&gateway, MASTER_KEY, Method::POST, "/team/update", &wrong).await.0, 422);
    assert_eq!(
        send(&gateway, MASTER_KEY, Method::POST, "/team/update", &json!({"team_id": "red", "model_aliases": null}))
            .await
            .0,
        200
    );
    assert_eq!(asks(&of_team, "quick").await, 400);
}
