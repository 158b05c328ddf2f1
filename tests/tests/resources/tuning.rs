//! Fine-tuning jobs, of OpenAI and of houses that keep them in another way.

use super::*;

const JOBS: &str = "/v1/fine_tuning/jobs";

fn tuner(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let path = asked.path.split('?').next().unwrap();
    let job = |status: &str| {
        json!({"id": "ftjob-1", "object": "fine_tuning.job", "status": status, "training_file": "file-a",
            "organization_id": null, "result_files": null})
    };
    let google = |state: &str| {
        json!({"name": "projects/1/locations/us-east1/tuningJobs/9", "createTime": "2023-11-14T22:13:20Z", "state": state,
            "baseModel": "gemini-2.0-flash-001", "supervisedTuningSpec": {"trainingDatasetUri": "gs://b/t"}})
    };
    let tuned = "/v1/projects/p/locations/us-east1/tuningJobs";
    match (asked.method.as_str(), path) {
        ("POST", "/oauth") => json(json!({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})),
        ("GET", "/tune/v1/fine_tuning/jobs") => {
            json(json!({"object": "list", "data": [job("running")], "has_more": false}))
        }
        (_, p) if p.starts_with("/tune/v1/fine_tuning/jobs") => json(job("running")),
        ("GET", "/openai/fine_tuning/jobs") => json(json!({"object": "list", "data": [job("notRunning")]})),
        (_, "/openai/fine_tuning/jobs/gone") => (
            404,
            "application/json",
            json!({"error": {"message": "no job", "type": "invalid_request_error"}}).to_string(),
        ),
        ("POST", "/openai/fine_tuning/jobs/ftjob-1/cancel") => json(job("canceling")),
        (_, p) if p.starts_with("/openai/fine_tuning/jobs") => json(job("pending")),
        ("GET", p) if p == tuned => json(json!({"tuningJobs": [google("JOB_STATE_RUNNING")], "nextPageToken": "next"})),
        ("POST", p) if p == tuned => json(google("JOB_STATE_PENDING")),
        ("GET", p) if p == format!("{tuned}/9") => json(google("JOB_STATE_CANCELLED")),
        ("POST", p) if p == format!("{tuned}/9:cancel") => json(json!({})),
        _ => (404, "application/json", json!({"error": {"message": format!("nothing at {path}")}}).to_string()),
    }
}

async fn started() -> (Canned, Gateway) {
    let upstream = Canned::start(tuner).await.unwrap();
    let url = upstream.base_url();
    let google = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{url}/oauth")});
    let config = format!(
        "model_list:
  - {{model_name: gpt, litellm_params: {{model: openai/gpt-4o, api_key: sk-model, api_base: '{url}/tune/v1'}}}}
finetune_settings:
  - {{custom_llm_provider: openai, api_key: sk-tune, api_base: '{url}/tune/v1'}}
  - {{custom_llm_provider: azure, api_key: az-tune, api_base: '{url}', api_version: '2024-10-21'}}
  - {{custom_llm_provider: vertex_ai, api_base: '{url}', vertex_project: p, vertex_location: us-east1, vertex_credentials: '{google}'}}
general_settings: {{master_key: {MASTER_KEY}}}
",
    );
    let gateway = Gateway::start_with(&config, &Options::default()).await.unwrap();
    (upstream, gateway)
}

