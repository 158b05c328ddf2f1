//! PostgreSQL under gateways: one that LiteLLM made, one that two gateways share, one that goes away.
//! Skipped, loudly, where PostgreSQL is not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failure is a failed test"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_store::testing::PostgresServer;
use llm_tests::{Config, Gateway, MASTER_KEY, Options, eventually, psql};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn say(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

fn config(sim: &Running, more: &[&str]) -> String {
    let config = Config::empty(sim).model("gpt", "openai/gpt-4o", &[]).general("proxy_batch_write_at: 1");
    let config = config.general("proxy_config_reload_interval_seconds: 0.2").general("user_api_key_cache_ttl: 1");
    more.iter().fold(config, |config, line| config.general(line)).yaml()
}

fn at(url: &str) -> Options {
    Options { env: vec![("DATABASE_URL".to_owned(), url.to_owned())], ..Options::default() }
}

async fn new_key(gateway: &Gateway, fields: Value) -> String {
    gateway.new_key(&fields).await.unwrap().0
}

#[tokio::test]
async fn two_gateways_share_a_database_and_lose_it() {
    let Some(server) = PostgresServer::start().unwrap() else { return };
    let url = server.create().await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let one = Gateway::start_with(&config(&sim, &[]), &at(&url)).await.unwrap();
    let two = Gateway::start_with(&config(&sim, &["allow_requests_on_db_unavailable: true"]), &at(&url)).await.unwrap();

    // What one was told, both do.
    let params = json!({"model": "openai/gpt-4o-mini", "api_base": format!("{}/v1", sim.base_url()), "api_key": llm_tests::UPSTREAM_KEY});
    let model = json!({"model_name": "new", "litellm_params": params, "model_info": {"id": "new-1"}});
    let made = one.ask("/model/new", &model).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    eventually("the model at the other gateway", async || {
        (two.ask(CHAT, &say("new")).await.unwrap().status == 200).then_some(())
    })
    .await;
    let key = new_key(&one, json!({"models": ["new"]})).await;
    assert_eq!(two.post(CHAT, &say("new"), &key).await.unwrap().status, 200);
    assert_eq!(two.post(CHAT, &say("gpt"), &key).await.unwrap().status, 403);
    let wider = json!({"key": key, "models": ["new", "gpt"]});
    assert_eq!(one.ask("/key/update", &wider).await.unwrap().status, 200);
    eventually("the key's models", async || {
        (two.post(CHAT, &say("gpt"), &key).await.unwrap().status == 200).then_some(())
    })
    .await;
    let gone = new_key(&one, json!({})).await;
    assert_eq!(two.post(CHAT, &say("gpt"), &gone).await.unwrap().status, 200);
    assert_eq!(one.ask("/key/block", &json!({"key": gone})).await.unwrap().status, 200);
    eventually("the block", async || (two.post(CHAT, &say("gpt"), &gone).await.unwrap().status == 401).then_some(()))
        .await;
    assert_eq!(one.ask("/fallback", &json!({"model": "gpt", "fallback_models": ["new"]})).await.unwrap().status, 200);
    eventually("the setting", async || {
        let told = two.get("/router/settings", MASTER_KEY).await.unwrap().json();
        (told["current_values"]["fallbacks"] == json!([{"gpt": ["new"]}])).then_some(())
    })
    .await;
    assert_eq!(two.ask("/model/delete", &json!({"id": "new-1"})).await.unwrap().status, 200);
    eventually("the model's end", async || (one.ask(CHAT, &say("new")).await.unwrap().status == 400).then_some(()))
        .await;

    // The database goes away: known callers are served, nobody is called a stranger for it.
    let known = new_key(&one, json!({})).await;
    assert_eq!(one.post(CHAT, &say("gpt"), &known).await.unwrap().status, 200);
    let never_seen = new_key(&two, json!({})).await;
    let unseen = new_key(&one, json!({})).await;
    drop(server);
    tokio::time::sleep(Duration::from_millis(1500)).await; // what is known of the key is old by now
    assert_eq!(one.post(CHAT, &say("gpt"), &known).await.unwrap().status, 200, "from what was read last");
    let refused = one.post(CHAT, &say("gpt"), &never_seen).await.unwrap();
    assert_eq!(
        (refused.status, &refused.json()["error"]["type"]),
        (503, &json!("no_db_connection")),
        "{}",
        refused.text()
    );
    let allowed = two.post(CHAT, &say("gpt"), &unseen).await.unwrap();
    assert_eq!(allowed.status, 200, "as declared: {}", allowed.text());
    let management = one.ask("/key/generate", &json!({})).await.unwrap();
    assert_eq!(management.status, 503, "{}", management.text());
    assert_eq!(one.get("/health/readiness", "").await.unwrap().status, 503);
}

#[tokio::test]
async fn what_one_gateway_changes_holds_at_the_other_long_before_it_reads_anew() {
    let Some(server) = PostgresServer::start().unwrap() else { return };
    let url = server.create().await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let slow = Config::standard(&sim).general("user_api_key_cache_ttl: 3600").yaml();
    let one = Gateway::start_with(&slow, &at(&url)).await.unwrap();
    let two = Gateway::start_with(&slow, &at(&url)).await.unwrap();
    let told = async |path: &str, body: Value| {
        let reply = one.ask(path, &body).await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    };
    let team = told("/team/new", json!({"team_id": "t", "models": ["gpt"]})).await["team_id"].clone();
    told("/budget/new", json!({"budget_id": "b", "rpm_limit": 100})).await;
    let blocked = new_key(&one, json!({})).await;
    let renewed = new_key(&one, json!({})).await;
    let narrowed = new_key(&one, json!({})).await;
    let of_team = new_key(&one, json!({"team_id": team})).await;
    let limited = new_key(&one, json!({"budget_id": "b"})).await;
    let status = async |key: &String| two.post(CHAT, &say("gpt"), key).await.unwrap().status;
    for key in [&blocked, &renewed, &narrowed, &of_team, &limited] {
        assert_eq!(status(key).await, 200);
    }
    told("/key/block", json!({"key": blocked})).await;
    told("/key/regenerate", json!({"key": renewed})).await;
    told("/key/update", json!({"key": narrowed, "models": ["other"]})).await;
    told("/team/block", json!({"team_id": "t"})).await;
    told("/budget/update", json!({"budget_id": "b", "rpm_limit": 0})).await;
    for (key, refused) in [(blocked, 401), (renewed, 401), (narrowed, 403), (of_team, 401), (limited, 429)] {
        eventually("the change at the other gateway", async || (status(&key).await == refused).then_some(())).await;
    }
}

/// LiteLLM's own migrations, which its package on PyPI has. They are not part of this repository.
const PACKAGE: &str = "litellm-proxy-extras==0.4.110";

/// The files with LiteLLM's migrations, in order; nothing without pip or the network.
fn migrations(folder: &Path) -> Option<Vec<PathBuf>> {
    let run = |args: &[&str]| Command::new("python3").args(args).current_dir(folder).output();
    let fetched =
        run(&["-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "-d", ".", PACKAGE]);
    let fine = |output: &std::io::Result<Output>| output.as_ref().is_ok_and(|output| output.status.success());
    if !fine(&fetched) {
        let why = fetched.map_or_else(|e| e.to_string(), |o| String::from_utf8_lossy(&o.stderr).into_owned());
        eprintln!("SKIPPED: {PACKAGE} could not be fetched: {why}");
        return None;
    }
    let wheel =
        std::fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).find(|p| p.extension().is_some()).unwrap();
    assert!(fine(&run(&["-m", "zipfile", "-e", wheel.to_str().unwrap(), "."])), "{}", wheel.display());
    let mut out: Vec<PathBuf> = std::fs::read_dir(folder.join("litellm_proxy_extras/migrations"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path().join("migration.sql"))
        .filter(|file| file.is_file())
        .collect();
    out.sort();
    Some(out)
}

const KEY: &str = "sk-made-by-litellm-0123456789";

/// Rows as LiteLLM writes them: a budget, an organization, a team with a member, keys by their hashes, and a call.
const ROWS: &str = r#"
INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, budget_duration, created_by, updated_at, updated_by)
    VALUES ('b', 50, '30d', 'admin', now(), 'admin');
INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models, created_by, updated_at, updated_by)
    VALUES ('o', 'org', 'b', '{}', 'admin', now(), 'admin');
INSERT INTO "LiteLLM_UserTable" (user_id, user_role, teams, models, max_budget) VALUES ('ann', 'internal_user', '{t}', '{}', 10);
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, organization_id, admins, members, members_with_roles, metadata, max_budget, spend, models)
    VALUES ('t', 'Team', 'o', '{}', '{}', '[{"user_id":"ann","role":"admin"}]', '{"tags":["x"]}', 20, 1.5, '{gpt}');
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, spend) VALUES ('ann', 't', 0.25);
INSERT INTO "LiteLLM_VerificationToken" (token, key_name, key_alias, spend, models, aliases, config, user_id, team_id, permissions, metadata, max_budget, allowed_cache_controls)
    VALUES ('KEY_HASH', 'sk-...6789', 'old', 0.5, '{}', '{}', '{}', 'ann', 't', '{}', '{}', 5, '{}'),
           ('SPENT_HASH', 'sk-...6789', 'spent', 7, '{}', '{}', '{}', 'ann', NULL, '{}', '{}', 5, '{}');
INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens, "startTime", "endTime", model, "user", metadata, request_tags, team_id)
    VALUES ('chatcmpl-old', 'acompletion', 'KEY_HASH', 0.5, 30, 20, 10, now() - interval '1 hour', now() - interval '1 hour', 'gpt-4o', 'ann', '{}', '[]', 't');
"#;

#[tokio::test]
async fn a_database_that_litellm_made_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = PostgresServer::start().unwrap() else { return };
    let Some(files) = migrations(folder.path()) else { return };
    assert!(files.len() > 50, "{} migrations", files.len());
    let url = server.create().await.unwrap();
    let all: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap() + "\n;\n").collect();
    let script = folder.path().join("all.sql");
    std::fs::write(&script, all).unwrap();
    psql(&url, &["-f", script.to_str().unwrap()]);
    let spent = "sk-spent-by-litellm-0123456789";
    let rows = ROWS.replace("KEY_HASH", &sha256(&url, KEY)).replace("SPENT_HASH", &sha256(&url, spent));
    psql(&url, &["-c", &rows]);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'";
    let before = psql(&url, &["-c", columns]);

    // Only looking changes nothing.
    let env = [("DATABASE_URL", &*url), ("HOME", folder.path().to_str().unwrap())];
    let (code, told) = Gateway::command(&["migrate", "--dry-run"], &env).await.unwrap();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("would be") || told.contains("up to date"), "{told}");
    assert_eq!(psql(&url, &["-c", columns]), before, "a dry run changes nothing");

    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start_with(&config(&sim, &[]), &at(&url)).await.unwrap();
    assert!(psql(&url, &["-c", columns]).parse::<u32>().unwrap() >= before.parse().unwrap(), "nothing is taken away");
    assert_eq!(gateway.post(CHAT, &say("gpt"), KEY).await.unwrap().status, 200);
    assert_eq!(gateway.post(CHAT, &say("other"), KEY).await.unwrap().status, 403, "the team's models hold");
    let over = gateway.post(CHAT, &say("gpt"), spent).await.unwrap();
    assert_eq!(over.json()["error"]["type"], "budget_exceeded", "{}", over.text());
    let info = gateway.get("/key/info", KEY).await.unwrap().json();
    assert_eq!((&info["info"]["key_alias"], &info["info"]["max_budget"]), (&json!("old"), &json!(5.0)), "{info}");
    let team = gateway.get("/team/info?team_id=t", MASTER_KEY).await.unwrap().json();
    assert_eq!(
        (&team["team_info"]["team_alias"], &team["team_info"]["max_budget"]),
        (&json!("Team"), &json!(20.0)),
        "{team}"
    );
    let old = gateway.get("/spend/logs?request_id=chatcmpl-old", MASTER_KEY).await.unwrap().json();
    assert_eq!((old.as_array().unwrap().len(), &old[0]["spend"]), (1, &json!(0.5)), "{old}");
    let spend = |table: &str, id: &str| {
        let sql = format!(r#"SELECT spend FROM "{table}" WHERE {id}"#);
        psql(&url, &["-c", &sql]).parse::<f64>().unwrap()
    };
    eventually("the key's spend", async || {
        (spend("LiteLLM_VerificationToken", "key_alias = 'old'") > 0.5).then_some(())
    })
    .await;
    assert!(
        spend("LiteLLM_TeamTable", "team_id = 't'") > 1.5 && spend("LiteLLM_TeamMembership", "team_id = 't'") > 0.25
    );
    let new = new_key(&gateway, json!({"team_id": "t"})).await;
    assert_eq!(gateway.post(CHAT, &say("gpt"), &new).await.unwrap().status, 200);
}

fn sha256(url: &str, text: &str) -> String {
    psql(url, &["-c", &format!("SELECT encode(sha256('{text}'), 'hex')")])
}
