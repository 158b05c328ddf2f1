//! What callers keep here: texts under keys, runs of workflows.

use futures_util::future::join_all;
use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Gateway, MASTER_KEY};
use serde_json::{Value, json};

use super::{config, key, on_both_engines, send};

/// Keys of two people of a team, of one who manages it, of a stranger, of the team alone, and of somebody who only looks.
struct Keys {
    ann: String,
    bob: String,
    chief: String,
    stranger: String,
    team: String,
    viewer: String,
}

async fn keys(gateway: &Gateway) -> Keys {
    for (user, role) in [
        ("ann", "internal_user"),
        ("bob", "internal_user"),
        ("chief", "internal_user"),
        ("eve", "internal_user"),
        ("viewer", "proxy_admin_viewer"),
    ] {
        let made = gateway.ask("/user/new", &json!({"user_id": user, "user_role": role})).await.unwrap();
        assert_eq!(made.status, 200, "{}", made.text());
    }
    let members = json!([{"user_id": "ann", "role": "user"}, {"user_id": "bob", "role": "user"}, {"user_id": "chief", "role": "admin"}]);
    let team = gateway.ask("/team/new", &json!({"team_id": "red", "members_with_roles": members})).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let of = async |user: &str| key(gateway, json!({"user_id": user, "team_id": "red"})).await;
    Keys {
        ann: of("ann").await,
        bob: of("bob").await,
        chief: of("chief").await,
        stranger: key(gateway, json!({"user_id": "eve"})).await,
        team: key(gateway, json!({"team_id": "red"})).await,
        viewer: key(gateway, json!({"user_id": "viewer"})).await,
    }
}

