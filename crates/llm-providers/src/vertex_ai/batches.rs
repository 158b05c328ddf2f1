//! Batch prediction, whose files are in Cloud Storage.
//! <https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs>,
//! <https://cloud.google.com/storage/docs/json_api/v1>

use bytes::Bytes;
use http::Method;
use llm_types::{AuthNeed, Error, Json, Result};
use llm_wire::ReplyView;
use llm_wire::batches::vertex::BatchPrediction;
use llm_wire::batches::{BatchCodec, moment};

use super::family::Family;
use super::google_auth;
use super::url::Place;
use crate::aws::escaped;
use crate::batches::{BatchHouse, Begin, Bucket, FileHouse, Job, Upload, Want, file};
use crate::provider::Endpoint;
use crate::resource::Resource;

/// Below it is what the gateway put there, and nothing else that it would show.
const OURS: &str = "litellm-vertex-files/";
/// The file of a job's results.
const RESULTS: &str = "/predictions.jsonl";
const STORAGE: &str = "https://storage.googleapis.com";

/// The house.
#[derive(Debug)]
pub(super) struct Batches;

impl BatchHouse for Batches {
    fn codec(&self) -> &'static dyn BatchCodec {
        &BatchPrediction
    }

    fn files(&self) -> Option<&'static dyn FileHouse> {
        Some(&Self)
    }

    fn begin(&self, begin: &Begin<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        bucket(resource)?.object(begin.input, &[OURS])?;
        let (folder, _) = begin.input.rsplit_once('/').unwrap_or_default();
        // the name of the file tells the model
        let (_, model) = begin.input.split_once("publishers/").ok_or_else(|| {
            Error::bad_request("the file does not name a model: upload it with the purpose \"batch\"")
                .with_param("input_file_id")
        })?;
        let model: Vec<&str> = model.split('/').take(3).collect();
        let input = Json::object([("uris", Json::Array(vec![Json::from(begin.input)]))]);
        let body = Json::object([
            ("displayName", Json::from(format!("litellm-vertex-batch-{}", begin.name))),
            ("model", Json::from(format!("publishers/{}", model.join("/")))),
            ("inputConfig", Json::object([("instancesFormat", Json::from("jsonl")), ("gcsSource", input)])),
            (
                "outputConfig",
                Json::object([
                    ("predictionsFormat", Json::from("jsonl")),
                    ("gcsDestination", Json::object([("outputUriPrefix", Json::from(folder))])),
                ]),
            ),
        ]);
        self.at("", resource, out)?;
        out.set("content-type", "application/json")?;
        Ok(Bytes::from(body.to_string()))
    }

    fn job(&self, job: Job<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let tail = match job {
            Job::List { limit, after } => {
                let size = limit.map(|n| format!("pageSize={n}"));
                let after = after.map(|token| format!("pageToken={}", escaped(token)));
                let query: Vec<String> = size.into_iter().chain(after).collect();
                if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
            }
            Job::Facts(id) => format!("/{}", escaped(id)),
            Job::Cancel(id) => format!("/{}:cancel", escaped(id)),
        };
        self.at(&tail, resource, out)?;
        out.method = if matches!(job, Job::Cancel(_)) { Method::POST } else { Method::GET };
        Ok(())
    }

    fn cancel_tells(&self) -> bool {
        false
    }

    fn results(&self, id: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<bool> {
        if !id.ends_with(RESULTS) {
            return Ok(false);
        }
        FileHouse::at(self, id, Want::Content, resource, out).map(|()| true)
    }
}

impl Batches {
    fn at(&self, tail: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let below = Place::new(resource.params, false).below(resource.api_base);
        out.url = format!("{below}/batchPredictionJobs{tail}");
        out.auth = Some(AuthNeed::Google(Box::new(google_auth(resource.params))));
        out.set_extra(resource.params)
    }
}

