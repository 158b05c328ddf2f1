//! Tuning jobs of Vertex AI.
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/tuning>

use http::Method;
use llm_types::{AuthNeed, Error, Json, Result};
use llm_wire::batches::moment;

use super::google_auth;
use super::url::Place;
use crate::aws::escaped;
use crate::batches::Job;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::tuning::TuningHouse;

/// The house.
#[derive(Debug)]
pub(super) struct Tuning;

impl TuningHouse for Tuning {
    fn begin(&self, asked: Json, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Json> {
        let given = |name: &str| asked.get(name).filter(|value| !value.is_null()).cloned();
        let mut spec = Json::object([("training_dataset_uri", given("training_file").unwrap_or_default())]);
        if let Some(file) = given("validation_file") {
            spec.set("validation_dataset_uri", file);
        }
        let mut set = Json::Object(Vec::new());
        let wishes = given("hyperparameters").unwrap_or_default();
        for (ours, theirs) in [
            ("n_epochs", "epoch_count"),
            ("learning_rate_multiplier", "learning_rate_multiplier"),
            ("adapter_size", "adapter_size"),
        ] {
            // "auto" is what the house does when nobody says anything
            if let Some(value) = wishes.get(ours).filter(|v| !v.is_null() && v.as_str() != Some("auto")) {
                set.set(theirs, value.clone());
            }
        }
        if set.as_object().is_some_and(|set| !set.is_empty()) {
            spec.set("hyperParameters", set);
        }
        self.at("", resource, out)?;
        out.method = Method::POST;
        out.set("content-type", "application/json")?;
        Ok(Json::object([
            ("baseModel", given("model").unwrap_or_default()),
            ("supervisedTuningSpec", spec),
            ("tunedModelDisplayName", given("suffix").unwrap_or_default()),
        ]))
    }

    fn job(&self, job: Job<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let tail = match job {
            Job::List { limit, after } => {
                let size = limit.map(|n| format!("pageSize={n}"));
                let after = after.map(|token| format!("pageToken={}", escaped(token)));
                let pairs: Vec<String> = size.into_iter().chain(after).collect();
                if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
            }
            Job::Facts(id) => format!("/{}", number(id)?),
            Job::Cancel(id) => format!("/{}:cancel", number(id)?),
        };
        self.at(&tail, resource, out)?;
        out.method = if matches!(job, Job::Cancel(_)) { Method::POST } else { Method::GET };
        Ok(())
    }

    fn cancel_tells(&self) -> bool {
        false
    }

    fn told(&self, job: Json) -> Json {
        let spec = job.get("supervisedTuningSpec").cloned().unwrap_or_default();
        let text = |from: &Json, name: &str| from.text(name).map_or(Json::Null, Json::from);
        let when = |name: &str| job.text(name).and_then(moment::seconds);
        let tuned = job.get("tunedModel").and_then(|model| model.text("endpoint").or_else(|| model.text("model")));
        let failed = job.get("error").filter(|error| error.get("message").is_some());
        let error = failed.map_or(Json::Null, |error| {
            let code = error.get("code").map_or_else(String::new, Json::to_string);
            Json::object([("code", Json::from(code)), ("message", text(error, "message")), ("param", Json::Null)])
        });
        Json::object([
            ("id", Json::from(job.text("name").unwrap_or_default())),
            ("object", Json::from("fine_tuning.job")),
            ("created_at", Json::from(when("createTime").unwrap_or_default())),
            ("error", error),
            ("fine_tuned_model", tuned.map_or_else(|| text(&job, "tunedModelDisplayName"), Json::from)),
            ("finished_at", when("endTime").map_or(Json::Null, Json::from)),
            ("hyperparameters", hyperparameters(spec.get("hyperParameters"))),
            ("model", Json::from(job.text("baseModel").unwrap_or_default())),
            ("organization_id", Json::from("")),
            ("result_files", Json::Array(Vec::new())),
            ("seed", Json::from(0_u64)),
            ("status", Json::from(state(job.text("state").unwrap_or_default()))),
            ("trained_tokens", Json::Null),
            ("training_file", Json::from(spec.text("trainingDatasetUri").unwrap_or_default())),
            ("validation_file", text(&spec, "validationDatasetUri")),
            ("estimated_finish", Json::Null),
            ("integrations", Json::Array(Vec::new())),
        ])
    }

    fn page(&self, mut page: Json) -> Json {
        let jobs = match page.remove("tuningJobs") {
            Some(Json::Array(jobs)) => jobs,
            _ => Vec::new(),
        };
        let more = page.text("nextPageToken").is_some_and(|token| !token.is_empty());
        let jobs = jobs.into_iter().map(|job| self.told(job)).collect();
        let mut told =
            Json::object([("object", Json::from("list")), ("data", Json::Array(jobs)), ("has_more", Json::from(more))]);
        if more {
            // what `after` is for the next page
            told.set("last_id", page.remove("nextPageToken").unwrap_or_default());
        }
        told
    }
}

impl Tuning {
    fn at(&self, tail: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let below = Place::new(resource.params, false).below(resource.api_base);
        out.url = format!("{below}/tuningJobs{tail}");
        out.auth = Some(AuthNeed::Google(Box::new(google_auth(resource.params))));
        out.set_extra(resource.params)
    }
}

/// The last part of a job's name: its project and location are the credential's, whatever the name says.
fn number(id: &str) -> Result<&str> {
    let last = id.rsplit('/').next().unwrap_or_default();
    let plain = !last.is_empty() && last.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
    plain
        .then_some(last)
        .ok_or_else(|| Error::bad_request(format!("{id:?} is no id of a tuning job")).with_param("fine_tuning_job_id"))
}

fn state(state: &str) -> &'static str {
    match state {
        "JOB_STATE_RUNNING" => "running",
        "JOB_STATE_SUCCEEDED" => "succeeded",
        "JOB_STATE_FAILED" | "JOB_STATE_EXPIRED" => "failed",
        "JOB_STATE_CANCELLED" | "JOB_STATE_CANCELLING" => "cancelled",
        _ => "queued",
    }
}

