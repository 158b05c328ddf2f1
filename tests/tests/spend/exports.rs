//! What was spent, told to services that collect costs: each of them adds up what it holds, and has to come to what the
//! gateway counted, however often it is told and whatever goes wrong on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Config, Gateway, MASTER_KEY, Options, Said, eventually};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What the services hold.
#[derive(Debug, Default)]
struct Held {
    /// CloudZero: records by the hour that they begin at.
    hours: BTreeMap<String, Vec<Value>>,
    /// Vantage: files by token.
    uploads: BTreeMap<String, (String, String)>,
    /// A bucket: objects by path.
    objects: BTreeMap<String, String>,
    /// Answers that fail before the next one that does not.
    failing: usize,
    made: usize,
}

/// CloudZero, Vantage and S3 at one address, as their documentation says that they behave.
#[derive(Debug, Clone, Default)]
struct Services(Arc<Mutex<Held>>);

impl Services {
    fn answer(&self, asked: &Asked) -> Said {
        let mut held = self.0.lock();
        if held.failing > 0 {
            held.failing -= 1;
            return (503, "application/json", "{}".to_owned());
        }
        let path = asked.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (asked.method.as_str(), parts.as_slice()) {
            ("POST", ["v2", "connections", "billing", "anycost", "conn-1", "billing_drops"]) => {
                assert_eq!(asked.header("authorization"), "Bearer cz-key-0123456789");
                held.dropped(&asked.json)
            }
            (method, ["v2", "integrations", "accss_crdntl_1", rest @ ..]) => {
                assert_eq!(asked.header("authorization"), "Bearer vntg_tkn_0123456789");
                held.integration(method, rest, asked)
            }
            ("PUT", ["costs", key @ ..]) => {
                assert!(asked.header("authorization").contains("Credential=focus-key/"), "signed");
                // As it stands in the address.
                held.objects.insert(key.join("/").replace("%3D", "="), asked.text());
                (200, "application/xml", String::new())
            }
            other => panic!("nobody serves {other:?}"),
        }
    }

    fn cloudzero(&self) -> f64 {
        let held = self.0.lock();
        let cost = |record: &Value| record["cost/cost"].as_str().unwrap().parse::<f64>().unwrap();
        held.hours.values().flatten().map(cost).sum()
    }

    fn vantage(&self) -> f64 {
        self.0.lock().uploads.values().map(|(_, csv)| billed(csv)).sum()
    }

    fn bucket(&self) -> f64 {
        self.0.lock().objects.values().map(|csv| billed(csv)).sum()
    }
}

impl Held {
    fn dropped(&mut self, body: &Value) -> Said {
        let data = body["data"].as_array().unwrap();
        let hour = |record: &Value| record["time/usage_start"].as_str().unwrap().to_owned();
        if body["operation"] == "replace_hourly" {
            data.iter().for_each(|record| drop(self.hours.remove(&hour(record))));
        }
        for record in data {
            assert!(hour(record).starts_with(body["month"].as_str().unwrap()), "{record}");
            assert!(record.as_object().unwrap().values().all(Value::is_string), "numbers are texts: {record}");
            self.hours.entry(hour(record)).or_default().push(record.clone());
        }
        (200, "application/json", "{}".to_owned())
    }

    fn integration(&mut self, method: &str, rest: &[&str], asked: &Asked) -> Said {
        let said = match (method, rest) {
            ("POST", ["costs.csv"]) => {
                let text = asked.text();
                let (head, file) = text.split_once("\r\n\r\n").unwrap();
                let name = head.split("filename=\"").nth(1).unwrap().split('"').next().unwrap();
                let csv = file.split("\r\n--").next().unwrap();
                self.made += 1;
                // Vantage puts an end of its own to names.
                let upload = (format!("{name}20260101-1-x{}", self.made), csv.to_owned());
                self.uploads.insert(format!("usr_csts_upld_{}", self.made), upload);
                json!({"token": format!("usr_csts_upld_{}", self.made), "import_status": "processing"})
            }
            ("GET", ["costs"]) => {
                let all = self.uploads.iter().map(|(token, (name, _))| json!({"token": token, "filename": name}));
                json!({"user_costs_uploads": all.collect::<Vec<_>>()})
            }
            ("DELETE", ["costs", token]) => {
                self.uploads.remove(*token).expect("an upload that is there");
                json!({})
            }
            other => panic!("Vantage serves no {other:?}"),
        };
        (200, "application/json", said.to_string())
    }
}

/// The column `BilledCost`, added up.
fn billed(csv: &str) -> f64 {
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("BilledCost,BillingAccountId,"), "{csv}");
    lines.map(|line| line.split(',').next().unwrap().parse::<f64>().unwrap()).sum()
}