async fn texts_under_keys(gateway: &Gateway, keys: &Keys) {
    let Keys { ann, bob, chief, stranger, team, viewer } = keys;
    let entry = |key: &str, value: &str| json!({"key": key, "value": value, "metadata": {"tags": ["a"]}});
    let (status, made) = send(gateway, ann, Method::POST, "/v1/memory", &entry("notes/ann", "mine")).await;
    assert_eq!((status, &made["user_id"], &made["team_id"]), (200, &json!("ann"), &json!("red")), "{made}");
    assert_eq!((&made["metadata"], &made["created_by"]), (&json!({"tags": ["a"]}), &json!("ann")));
    let (status, shared) = send(gateway, team, Method::POST, "/v1/memory", &entry("notes/red", "ours")).await;
    assert_eq!((status, &shared["user_id"]), (200, &Value::Null), "{shared}");
    let others = json!({"key": "notes/eve", "value": "hers", "user_id": "eve"});
    let (status, others) = send(gateway, MASTER_KEY, Method::POST, "/v1/memory", &others).await;
    assert_eq!((status, &others["user_id"]), (200, &json!("eve")), "{others}");

    for (who, body, status) in [
        (bob, entry("notes/ann", "again"), 409),
        (stranger, entry("notes/ann", "again"), 409),
        (bob, json!({"key": "x", "value": "y", "user_id": "ann"}), 403),
        (stranger, json!({"key": "x", "value": "y", "team_id": "red"}), 403),
        (bob, json!({"key": "x"}), 422),
        (bob, json!({"key": "x", "value": 7}), 422),
    ] {
        assert_eq!(send(gateway, who, Method::POST, "/v1/memory", &body).await.0, status, "{body}");
    }
    let nobody = key(gateway, json!({"key_alias": "nobody"})).await;
    assert_eq!(send(gateway, &nobody, Method::POST, "/v1/memory", &entry("x", "y")).await.0, 400);

    // Who sees what.
    let seen = async |who: &str, query: &str| {
        let (status, list) = send(gateway, who, Method::GET, &format!("/v1/memory{query}"), &json!({})).await;
        assert_eq!(status, 200, "{query}: {list}");
        let mut keys: Vec<_> =
            list["memories"].as_array().unwrap().iter().map(|m| m["key"].as_str().unwrap().to_owned()).collect();
        keys.sort();
        (keys.join(" "), list["total"].as_u64().unwrap())
    };
    assert_eq!(seen(bob, "").await, ("notes/ann notes/red".to_owned(), 2));
    assert_eq!(seen(stranger, "").await, ("notes/eve".to_owned(), 1));
    assert_eq!(seen(&nobody, "").await, (String::new(), 0));
    assert_eq!(seen(viewer, "").await.1, 3);
    assert_eq!(seen(MASTER_KEY, "?page_size=1").await.1, 3);
    assert_eq!(seen(stranger, "?key=notes/ann").await.1, 0);
    assert_eq!(seen(stranger, "?search=notes").await.0, "notes/eve");
    assert_eq!(seen(bob, "?key_prefix=notes/a&key=notes/red").await.0, "notes/ann");
    let id = made["memory_id"].as_str().unwrap();
    assert_eq!(seen(bob, &format!("?search={id}&key_prefix=none")).await.0, "notes/ann");
    assert_eq!(seen(stranger, &format!("?search={id}")).await.1, 0);
    for query in ["?page_size=501", "?page=0", "?page_size=many"] {
        assert_eq!(send(gateway, bob, Method::GET, &format!("/v1/memory{query}"), &json!({})).await.0, 422);
    }

    // To see is not to change.
    for (who, path, status) in [
        (ann.as_str(), "notes/ann", 200),
        (bob, "notes/ann", 403),
        (chief, "notes/ann", 403),
        (viewer, "notes/ann", 403),
        (stranger, "notes/ann", 409),
        (bob, "notes/red", 403),
        (team, "notes/red", 403),
        (chief, "notes/red", 200),
        (MASTER_KEY, "notes/red", 200),
        (bob, "notes/bob", 200),
    ] {
        let path = format!("/v1/memory/{path}");
        let (told, answer) = send(gateway, who, Method::PUT, &path, &json!({"value": "new"})).await;
        assert_eq!(told, status, "{path}: {answer}");
    }
    let kept = send(gateway, ann, Method::GET, "/v1/memory/notes/ann", &json!({})).await.1;
    assert_eq!((&kept["value"], &kept["metadata"]), (&json!("new"), &json!({"tags": ["a"]})), "{kept}");
    let path = "/v1/memory/notes/ann";
    for (body, status) in [(json!({}), 400), (json!({"value": null}), 400), (json!({"metadata": null}), 200)] {
        assert_eq!(send(gateway, ann, Method::PUT, path, &body).await.0, status, "{body}");
    }
    let kept = send(gateway, ann, Method::GET, path, &json!({})).await.1;
    assert_eq!((&kept["value"], &kept["metadata"]), (&json!("new"), &Value::Null), "{kept}");
    assert_eq!(send(gateway, ann, Method::PUT, "/v1/memory/fresh", &json!({"metadata": 1})).await.0, 400);
    for (who, status) in [(stranger, 404), (bob, 403), (ann, 200), (ann, 404)] {
        assert_eq!(send(gateway, who, Method::DELETE, path, &json!({})).await.0, status);
    }
    assert_eq!(send(gateway, ann, Method::GET, path, &json!({})).await.0, 404);
}

