//! The conformance suite on real servers of every kind, and what happens when they stop, die or never answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests and their helpers

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use llm_kv::redis::{BreakerState, Command, Endpoint, RedisClient, RedisKv, RedisSettings, RedisTls, Reply, Servers};
use llm_kv::testing::{self, RedisServer};
use llm_kv::{CounterClaim, Kv, KvError, ReserveOutcome, Window, conformance};
use llm_types::Secret;
use tokio::runtime::Handle;

/// A busy machine must not look like a slow server.
const PATIENT: Duration = Duration::from_secs(3);
const SOON: Duration = Duration::from_secs(15);

fn settings(url: &str) -> RedisSettings {
    RedisSettings { deadline: PATIENT, connect_timeout: PATIENT, ..RedisSettings::from_url(url).unwrap() }
}

async fn connected(settings: RedisSettings) -> RedisClient {
    let client = RedisClient::start(settings, &Handle::current());
    assert!(client.ready(SOON).await, "{:?}", client.health());
    client
}

fn kv(client: &RedisClient, owner: &str) -> Arc<RedisKv> {
    RedisKv::new(client.clone(), "test:", owner, &Handle::current())
}

async fn conforms(settings: RedisSettings) {
    let client = connected(settings).await;
    conformance::run(&*kv(&client, "me"), "suite:", tokio::time::sleep).await;
    assert_eq!(client.delete_prefix(b"test:").await, Ok(0), "the suite cleans up");
}

/// At the same time: the suite mostly waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_conforms() {
    let kinds = [
        tokio::spawn(one_server_conforms()),
        tokio::spawn(a_cluster_conforms()),
        tokio::spawn(a_master_behind_sentinels_conforms()),
        tokio::spawn(tls_conforms_and_strangers_are_refused()),
    ];
    for kind in kinds {
        kind.await.unwrap();
    }
}

async fn one_server_conforms() {
    let Some(server) = RedisServer::start_with(&["--requirepass", "geheim"]).unwrap() else { return };
    let settings = settings(&format!("redis://:geheim@127.0.0.1:{}/5", server.port()));
    conforms(settings).await;
}

async fn a_cluster_conforms() {
    let Some(nodes) = testing::cluster().unwrap() else { return };
    let some = vec![("127.0.0.1".to_owned(), nodes[0].port())];
    let settings = RedisSettings { servers: Servers::Cluster(some), ..settings("redis://unused") };
    conforms(settings.clone()).await;

    let client = connected(settings).await;
    let keys: Vec<String> = (0..50).map(|n| format!("p:{n}")).collect();
    let writes: Vec<Command> = keys.iter().map(|key| Command::new("SET").arg(key).arg(key)).collect();
    assert_eq!(client.pipeline(&writes).await.unwrap(), vec![Reply::Status("OK".to_owned()); 50]);
    let values = client.call(&Command::new("MGET").args(&keys)).await.unwrap().into_list().unwrap();
    assert_eq!(values.len(), 50);
    assert_eq!(values[7].as_str(), Some("p:7"), "the order is kept over many nodes");
    assert_eq!(client.delete_prefix(b"p:").await, Ok(50), "on every node");
}

async fn a_master_behind_sentinels_conforms() {
    let Some(master) = RedisServer::start().unwrap() else { return };
    let Some(sentinel) = testing::sentinel(&master).unwrap() else { return };
    let nodes = vec![("127.0.0.1".to_owned(), sentinel.port())];
    let servers = Servers::Sentinel { nodes, service: "main".to_owned(), username: None, password: None };
    conforms(RedisSettings { servers, ..settings("redis://unused") }).await;
}

async fn tls_conforms_and_strangers_are_refused() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
    let (cert_file, key_file) = (file("cert.pem", certificate.clone()), file("key.pem", key));
    let args = ["--tls-port", "{port}", "--tls-auth-clients", "no", "--tls-cert-file", &cert_file];
    let args = [&args[..], &["--tls-key-file", &key_file, "--tls-ca-cert-file", &cert_file]].concat();
    let Some(server) = RedisServer::start_with(&args).unwrap() else { return };

    let servers = Servers::Single(Endpoint::Tcp("localhost".to_owned(), server.port()));
    let with = |tls: RedisTls| RedisSettings { servers: servers.clone(), tls: Some(tls), ..settings("redis://unused") };
    let unknown = RedisClient::start(with(RedisTls::default()), &Handle::current());
    let mut error = None;
    for _ in 0..50 {
        assert!(!unknown.ready(Duration::from_millis(200)).await);
        error = unknown.health().last_error;
        if error.is_some() {
            break;
        }
    }
    assert!(error.as_ref().is_some_and(|e| e.contains("certificate")), "{error:?}");
    connected(with(RedisTls { insecure: true, ..RedisTls::default() })).await.ping().await.unwrap();
    conforms(with(RedisTls { ca: Some(certificate.into_bytes()), ..RedisTls::default() })).await;
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let Some(server) = RedisServer::start_with(&["--requirepass", "geheim"]).unwrap() else { return };
    let mut settings = settings(&server.url());
    settings.password = Some(Secret::new("falsch"));
    let client = RedisClient::start(settings, &Handle::current());
    assert!(!client.ready(Duration::from_millis(300)).await);
    let said = client.health().last_error.unwrap();
    assert!(said.contains("uthentication") && !said.contains("falsch"), "{said}");
    assert!(matches!(client.ping().await, Err(KvError::Unavailable(_))));
}

