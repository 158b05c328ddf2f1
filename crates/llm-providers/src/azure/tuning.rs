//! Fine-tuning jobs of Azure OpenAI: OpenAI's, with fields and states of Azure's own.
//! <https://learn.microsoft.com/en-us/rest/api/azureopenai/fine-tuning>

use http::Method;
use llm_types::{Json, Result};

use super::resource::resource as place;
use crate::aws::escaped;
use crate::batches::Job;
use crate::generated;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::tuning::TuningHouse;

const JOBS: &str = "/fine_tuning/jobs";
/// What Azure wants to know of every job: it is supervised.
const SUPERVISED: u64 = 1;

/// The house.
#[derive(Debug)]
pub(super) struct Tuning;

impl TuningHouse for Tuning {
    fn begin(&self, mut asked: Json, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Json> {
        let weight = asked.get_mut("hyperparameters").and_then(|set| set.remove("prompt_loss_weight"));
        if let Some(weight) = weight {
            asked.set("prompt_loss_weight", weight);
        }
        if asked.get("hyperparameters").is_none_or(Json::is_null) {
            asked.set("hyperparameters", Json::Object(Vec::new()));
        }
        if asked.get("trainingType").is_none_or(Json::is_null) {
            asked.set("trainingType", SUPERVISED);
        }
        place(&generated::AZURE, &Resource { path: JOBS, ..*resource }, out)?;
        out.method = Method::POST;
        out.set("content-type", "application/json")?;
        Ok(asked)
    }

    fn job(&self, job: Job<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let (path, query) = match job {
            Job::List { limit, after } => {
                let after = after.map(|id| format!("after={}", escaped(id)));
                let pairs: Vec<String> = after.into_iter().chain(limit.map(|n| format!("limit={n}"))).collect();
                (JOBS.to_owned(), pairs.join("&"))
            }
            Job::Facts(id) => (format!("{JOBS}/{}", escaped(id)), String::new()),
            Job::Cancel(id) => (format!("{JOBS}/{}/cancel", escaped(id)), String::new()),
        };
        place(&generated::AZURE, &Resource { path: &path, query: &query, ..*resource }, out)?;
        if matches!(job, Job::Cancel(_)) {
            out.method = Method::POST;
            out.set("content-type", "application/json")?;
        } else {
            out.method = Method::GET;
            out.headers.remove(http::header::CONTENT_TYPE);
        }
        Ok(())
    }

    fn told(&self, mut job: Json) -> Json {
        let absent = |job: &Json, name: &str| job.get(name).is_none_or(Json::is_null);
        if absent(&job, "organization_id") {
            job.set("organization_id", "");
        }
        if absent(&job, "result_files") {
            job.set("result_files", Json::Array(Vec::new()));
        }
        let state = job.text("status").and_then(|status| match status {
            "pending" | "notRunning" => Some("queued"),
            "canceled" | "canceling" => Some("cancelled"),
            _ => None,
        });
        if let Some(state) = state {
            job.set("status", state);
        }
        // an error of which nothing is said is none
        if job.get("error").and_then(Json::as_object).is_some_and(|said| said.iter().all(|(_, v)| v.is_null())) {
            job.set("error", Json::Null);
        }
        job
    }

    fn page(&self, mut page: Json) -> Json {
        if let Some(Json::Array(jobs)) = page.get_mut("data") {
            jobs.iter_mut().for_each(|job| *job = self.told(std::mem::take(job)));
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn jobs_are_asked_for_as_azure_wants_it() {
        let params = Params::without_env([("api_version", Json::from("2024-10-21"))]);
        let key = llm_types::Secret::new("k");
        let api_base = Some("https://z.test");
        let at = Resource { path: "", query: "", model: "", api_base, api_key: Some(&key), params: &params };
        let mut out = Endpoint::default();
        let asked =
            json(r#"{"model":"m","training_file":"f","hyperparameters":{"n_epochs":2,"prompt_loss_weight":0.1}}"#);
        let asked = Tuning.begin(asked, &at, &mut out).unwrap();
        let wanted = r#"{"model":"m","training_file":"f","hyperparameters":{"n_epochs":2},"prompt_loss_weight":0.1,"trainingType":1}"#;
        assert_eq!((asked.to_string().as_str(), &out.method), (wanted, &Method::POST));
        assert_eq!(out.url, "https://z.test/openai/fine_tuning/jobs?api-version=2024-10-21");
        let bare = Tuning.begin(json(r#"{"trainingType":2}"#), &at, &mut Endpoint::default()).unwrap();
        assert_eq!(bare.to_string(), r#"{"trainingType":2,"hyperparameters":{}}"#);
        for (job, url, method) in [
            (Job::List { limit: Some(3), after: Some("a/b") }, "jobs?after=a%2Fb&limit=3&api-version", Method::GET),
            (Job::Facts("ftjob-1"), "jobs/ftjob-1?api-version", Method::GET),
            (Job::Cancel("ftjob-1"), "jobs/ftjob-1/cancel?api-version", Method::POST),
        ] {
            let mut out = Endpoint::default();
            Tuning.job(job, &at, &mut out).unwrap();
            assert!(out.url.contains(url) && out.method == method, "{}", out.url);
        }
    }

    #[test]
    fn states_are_openais() {
        let told = Tuning.told(json(r#"{"id":"j","status":"notRunning","result_files":null,"error":{"code":null}}"#));
        let wanted = r#"{"id":"j","status":"queued","result_files":[],"error":null,"organization_id":""}"#;
        assert_eq!(told.to_string(), wanted);
        let page = Tuning.page(json(r#"{"object":"list","data":[{"status":"canceled"},{"status":"running"}]}"#));
        let states: Vec<_> = page.get("data").unwrap().as_array().unwrap().iter().map(|j| j.text("status")).collect();
        assert_eq!(states, [Some("cancelled"), Some("running")]);
    }
}