async fn runs_of_workflows(gateway: &Gateway, keys: &Keys) {
    let Keys { ann, bob, viewer, .. } = keys;
    let runs = "/v1/workflows/runs";
    let body = json!({"workflow_type": "review", "input": {"pr": 7}, "metadata": {"by": "ann"}});
    let (status, run) = send(gateway, ann, Method::POST, runs, &body).await;
    assert_eq!((status, &run["status"], &run["input"]), (200, &json!("pending"), &json!({"pr": 7})), "{run}");
    assert!(run["session_id"].as_str().is_some_and(|id| !id.is_empty()) && run["output"].is_null());
    let path = format!("{runs}/{}", run["run_id"].as_str().unwrap());
    for (body, status) in [(json!({}), 422), (json!({"workflow_type": "x", "input": [1]}), 422)] {
        assert_eq!(send(gateway, ann, Method::POST, runs, &body).await.0, status, "{body}");
    }
    assert_eq!(send(gateway, MASTER_KEY, Method::POST, runs, &json!({"workflow_type": "sweep"})).await.0, 200);

    // A run is its key's; a viewer only reads.
    for (who, reads, writes) in [(bob.as_str(), 404, 404), (viewer, 200, 404), (ann, 200, 200), (MASTER_KEY, 200, 200)]
    {
        for (method, path, body, wanted) in [
            (Method::GET, path.clone(), json!({}), reads),
            (Method::GET, format!("{path}/events"), json!({}), reads),
            (Method::GET, format!("{path}/messages"), json!({}), reads),
            (Method::PATCH, path.clone(), json!({"metadata": {"by": "x"}}), writes),
            (Method::POST, format!("{path}/messages"), json!({"role": "user", "content": "hi"}), writes),
        ] {
            let (status, answer) = send(gateway, who, method.clone(), &path, &body).await;
            assert_eq!(status, wanted, "{method} {path}: {answer}");
        }
    }
    let counted = async |who: &str, query: &str| {
        let (status, list) = send(gateway, who, Method::GET, &format!("{runs}{query}"), &json!({})).await;
        assert_eq!(status, 200, "{query}: {list}");
        assert_eq!(list["count"].as_u64().unwrap() as usize, list["runs"].as_array().unwrap().len());
        list["count"].as_u64().unwrap()
    };
    assert_eq!((counted(ann, "").await, counted(bob, "").await, counted(viewer, "").await), (1, 0, 2));
    assert_eq!(counted(MASTER_KEY, "?workflow_type=sweep").await, 1);
    assert_eq!(counted(MASTER_KEY, "?limit=1").await, 1);
    assert_eq!(send(gateway, ann, Method::GET, &format!("{runs}?limit=251"), &json!({})).await.0, 422);

    // What happens makes of a run what it is.
    for (event, status) in [
        ("step.started", "running"),
        ("note", "running"),
        ("hook.waiting", "paused"),
        ("hook.received", "running"),
        ("step.failed", "failed"),
    ] {
        let body = json!({"event_type": event, "step_name": "lint", "data": {"n": 1}});
        let (told, added) = send(gateway, ann, Method::POST, &format!("{path}/events"), &body).await;
        assert_eq!((told, &added["data"]), (200, &json!({"n": 1})), "{added}");
        let run = send(gateway, ann, Method::GET, &path, &json!({})).await.1;
        assert_eq!((&run["status"], &run["events"][0]["event_type"]), (&json!(status), &json!(event)), "{run}");
        assert_eq!(run["events"].as_array().unwrap().len(), 1);
    }
    assert_eq!(counted(ann, "?status=failed,completed").await, 1);
    assert_eq!(counted(ann, "?status=running").await, 0);

    // Many at once: each has its place.
    let events = format!("{path}/events");
    let body = json!({"event_type": "note", "step_name": "many"});
    let all = join_all((0..20).map(|_| send(gateway, ann, Method::POST, &events, &body))).await;
    assert!(all.iter().all(|(status, _)| *status == 200), "{all:?}");
    let (_, list) = send(gateway, ann, Method::GET, &events, &json!({})).await;
    let places: Vec<_> =
        list["events"].as_array().unwrap().iter().map(|e| e["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(places, (0..25).collect::<Vec<_>>());
    let (_, list) = send(gateway, ann, Method::GET, &format!("{events}?limit=2"), &json!({})).await;
    assert_eq!((&list["count"], &list["events"][1]["sequence_number"]), (&json!(2), &json!(1)));
    let (_, list) = send(gateway, ann, Method::GET, &format!("{path}/messages"), &json!({})).await;
    assert_eq!((&list["count"], &list["messages"][0]["content"]), (&json!(2), &json!("hi")));

    for (body, status) in [
        (json!({}), 400),
        (json!({"status": "lost"}), 422),
        (json!({"status": "completed", "output": {"ok": true}}), 200),
    ] {
        assert_eq!(send(gateway, ann, Method::PATCH, &path, &body).await.0, status, "{body}");
    }
    let run = send(gateway, ann, Method::GET, &path, &json!({})).await.1;
    assert_eq!(
        (&run["status"], &run["output"], &run["metadata"]["by"]),
        (&json!("completed"), &json!({"ok": true}), &json!("x"))
    );
}

#[tokio::test]
async fn what_callers_keep_is_theirs() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (gateways, _server) = on_both_engines(&config(&sim, "")).await;
    for gateway in &gateways {
        let keys = keys(gateway).await;
        texts_under_keys(gateway, &keys).await;
        runs_of_workflows(gateway, &keys).await;
    }
}
