//! Keys of teams that have a place of their own in the vault.

use llm_tests::{Gateway, eventually};
use serde_json::{Value, json};

use super::{Vault, key, works};

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