impl FileHouse for Batches {
    fn put(&self, upload: &Upload<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<String> {
        let bucket = bucket(resource)?;
        let name = match upload.model {
            Some(model) => {
                let family = Family::of(model);
                if !matches!(family, Family::Gemini | Family::Claude) {
                    let why = format!("batches of the model {model} are not served");
                    return Err(Error::bad_request(why).with_param("model"));
                }
                let model = model.rsplit('/').next().unwrap_or(model);
                format!("{OURS}publishers/{}/models/{model}/{}", family.publisher(), upload.unique)
            }
            None => format!("{OURS}uploads/{}/{}", upload.unique, file::plain(upload.filename)),
        };
        let name = bucket.below(&name);
        let query = format!("uploadType=media&name={}", escaped(&name));
        storage(&format!("/upload/storage/v1/b/{}/o?{query}", escaped(&bucket.name)), resource, out)?;
        out.set("content-type", "application/octet-stream")?;
        Ok(bucket.uri(&name))
    }

    fn at(&self, id: &str, want: Want, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let bucket = bucket(resource)?;
        let name = bucket.object(id, &[OURS])?;
        let media = if want == Want::Content { "?alt=media" } else { "" };
        storage(&format!("/storage/v1/b/{}/o/{}{media}", escaped(&bucket.name), escaped(name)), resource, out)?;
        out.method = if want == Want::Removal { Method::DELETE } else { Method::GET };
        Ok(())
    }

    fn facts(&self, id: &str, reply: &ReplyView<'_>) -> Json {
        let told: Json = serde_json::from_slice(reply.body).unwrap_or_default();
        let text = |key: &str| told.text(key);
        file::Facts {
            id,
            bytes: text("size").and_then(|n| n.parse().ok()),
            created: text("timeCreated").and_then(moment::seconds),
        }
        .json()
    }
}

fn bucket(resource: &Resource<'_>) -> Result<Bucket> {
    let own = ["bucket_name", "gcs_bucket_name"].iter().find_map(|name| resource.params.str(name).map(str::to_owned));
    let name = own.or_else(|| resource.params.env("GCS_BUCKET_NAME"));
    Bucket::of("gs", name.as_deref(), "bucket_name or GCS_BUCKET_NAME")
}

fn storage(path: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    let base = resource.api_base.map(|base| base.trim_end_matches('/')).filter(|base| !base.is_empty());
    out.url = format!("{}{path}", base.unwrap_or(STORAGE));
    out.auth = Some(AuthNeed::Google(Box::new(google_auth(resource.params))));
    out.set_extra(resource.params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;

    const FILE: &str = "gs://b/p/litellm-vertex-files/publishers/google/models/gemini-2.5-flash/u";

    fn resource(params: &Params) -> Resource<'_> {
        Resource { path: "", query: "", model: "", api_base: None, api_key: None, params }
    }

    fn params() -> Params {
        Params::without_env([
            ("bucket_name", Json::from("b/p")),
            ("vertex_project", Json::from("pr")),
            ("vertex_location", Json::from("eu-west1")),
        ])
    }

    #[test]
    fn files_have_names_that_tell_the_model() {
        let params = params();
        let put = |model| {
            let mut out = Endpoint::default();
            let upload = Upload { model, unique: "u", filename: "a/../b c.pdf" };
            Batches.put(&upload, &resource(&params), &mut out).map(|id| (id, out.url))
        };
        let (id, url) = put(Some("gemini-2.5-flash")).unwrap();
        assert_eq!(id, FILE);
        assert_eq!(
            url,
            "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=media&name=p%2Flitellm-vertex-files%2Fpublishers%2Fgoogle%2Fmodels%2Fgemini-2.5-flash%2Fu"
        );
        assert!(put(Some("claude-sonnet-4@20250514")).unwrap().0.contains("publishers/anthropic/models/claude"));
        assert_eq!(put(None).unwrap().0, "gs://b/p/litellm-vertex-files/uploads/u/b_c.pdf");
        assert!(put(Some("meta/llama-3.3")).is_err());
        let none = Params::without_env::<String>([]);
        let upload = Upload { model: None, unique: "u", filename: "f" };
        let error = Batches.put(&upload, &resource(&none), &mut Endpoint::default()).unwrap_err();
        assert!(error.message.contains("GCS_BUCKET_NAME"), "{}", error.message);
    }

    #[test]
    fn only_our_files_are_shown() {
        let params = params();
        let at = |id: &str| {
            let mut out = Endpoint::default();
            FileHouse::at(&Batches, id, Want::Content, &resource(&params), &mut out).map(|()| out.url)
        };
        assert!(at(FILE).unwrap().ends_with("models%2Fgemini-2.5-flash%2Fu?alt=media"));
        for id in [
            "gs://other/p/litellm-vertex-files/x",
            "gs://b/secret",
            "gs://b/p/secret",
            "gs://b/p/litellm-vertex-files/../secret",
            "s3://b/p/litellm-vertex-files/x",
            "file-1",
        ] {
            assert!(at(id).is_err(), "{id}");
        }
    }

    #[test]
    fn jobs_begin_with_files() {
        let params = params();
        let mut out = Endpoint::default();
        let begin = Begin { input: FILE, name: "n", ..Begin::default() };
        let body = Batches.begin(&begin, &resource(&params), &mut out).unwrap();
        assert_eq!(
            out.url,
            "https://eu-west1-aiplatform.googleapis.com/v1/projects/pr/locations/eu-west1/batchPredictionJobs"
        );
        let body: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.text("model"), Some("publishers/google/models/gemini-2.5-flash"));
        assert!(body.to_string().contains(
            r#""outputUriPrefix":"gs://b/p/litellm-vertex-files/publishers/google/models/gemini-2.5-flash""#
        ));
        Batches.job(Job::Cancel("12"), &resource(&params), &mut out).unwrap();
        assert!(out.url.ends_with("/batchPredictionJobs/12:cancel"));
    }
}