async fn services() -> (Services, Canned) {
    let services = Services::default();
    let canned = {
        let services = services.clone();
        Canned::start(move |asked| services.answer(asked)).await.unwrap()
    };
    (services, canned)
}

async fn start(sim: &Running, callbacks: &str, env: &[(&str, String)]) -> Gateway {
    let config = Config::standard(sim).general("proxy_batch_write_at: 0.1").litellm(callbacks);
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Gateway::start_with(&config.yaml(), &Options { env, ..Options::default() }).await.unwrap()
}

async fn call(gateway: &Gateway, model: &str) {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    let reply = gateway.ask("/v1/chat/completions", &body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// What the gateway counted, dollars.
async fn spent(gateway: &Gateway) -> f64 {
    let today = "start_date=2020-01-01&end_date=2100-01-01";
    let reply = gateway.get(&format!("/user/daily/activity?{today}"), MASTER_KEY).await.unwrap().json();
    reply["metadata"]["total_spend"].as_f64().unwrap()
}

fn same(a: f64, b: f64) -> bool {
    // CloudZero has ten digits behind the point for each record.
    (a - b).abs() < 1e-9 && b > 0.0
}

async fn send(gateway: &Gateway, method: Method, path: &str, body: Value) -> (u16, Value) {
    let reply = gateway.call(method, path, &body, MASTER_KEY).await.unwrap();
    (reply.status, reply.json())
}

#[tokio::test]
async fn cloudzero_holds_what_was_spent() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (services, canned) = services().await;
    let gateway = start(&sim, "drop_params: true", &[("CLOUDZERO_BASE_URL", canned.base_url())]).await;
    let settings = async || send(&gateway, Method::GET, "/cloudzero/settings", json!({})).await.1;
    let nothing = json!({"api_key_masked": null, "connection_id": null, "timezone": null, "status": null});
    assert_eq!(settings().await, nothing);
    assert_eq!(send(&gateway, Method::POST, "/cloudzero/export", json!({})).await.0, 404, "nothing is set up");

    let init = json!({"api_key": "cz-key-0123456789", "connection_id": "conn-1", "timezone": "Asia/Tokyo"});
    assert_eq!(send(&gateway, Method::POST, "/cloudzero/init", init).await.0, 200);
    assert_eq!(settings().await["api_key_masked"], "****6789");
    let bad = json!({"timezone": "Mars/Olympus"});
    assert_eq!(send(&gateway, Method::PUT, "/cloudzero/settings", bad).await.0, 400);
    let (status, said) = send(&gateway, Method::PUT, "/cloudzero/settings", json!({"timezone": "UTC"})).await;
    assert_eq!((status, said["status"].as_str()), (200, Some("success")));
    assert_eq!(settings().await["connection_id"], "conn-1", "what was not given stayed");

    call(&gateway, "gpt").await;
    call(&gateway, "claude").await;
    let total = spent(&gateway).await;
    let (_, preview) = send(&gateway, Method::POST, "/cloudzero/dry-run", json!({})).await;
    assert!(same(preview["summary"]["total_cost"].as_f64().unwrap(), total), "{preview}");
    assert_eq!(preview["dry_run_data"]["cbf_data"].as_array().unwrap().len(), 2);
    assert!(services.0.lock().hours.is_empty(), "a dry run sends nothing");

    // The job has looked at it by now or will; telling it again changes nothing.
    for _ in 0..3 {
        let (status, done) = send(&gateway, Method::POST, "/cloudzero/export", json!({})).await;
        assert_eq!((status, done["records_exported"].as_u64()), (200, Some(2)), "{done}");
        assert!(same(services.cloudzero(), total), "{} {total}", services.cloudzero());
    }
    call(&gateway, "claude").await;
    let total = spent(&gateway).await;
    services.0.lock().failing = 1;
    let (status, refused) = send(&gateway, Method::POST, "/cloudzero/export", json!({})).await;
    assert_eq!(status, 502, "{refused}");
    assert_eq!(send(&gateway, Method::POST, "/cloudzero/export", json!({"limit": 1})).await.0, 200, "days are whole");
    assert!(same(services.cloudzero(), total), "{} {total}", services.cloudzero());
    let late = json!({"start_time_utc": "2000-01-01T00:00:00", "end_time_utc": "2000-01-02T00:00:00Z"});
    assert_eq!(send(&gateway, Method::POST, "/cloudzero/export", late).await.1["records_exported"], 0);
    assert_eq!(send(&gateway, Method::DELETE, "/cloudzero/delete", json!({})).await.0, 200);
    assert_eq!(send(&gateway, Method::DELETE, "/cloudzero/delete", json!({})).await.0, 404);
    assert_eq!(settings().await, nothing);
}

#[tokio::test]
async fn the_job_tells_vantage_and_a_bucket() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (services, canned) = services().await;
    let env = [
        ("VANTAGE_API_KEY", "vntg_tkn_0123456789".to_owned()),
        ("VANTAGE_INTEGRATION_TOKEN", "accss_crdntl_1".to_owned()),
        ("VANTAGE_BASE_URL", canned.base_url()),
        ("VANTAGE_EXPORT_FREQUENCY", "interval".to_owned()),
        ("VANTAGE_EXPORT_INTERVAL_SECONDS", "1".to_owned()),
        ("FOCUS_S3_BUCKET_NAME", "costs".to_owned()),
        ("FOCUS_S3_ENDPOINT_URL", canned.base_url()),
        ("FOCUS_S3_ACCESS_KEY", "focus-key".to_owned()),
        ("FOCUS_S3_SECRET_KEY", "focus-secret".to_owned()),
        ("FOCUS_FREQUENCY", "interval".to_owned()),
        ("FOCUS_INTERVAL_SECONDS", "1".to_owned()),
        ("FOCUS_FORMAT", "CSV".to_owned()),
    ];
    let gateway = start(&sim, "callbacks: [vantage, focus]", &env).await;
    for round in 0..3 {
        call(&gateway, "gpt").await;
        call(&gateway, "claude").await;
        // In the second round the services are away for a while.
        services.0.lock().failing = if round == 1 { 3 } else { 0 };
        let total = spent(&gateway).await;
        let arrived = async || {
            let held = (services.vantage(), services.bucket());
            (same(held.0, total) && same(held.1, total)).then_some(())
        };
        eventually("everything that was spent is there, once", arrived).await;
    }
    let held = services.0.lock();
    assert_eq!(held.uploads.len(), 1, "one file a day: {:?}", held.uploads);
    let today = held.objects.keys().next().unwrap();
    assert!(today.starts_with("focus_exports/date=2") && today.ends_with("T000000Z.csv"), "{today}");
    assert_eq!(held.objects.len(), 1);
}