/// Google writes whole numbers as texts.
fn hyperparameters(told: Option<&Json>) -> Json {
    let mut out = Json::object([("n_epochs", 0_u64)]);
    for (name, value) in told.and_then(Json::as_object).unwrap_or_default() {
        match name.as_str() {
            "epochCount" | "epoch_count" => {
                let count = value.as_str().and_then(|n| n.parse::<u64>().ok()).map(Json::from);
                out.set("n_epochs", count.unwrap_or_else(|| value.clone()));
            }
            "learningRateMultiplier" => out.set("learning_rate_multiplier", value.clone()),
            "adapterSize" => out.set("adapter_size", value.clone()),
            other => out.set(other, value.clone()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn jobs_are_googles() {
        let params =
            Params::without_env([("vertex_project", Json::from("p")), ("vertex_location", Json::from("us-east1"))]);
        let at = Resource { path: "", query: "", model: "", api_base: None, api_key: None, params: &params };
        let mut out = Endpoint::default();
        let asked = json(
            r#"{"model":"gemini-2.0-flash-001","training_file":"gs://b/t","validation_file":"gs://b/v","suffix":"mine",
                "hyperparameters":{"n_epochs":3,"learning_rate_multiplier":"auto","adapter_size":"ADAPTER_SIZE_FOUR"}}"#,
        );
        let asked = Tuning.begin(asked, &at, &mut out).unwrap();
        let wanted = r#"{"baseModel":"gemini-2.0-flash-001","supervisedTuningSpec":{"training_dataset_uri":"gs://b/t","validation_dataset_uri":"gs://b/v","hyperParameters":{"epoch_count":3,"adapter_size":"ADAPTER_SIZE_FOUR"}},"tunedModelDisplayName":"mine"}"#;
        assert_eq!(asked.to_string(), wanted);
        let jobs = "https://us-east1-aiplatform.googleapis.com/v1/projects/p/locations/us-east1/tuningJobs";
        assert_eq!(out.url, jobs);
        for (job, tail) in [
            (Job::List { limit: Some(2), after: Some("t=") }, "?pageSize=2&pageToken=t%3D"),
            (Job::Facts("projects/other/locations/x/tuningJobs/9"), "/9"),
            (Job::Cancel("9"), "/9:cancel"),
        ] {
            Tuning.job(job, &at, &mut out).unwrap();
            assert_eq!(out.url, format!("{jobs}{tail}"));
        }
        assert!(Tuning.job(Job::Facts("a/.."), &at, &mut out).is_err());
    }

    #[test]
    fn answers_are_openais() {
        let told = Tuning.told(json(
            r#"{"name":"projects/1/locations/l/tuningJobs/9","createTime":"2023-11-14T22:13:20.5Z","state":"JOB_STATE_FAILED",
                "baseModel":"g","tunedModelDisplayName":"mine","error":{"code":3,"message":"no"},
                "supervisedTuningSpec":{"trainingDatasetUri":"gs://b/t","hyperParameters":{"epochCount":"3"}}}"#,
        ));
        let text = |name: &str| told.text(name).unwrap_or_default().to_owned();
        assert_eq!(
            (text("status"), text("fine_tuned_model"), text("training_file")),
            ("failed".into(), "mine".into(), "gs://b/t".into())
        );
        assert_eq!(told.get("created_at").unwrap().as_f64(), Some(1_700_000_000.0));
        assert_eq!(told.get("hyperparameters").unwrap().to_string(), r#"{"n_epochs":3}"#);
        assert_eq!(told.get("error").unwrap().to_string(), r#"{"code":"3","message":"no","param":null}"#);
        let page = Tuning.page(json(r#"{"tuningJobs":[{"name":"n"}],"nextPageToken":"t"}"#));
        assert_eq!((page.text("last_id"), page.get("has_more").and_then(Json::as_bool)), (Some("t"), Some(true)));
        assert_eq!(Tuning.page(json("{}")).to_string(), r#"{"object":"list","data":[],"has_more":false}"#);
    }
}
