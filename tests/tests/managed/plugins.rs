//! Plugins that coding agents find here: who makes them, who sees them.

use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Gateway, MASTER_KEY, Options, eventually};
use serde_json::{Value, json};

use super::{config, key, on_both_engines, send};

fn names(list: &Value) -> Vec<&str> {
    list["plugins"].as_array().unwrap().iter().map(|plugin| plugin["name"].as_str().unwrap()).collect()
}

/// The database changes without this gateway: nobody reads it for every stranger.
#[tokio::test]
async fn strangers_are_told_what_was_read_for_all_of_them() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let server = llm_store::testing::PostgresServer::start().unwrap();
    let Some(server) = &server else { return };
    let env = vec![("DATABASE_URL".to_owned(), server.create().await.unwrap())];
    let options = Options { env, ..Options::default() };
    let config = config(&sim, "");
    let here = Gateway::start_with(&config, &options).await.unwrap();
    let there = Gateway::start_with(&config, &options).await.unwrap();
    let new = |name: &str| json!({"name": name, "source": {"source": "github", "repo": "o/r"}});
    let hub = async || names_of(&here.get("/public/skill_hub", "").await.unwrap().json());
    assert!(hub().await.is_empty());
    assert_eq!(there.ask("/claude-code/plugins", &new("there")).await.unwrap().status, 200);
    assert!(hub().await.is_empty(), "it is not read again at once");
    assert_eq!(here.ask("/claude-code/plugins", &new("here")).await.unwrap().status, 200);
    assert_eq!(hub().await, ["here", "there"], "what changes here is told at once");
    assert_eq!(there.ask("/claude-code/plugins/here/disable", &json!({})).await.unwrap().status, 200);
    eventually("what changes elsewhere", async || (hub().await == ["there"]).then_some(())).await;
}

fn names_of(list: &Value) -> Vec<String> {
    names(list).into_iter().map(str::to_owned).collect()
}

async fn market(gateway: &Gateway, query: &str) -> (u16, Value) {
    let reply = gateway.get(&format!("/claude-code/marketplace.json{query}"), "").await.unwrap();
    (reply.status, reply.json())
}

async fn lives(gateway: &Gateway) {
    let plugins = "/claude-code/plugins";
    let granted = json!({"object_permission": {"skills": ["inside"]}, "key_alias": "granted"});
    let (granted, other) = (key(gateway, granted).await, key(gateway, json!({})).await);
    let open = json!({"name": "open", "source": {"source": "github", "repo": "org/open"}, "keywords": ["a"],
        "author": {"name": "Ann"}, "description": "for all"});
    let (status, made) = send(gateway, MASTER_KEY, Method::POST, plugins, &open).await;
    assert_eq!(
        (status, &made["action"], &made["plugin"]["version"]),
        (200, &json!("created"), &json!("1.0.0")),
        "{made}"
    );
    let inside = json!({"name": "inside", "source": {"source": "archive", "url": "https://files.example/x.zip"}});
    assert_eq!(send(gateway, MASTER_KEY, Method::POST, plugins, &inside).await.0, 200);
    let off = format!("{plugins}/inside/disable");
    assert_eq!(send(gateway, MASTER_KEY, Method::POST, &off, &json!({})).await.0, 200);

    for (who, body, status) in [
        (MASTER_KEY, open.clone(), 409),
        (MASTER_KEY, json!({"name": "Open", "source": {"source": "github", "repo": "o/r"}}), 400),
        (MASTER_KEY, json!({"name": "x", "source": {"source": "ftp"}}), 400),
        (MASTER_KEY, json!({"name": "x", "source": {"source": "archive", "url": "http://x/y.zip"}}), 400),
        (MASTER_KEY, json!({"name": "x"}), 422),
        (MASTER_KEY, json!({"name": "x", "source": {"source": "github", "repo": 7}}), 422),
        (MASTER_KEY, json!({"name": "x", "source": {"source": "github", "repo": "o/r"}, "keywords": "a"}), 422),
        (
            MASTER_KEY,
            json!({"name": "x", "source": {"source": "github", "repo": "o/r"}, "description": "y".repeat(70_000)}),
            400,
        ),
        (&granted, json!({"name": "x", "source": {"source": "github", "repo": "o/r"}}), 401),
    ] {
        let (told, answer) = send(gateway, who, Method::POST, plugins, &body).await;
        assert_eq!(told, status, "{answer}");
    }

    // Agents send no key; with one in the query they see what it was granted.
    let (status, public) = market(gateway, "").await;
    assert_eq!((status, names(&public)), (200, vec!["open"]), "{public}");
    let plugin = &public["plugins"][0];
    assert_eq!((&plugin["source"]["repo"], &plugin["author"]["name"]), (&json!("org/open"), &json!("Ann")), "{plugin}");
    assert_eq!(names(&market(gateway, &format!("?key={granted}")).await.1), ["open", "inside"]);
    assert_eq!(names(&market(gateway, &format!("?key={other}")).await.1), ["open"]);
    assert_eq!(market(gateway, "?key=sk-unknown-0123").await.0, 401);
    let hub = gateway.get("/public/skill_hub", "").await.unwrap().json();
    assert_eq!((names(&hub), &hub["count"]), (vec!["open"], &json!(1)));

    let empty = json!({});
    let at = |name: &str| format!("{plugins}/{name}");
    for (who, path, status) in [
        (&*granted, at("inside"), 200),
        (&*other, at("inside"), 403),
        (&*other, at("open"), 200),
        (MASTER_KEY, at("none"), 404),
    ] {
        assert_eq!(send(gateway, who, Method::GET, &path, &empty).await.0, status, "{path}");
    }
    let listed = send(gateway, MASTER_KEY, Method::GET, plugins, &empty).await.1;
    assert_eq!(names(&listed), ["inside", "open"], "the latest first");

    // All of it anew: what is left out is gone.
    let anew = json!({"source": {"source": "github", "repo": "org/other"}});
    let (status, changed) = send(gateway, MASTER_KEY, Method::PUT, &at("open"), &anew).await;
    assert_eq!((status, &changed["plugin"]["version"]), (200, &Value::Null), "{changed}");
    let shown = send(gateway, MASTER_KEY, Method::GET, &at("open"), &empty).await.1;
    assert_eq!((&shown["author"], &shown["source"]["repo"]), (&Value::Null, &json!("org/other")), "{shown}");
    assert_eq!(send(gateway, MASTER_KEY, Method::DELETE, &at("open"), &empty).await.0, 200);
    assert_eq!(send(gateway, MASTER_KEY, Method::DELETE, &at("open"), &empty).await.0, 404);
    assert!(names(&market(gateway, "").await.1).is_empty());
}

#[tokio::test]
async fn agents_find_plugins() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (gateways, _server) = on_both_engines(&config(&sim, "")).await;
    for gateway in &gateways {
        lives(gateway).await;
    }
}
