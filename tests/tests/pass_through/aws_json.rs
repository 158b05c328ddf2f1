//! Services of AWS that are one path.

use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Canned, Config, Gateway, MASTER_KEY, Options};
use serde_json::json;

#[tokio::test]
async fn operations_stand_in_a_header_and_are_signed_and_billed() {
    let upstream =
        Canned::start(|_| (200, "application/x-amz-json-1.1", "{\"Entities\":[]}".to_owned())).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let env = [
        ("AWS_ENDPOINT_URL_COMPREHENDMEDICAL", upstream.base_url()),
        ("AWS_ENDPOINT_URL_TRANSCRIBE", upstream.base_url()),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "not-a-secret".to_owned()),
        ("AWS_REGION_NAME", "eu-west-2".to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let config = Config::standard(&sim).general("proxy_batch_write_at: 1").yaml();
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();

    let text = "é".repeat(101);
    let reply = gateway.post("/comprehendmedical/DetectEntitiesV2", &json!({"Text": text}), &key).await.unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, "{\"Entities\":[]}"));
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/"));
    assert_eq!(asked.header("x-amz-target"), "ComprehendMedical_20181030.DetectEntitiesV2");
    assert_eq!(asked.header("content-type"), "application/x-amz-json-1.1");
    let signed = asked.header("authorization");
    assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"), "{signed}");
    assert!(signed.contains("/eu-west-2/comprehendmedical/aws4_request"), "{signed}");
    assert!(signed.contains("x-amz-target"), "the header is signed: {signed}");

    let authorization = format!("Bearer {key}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "ComprehendMedical_20181030.InferRxNorm"),
        ("x-amz-date", "20200101T000000Z"),
    ];
    let sdk = gateway.send(Method::POST, "/comprehendmedical", &headers, "{\"Text\":\"a\"}".into()).await.unwrap();
    assert_eq!(sdk.status, 200, "{}", sdk.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.header("x-amz-target"), "ComprehendMedical_20181030.InferRxNorm");
    assert_ne!(asked.header("x-amz-date"), "20200101T000000Z", "the gateway signs anew");

    let rows = gateway.spend_rows(&token, 2).await.unwrap();
    let spent = |model: &str| rows.iter().find(|r| r["model"] == model).unwrap()["spend"].as_f64().unwrap();
    assert!((spent("comprehendmedical/DetectEntitiesV2") - 0.02).abs() < 1e-9, "{rows:?}");
    assert!((spent("comprehendmedical/InferRxNorm") - 0.00025).abs() < 1e-9, "{rows:?}");

    let before = upstream.seen().len();
    for path in ["/comprehendmedical/ListEntitiesDetectionV2Jobs", "/comprehendmedical/a/b", "/comprehendmedical"] {
        assert_eq!(gateway.post(path, &json!({"Text": "a"}), &key).await.unwrap().status, 400, "{path}");
    }
    assert_eq!(gateway.get("/comprehendmedical/DetectPHI", &key).await.unwrap().status, 400);
    assert_eq!(gateway.post("/comprehendmedical/DetectPHI", &json!([1]), &key).await.unwrap().status, 400);
    assert_eq!(gateway.post("/transcribe/ListTranscriptionJobs", &json!({}), &key).await.unwrap().status, 403);
    assert_eq!(upstream.seen().len(), before, "nothing was sent");

    let listed = gateway.post("/transcribe/ListTranscriptionJobs", &json!({}), MASTER_KEY).await.unwrap();
    assert_eq!(listed.status, 200, "{}", listed.text());
    assert_eq!(upstream.seen().pop().unwrap().header("x-amz-target"), "Transcribe.ListTranscriptionJobs");
}