#[tokio::test]
async fn jobs_are_begun_seen_and_ended() {
    let (upstream, gateway) = started().await;
    let create = json!({"model": "gpt-4o-mini", "training_file": "file-a", "custom_llm_provider": "openai"});
    let made = gateway.post(JOBS, &create, MASTER_KEY).await.unwrap();
    assert_eq!((made.status, &made.json()["id"]), (200, &json!("ftjob-1")), "{}", made.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.json, json!({"model": "gpt-4o-mini", "training_file": "file-a", "hyperparameters": {}}));
    assert_eq!(asked.header("authorization"), "Bearer sk-tune");
    gateway.get(&format!("{JOBS}?limit=3&after=x"), MASTER_KEY).await.unwrap();
    assert_eq!(upstream.seen().pop().unwrap().path, "/tune/v1/fine_tuning/jobs?limit=3&after=x");
    let body = json!({"custom_llm_provider": "openai"});
    let ended = gateway.post(&format!("{JOBS}/ftjob-1/cancel"), &body, MASTER_KEY).await.unwrap();
    assert_eq!(ended.status, 200, "{}", ended.text());

    // A job of a group finds back by its id.
    let group = gateway.get(&format!("{JOBS}?target_model_names=gpt"), MASTER_KEY).await.unwrap().json();
    assert_eq!(upstream.seen().pop().unwrap().header("authorization"), "Bearer sk-model");
    let id = group["data"][0]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("ftjob-bGl0ZWxsbT"), "{id}");
    assert_eq!(gateway.get(&format!("{JOBS}/{id}"), MASTER_KEY).await.unwrap().json()["id"], json!(id));
    let asked = upstream.seen().pop().unwrap();
    let found = (asked.path.as_str(), asked.header("authorization"));
    assert_eq!(found, ("/tune/v1/fine_tuning/jobs/ftjob-1", "Bearer sk-model"));
    // base64 of `litellm:../../secrets;model,gpt`
    let forged = "ftjob-bGl0ZWxsbTouLi8uLi9zZWNyZXRzO21vZGVsLGdwdA";
    assert_eq!(gateway.get(&format!("{JOBS}/{forged}"), MASTER_KEY).await.unwrap().status, 400);
}

#[tokio::test]
async fn azures_jobs_are_told_as_openais() {
    let (upstream, gateway) = started().await;
    let create = json!({"model": "gpt-4o-mini", "training_file": "file-a", "custom_llm_provider": "azure",
        "hyperparameters": {"n_epochs": 2, "prompt_loss_weight": 0.1}});
    let made = gateway.post(JOBS, &create, MASTER_KEY).await.unwrap().json();
    assert_eq!(
        (&made["status"], &made["organization_id"], &made["result_files"]),
        (&json!("queued"), &json!(""), &json!([]))
    );
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(
        (asked.path.as_str(), asked.header("api-key")),
        ("/openai/fine_tuning/jobs?api-version=2024-10-21", "az-tune")
    );
    assert_eq!(
        asked.json,
        json!({"model": "gpt-4o-mini", "training_file": "file-a", "hyperparameters": {"n_epochs": 2},
            "prompt_loss_weight": 0.1, "trainingType": 1})
    );
    let azure = "?custom_llm_provider=azure";
    let all = gateway.get(&format!("{JOBS}{azure}"), MASTER_KEY).await.unwrap().json();
    assert_eq!(all["data"][0]["status"], "queued");
    assert_eq!(gateway.get(&format!("{JOBS}/ftjob-1{azure}"), MASTER_KEY).await.unwrap().json()["status"], "queued");
    let body = json!({"custom_llm_provider": "azure"});
    let ended = gateway.post(&format!("{JOBS}/ftjob-1/cancel"), &body, MASTER_KEY).await.unwrap();
    assert_eq!(ended.json()["status"], "cancelled", "{}", ended.text());
    let gone = gateway.get(&format!("{JOBS}/gone{azure}"), MASTER_KEY).await.unwrap();
    let error = &gone.json()["error"];
    assert_eq!((gone.status, &error["type"], &error["code"]), (404, &json!("invalid_request_error"), &json!("404")));
}

#[tokio::test]
async fn googles_jobs_are_told_as_openais() {
    let (upstream, gateway) = started().await;
    let create = json!({"model": "gemini-2.0-flash-001", "training_file": "gs://b/t", "suffix": "mine",
        "custom_llm_provider": "vertex_ai", "hyperparameters": {"n_epochs": 3}});
    let made = gateway.post(JOBS, &create, MASTER_KEY).await.unwrap();
    let job = made.json();
    assert_eq!((&job["status"], &job["created_at"]), (&json!("queued"), &json!(1_700_000_000)), "{}", made.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.header("authorization"), "Bearer t");
    assert_eq!(asked.json["supervisedTuningSpec"]["hyperParameters"]["epoch_count"], 3);
    assert_eq!(asked.json["tunedModelDisplayName"], "mine");
    let google = "?custom_llm_provider=vertex_ai";
    let all = gateway.get(&format!("{JOBS}{google}"), MASTER_KEY).await.unwrap().json();
    assert_eq!((&all["data"][0]["status"], &all["has_more"]), (&json!("running"), &json!(true)));
    let path = format!("{JOBS}/{}", job["id"].as_str().unwrap());
    let ended = gateway.post(&format!("{path}/cancel{google}"), &json!({}), MASTER_KEY).await.unwrap();
    assert_eq!(ended.json()["status"], "cancelled", "{}", ended.text());
}
