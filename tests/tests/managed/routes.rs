//! Who may ask what operators want to know, whichever crate answers it.

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Gateway, MASTER_KEY};
use serde_json::json;

use super::{config, key};

/// Questions for administrators: a viewer may ask them, others may not.
const ASKED: [&str; 12] = [
    "/cache/settings",
    "/callbacks/configs",
    "/config/pass_through_endpoint",
    "/health/license",
    "/health/readiness/details",
    "/health/shared-status",
    "/provider/budgets",
    "/router/budgets",
    "/router/decisions",
    "/get/config/callbacks",
    "/health/latest",
    "/router/settings",
];

#[tokio::test]
async fn questions_of_operators_are_for_administrators_and_viewers() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim, "")).await.unwrap();
    for role in ["internal_user", "proxy_admin_viewer"] {
        let made = gateway.ask("/user/new", &json!({"user_id": role, "user_role": role})).await.unwrap();
        assert_eq!(made.status, 200);
    }
    let user = key(&gateway, json!({"user_id": "internal_user"})).await;
    let viewer = key(&gateway, json!({"user_id": "proxy_admin_viewer"})).await;
    for path in ASKED {
        for (key, fine) in [(user.as_str(), false), (viewer.as_str(), true), (MASTER_KEY, true)] {
            let status = gateway.get(path, key).await.unwrap().status;
            assert_eq!(status == 200, fine, "{path}: {status}");
            assert!(fine || status == 401 || status == 403, "{path}: {status}");
        }
    }
    for path in ["/config/reload", "/cache/flushall", "/guardrails", "/router/explain"] {
        let reply = gateway.post(path, &json!({}), &user).await.unwrap();
        assert!(matches!(reply.status, 401 | 403), "{path}: {} {}", reply.status, reply.text());
    }
}