#[tokio::test]
async fn commands_scripts_and_refusals() {
    let Some(server) = RedisServer::start().unwrap() else { return };
    let client = connected(settings(&server.url())).await;
    let set = Command::new("SET").arg("k").arg(b"\x00\xff").arg("EX").int(60);
    assert_eq!(client.call(&set).await, Ok(Reply::Status("OK".to_owned())));
    let get = Command::new("GET").arg("k");
    assert_eq!(client.call(&get).await.unwrap().into_bytes(), Some(Bytes::from_static(b"\x00\xff")));
    let wrong = Command::new("LPUSH").arg("k").arg("v");
    assert!(matches!(client.call(&wrong).await, Err(KvError::Protocol(said)) if said.contains("WRONGTYPE")));
    let replies = client.pipeline(&[get.clone(), wrong, Command::new("TTL").arg("k")]).await.unwrap();
    assert!(matches!(&replies[1], Reply::Refused(said) if said.contains("WRONGTYPE")), "{replies:?}");
    assert_eq!(replies[2], Reply::Int(60), "the others were done");
    let script = llm_kv::redis::Script::new("return {KEYS[1], ARGV[1]}");
    for _ in 0..2 {
        let reply = client.script(&script, &["a"], &["b"]).await.unwrap().into_list().unwrap();
        assert_eq!((reply[0].as_str(), reply[1].as_str()), (Some("a"), Some("b")));
        server.cli(&["script", "flush"]).unwrap();
    }
    assert_eq!(client.health().state, BreakerState::Closed, "a refusal is an answer");
    for key in ["x*:1", "x*:2", "xy:3"] {
        client.call(&Command::new("SET").arg(key).arg("")).await.unwrap();
    }
    assert_eq!(client.delete_prefix(b"x*:").await, Ok(2), "a prefix is no pattern");
}

/// Calls until `done`; gives how many went wrong slowly (were tried) and how many at once.
async fn calls(client: &RedisClient, count: usize) -> (u64, u64) {
    let before = client.stats();
    for _ in 0..count {
        assert!(client.ping().await.is_err());
    }
    let after = client.stats();
    (after.timeouts + after.failures - before.timeouts - before.failures, after.refused - before.refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_costs_few_calls_and_comes_back() {
    let Some(server) = RedisServer::start().unwrap() else { return };
    let deadline = Duration::from_millis(100);
    let client = connected(RedisSettings { deadline, ..settings(&server.url()) }).await;
    server.signal("STOP").unwrap();
    let (slow, refused) = calls(&client, 500).await;
    assert!(slow <= 10 && refused >= 490, "{slow} slow calls, {refused} refused");
    assert_ne!(client.health().state, BreakerState::Closed);
    server.signal("CONT").unwrap();
    assert!(client.ready(SOON).await);
    let mut again = false;
    for _ in 0..20 {
        again |= client.ping().await.is_ok();
    }
    assert!(again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_costs_one_call_and_gauges_come_back_with_it() {
    let Some(mut server) = RedisServer::start().unwrap() else { return };
    let client = connected(settings(&server.url())).await;
    let kv = kv(&client, "me");
    assert_eq!(kv.acquire("flight", None).await, Ok(Some(1)));
    server.kill().unwrap();
    let (tried, refused) = calls(&client, 100).await;
    assert!(tried <= 1 && refused >= 99, "{tried} tried, {refused} refused");
    assert_eq!(client.stats().timeouts, 0, "a lost connection is known at once");
    server.restart().unwrap();
    assert!(client.ready(SOON).await);
    assert_eq!(kv.read("flight").await, Ok(None), "the server knows nothing");
    let told = async {
        while kv.read("flight").await.ok().flatten().map(|reading| reading.value) != Some(1) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, told).await.expect("the process says again what it holds");
    assert_eq!(kv.release("flight").await, Ok(0));
}

#[tokio::test]
async fn a_black_hole_is_not_waited_for() {
    let hole = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", hole.local_addr().unwrap());
    let connect_timeout = Duration::from_millis(50);
    let client = RedisClient::start(RedisSettings { connect_timeout, ..settings(&url) }, &Handle::current());
    assert!(!client.ready(Duration::from_millis(400)).await);
    assert_eq!(calls(&client, 100).await, (0, 100), "nobody waits for a connection");
    assert!(client.health().last_error.unwrap().contains("no connection within"));
    assert!(client.stats().connect_failures < 8, "attempts become rarer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_admits_exactly_itself_from_many_processes() {
    let Some(server) = RedisServer::start().unwrap() else { return };
    let mut tasks = Vec::new();
    for process in 0..3 {
        let client = connected(settings(&server.url())).await;
        let kv = kv(&client, &format!("process-{process}"));
        for _ in 0..10 {
            let kv = Arc::clone(&kv);
            tasks.push(tokio::spawn(async move {
                let mut admitted = 0;
                for _ in 0..20 {
                    let minute = Window::FirstUse(Duration::from_secs(60));
                    let claim = |key, limit, window| CounterClaim { key, by: 1, limit, window, alone: false, floor: 0 };
                    let claims = [claim("{t}rpm", Some(77), minute), claim("{t}flight", Some(1000), Window::InFlight)];
                    if let ReserveOutcome::Granted(_) = kv.reserve(&claims).await.unwrap() {
                        admitted += 1;
                    }
                }
                admitted
            }));
        }
    }
    let mut admitted = 0;
    for task in tasks {
        admitted += task.await.unwrap();
    }
    assert_eq!(admitted, 77);
    let client = connected(settings(&server.url())).await;
    assert_eq!(kv(&client, "reader").read("{t}flight").await.unwrap().unwrap().value, 77, "the sum of all processes");
}
