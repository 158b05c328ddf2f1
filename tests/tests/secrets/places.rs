//! Keys of teams that have a place of their own in the vault.

use std::sync::Arc;
use std::time::Duration;

use llm_tests::{Canned, Gateway, eventually};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Vault, answer, key, simulator, storing, works};

pub(super) async fn teams_have_places_of_their_own(gateway: &Gateway, vault: &Vault) {
    let at = |name: &str| vault.kept.lock().get(name).cloned();
    let ask = async |path: &str, body: Value| {
        let reply = gateway.ask(path, &body).await.unwrap();
        (reply.status, reply.json())
    };
    for wrong in [json!({"mount": "../sys"}), json!({"path_prefix": 5})] {
        assert_eq!(ask("/team/new", json!({"secret_manager_settings": wrong})).await.0, 400, "{wrong}");
    }
    let place = json!({"path_prefix": "teams/red", "data": "value"});
    let (status, team) = ask("/team/new", json!({"secret_manager_settings": place})).await;
    assert_eq!((status, &team["metadata"]["secret_manager_settings"]), (200, &place), "{team}");
    let team = team["team_id"].as_str().unwrap().to_owned();
    let first = key(gateway, &json!({"team_id": team, "key_alias": "red"})).await;
    assert_eq!(at("teams/red/gate/keys/red"), Some(json!({"value": first, "description": "ours"})));
    let (_, rotated) = ask("/key/regenerate", json!({"key": first})).await;
    assert_eq!(at("teams/red/gate/keys/red").unwrap()["value"], rotated["key"]);
    let second = rotated["key"].as_str().unwrap().to_owned();
    // Out of the team it lies where others do, and back again.
    assert_eq!(ask("/key/update", json!({"key": second, "team_id": null})).await.0, 200);
    assert_eq!((at("teams/red/gate/keys/red"), vault.held("gate/keys/red")), (None, Some(second.clone())));
    assert_eq!(ask("/key/update", json!({"key": second, "team_id": team, "key_alias": "rose"})).await.0, 200);
    assert_eq!((vault.held("gate/keys/red"), at("teams/red/gate/keys/rose").is_some()), (None, true));
    assert!(works(gateway, &second).await);
    // Another place of the team: its keys move there, and one that is said in another way loses none.
    for (metadata, lies) in [
        (json!({"path_prefix": "teams/pink"}), "teams/pink/gate/keys/rose"),
        (json!({"path_prefix": "teams/pink", "data": "value"}), "teams/pink/gate/keys/rose"),
        (Value::Null, "gate/keys/rose"),
        (place, "teams/red/gate/keys/rose"),
    ] {
        let body = json!({"team_id": team, "secret_manager_settings": metadata});
        assert_eq!(ask("/team/update", body).await.0, 200);
        let field = metadata["data"].as_str().unwrap_or("key").to_owned();
        eventually("the key moves", async || {
            let names = vault.names().into_iter().filter(|name| name.ends_with("/rose")).collect::<Vec<_>>();
            let held = at(lies).filter(|held| held[&field] == json!(second));
            (names == [lies.to_owned()] && held.is_some()).then_some(())
        })
        .await;
    }
    assert_eq!(ask("/team/delete", json!({"team_ids": [team]})).await.0, 200);
    eventually("the copy goes with the team", async || at("teams/red/gate/keys/rose").is_none().then_some(())).await;
}

/// The secret manager takes its time over a copy that moves, and the key gets another secret meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_moves_does_not_overwrite_a_newer_secret() {
    let kept = Arc::<Mutex<_>>::default();
    let (begun, seen) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (slow, store) = (Mutex::new(Some(released)), Arc::clone(&kept));
    let server = Canned::start(move |asked| {
        let first = asked.method == "POST" && asked.path.ends_with("/teams/blue/litellm/blue");
        // Nobody else waits for the lock meanwhile.
        let released = first.then(|| slow.lock().take()).flatten();
        if let Some(released) = released {
            begun.send(()).unwrap();
            let _ = released.recv_timeout(Duration::from_secs(20));
        }
        answer(&store, false, asked)
    });
    let vault = Vault { server: server.await.unwrap(), kept, shut: Arc::default() };
    let sim = simulator().await;
    let yaml = storing(&sim, "access_mode: write_only");
    let gateway = Arc::new(Gateway::start_with(&yaml, &vault.options(&[])).await.unwrap());
    let team = gateway.ask("/team/new", &json!({})).await.unwrap().json()["team_id"].clone();
    let first = key(&gateway, &json!({"team_id": team, "key_alias": "blue"})).await;
    let body = json!({"team_id": team, "secret_manager_settings": {"path_prefix": "teams/blue"}});
    assert_eq!(gateway.ask("/team/update", &body).await.unwrap().status, 200);
    tokio::task::spawn_blocking(move || seen.recv_timeout(Duration::from_secs(20))).await.unwrap().unwrap();
    let (other, old) = (Arc::clone(&gateway), json!({"key": first}));
    let mut rotated = tokio::spawn(async move { other.ask("/key/regenerate", &old).await.unwrap().json() });
    // It waits for the copy that is under way; who did not wait is done by now.
    let early = tokio::time::timeout(Duration::from_millis(500), &mut rotated).await;
    release.send(()).unwrap();
    let second = match early {
        Ok(done) => done.unwrap(),
        Err(_) => rotated.await.unwrap(),
    };
    let second = second["key"].as_str().unwrap().to_owned();
    let there = || vault.kept.lock().get("teams/blue/litellm/blue").map(|held| held["key"].clone());
    eventually("the old place is empty", async || vault.held("litellm/blue").is_none().then_some(())).await;
    assert_eq!(there(), Some(json!(second)), "{:?}", vault.names());
    assert!(works(&gateway, &second).await);
}