#[tokio::test]
async fn files_of_a_bucket_are_parquet_unless_told_otherwise() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (services, canned) = services().await;
    let env = [
        ("FOCUS_S3_BUCKET_NAME", "costs".to_owned()),
        ("FOCUS_S3_ENDPOINT_URL", canned.base_url()),
        ("FOCUS_S3_ACCESS_KEY", "focus-key".to_owned()),
        ("FOCUS_S3_SECRET_KEY", "focus-secret".to_owned()),
        ("FOCUS_FREQUENCY", "interval".to_owned()),
        ("FOCUS_INTERVAL_SECONDS", "1".to_owned()),
    ];
    let gateway = start(&sim, "callbacks: [focus]", &env).await;
    call(&gateway, "gpt").await;
    let whole = async || services.0.lock().objects.iter().next().map(|(name, file)| (name.clone(), file.clone()));
    let (name, file) = eventually("the file of the day", whole).await;
    assert!(name.starts_with("focus_exports/date=2") && name.ends_with("T000000Z.parquet"), "{name}");
    assert!(file.starts_with("PAR1") && file.ends_with("PAR1"), "{file:.40}");
    for text in ["BilledCost", "gpt-4o", "AI and Machine Learning", "\"custom_llm_provider\":\"openai\""] {
        assert!(file.contains(text), "{text}");
    }
}

#[tokio::test]
async fn vantage_is_set_up_in_the_database() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (services, canned) = services().await;
    let gateway = start(&sim, "drop_params: true", &[]).await;
    let wrong = json!({"api_key": " ", "integration_token": 5, "base_url": "x"});
    let (status, problems) = send(&gateway, Method::POST, "/vantage/init", wrong).await;
    assert_eq!((status, problems["detail"].as_array().unwrap().len()), (422, 2), "{problems}");
    let init =
        json!({"api_key": "vntg_tkn_0123456789", "integration_token": "accss_crdntl_1", "base_url": canned.base_url()});
    assert_eq!(send(&gateway, Method::POST, "/vantage/init", init).await.0, 200);
    let (_, shown) = send(&gateway, Method::GET, "/vantage/settings", json!({})).await;
    assert_eq!(shown["integration_token_masked"], "****", "{shown}");
    assert_eq!(shown["base_url"], canned.base_url());
    call(&gateway, "gpt").await;
    let total = spent(&gateway).await;
    let (_, preview) = send(&gateway, Method::POST, "/vantage/dry-run", json!({"limit": 5})).await;
    assert_eq!(preview["dry_run_data"]["normalized_data"][0]["ChargeCategory"], "Usage", "{preview}");
    for _ in 0..2 {
        assert_eq!(send(&gateway, Method::POST, "/vantage/export", json!({})).await.0, 200);
        assert!(same(services.vantage(), total), "{} {total}", services.vantage());
    }
    assert_eq!(send(&gateway, Method::DELETE, "/vantage/delete", json!({})).await.0, 200);
}
