//! A configuration that lies in a bucket: `LITELLM_CONFIG_BUCKET_NAME`, `LITELLM_CONFIG_BUCKET_OBJECT_KEY`,
//! `LITELLM_CONFIG_BUCKET_TYPE` (`gcs`; anything else is S3, as in LiteLLM). Who may read it is said by the environment, as
//! for caches in buckets.

use std::sync::Arc;

use llm_blob::{Blob as _, Bucket, Cloud, Key};
use llm_http::HttpClient;

use super::cache::environment_options;
use super::env::Environment;
use super::{Mark, Problem, Severity, Source, outbound};

/// Names the bucket.
const NAME: &str = "LITELLM_CONFIG_BUCKET_NAME";
const KEY: &str = "LITELLM_CONFIG_BUCKET_OBJECT_KEY";
const TYPE: &str = "LITELLM_CONFIG_BUCKET_TYPE";

/// A configuration that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it came from, for messages: `s3://bucket/key`.
    pub name: String,
    /// The text.
    pub text: String,
}

/// True when the environment names a bucket.
#[must_use]
pub fn is_named(env: &Environment) -> bool {
    env.filled(NAME).is_some()
}

/// Fetches the configuration that the environment names.
///
/// # Errors
/// What keeps it from being fetched, for people.
pub async fn fetch(env: &Environment) -> Result<Fetched, String> {
    let name = env.filled(NAME).ok_or_else(|| format!("{NAME} is not set"))?;
    let key = env.filled(KEY).ok_or_else(|| format!("{NAME} is set, {KEY} is not"))?;
    let gcs = env.filled(TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case("gcs"));
    let (cloud, scheme) = if gcs { (Cloud::Gcs, "gs") } else { (Cloud::S3, "s3") };
    let shown = format!("{scheme}://{name}/{key}");
    let wire = Arc::new(crate::cache::Wire(HttpClient::new(outbound::outgoing(env))));
    let told = |why: String| format!("{shown}: {why}");
    let options = environment_options(cloud, env);
    let bucket = Bucket::open(cloud, &name, &options, wire).map_err(|e| told(e.to_string()))?;
    let key = Key::new(key.trim_start_matches('/')).map_err(|e| told(e.to_string()))?;
    let object = bucket.get(&key).await.map_err(|e| told(e.to_string()))?;
    let object = object.ok_or_else(|| told("there is no such object".to_owned()))?;
    let text = String::from_utf8(object.bytes.to_vec()).map_err(|_| told("it is not UTF-8".to_owned()))?;
    Ok(Fetched { name: shown, text })
}

impl Source {
    /// The same with the configuration of a bucket, where no file is named and the environment names one. Waits for it:
    /// only before anything is served.
    ///
    /// # Errors
    /// What keeps it from being fetched.
    pub fn with_bucket(mut self, env: &Environment) -> Result<Self, Problem> {
        if self.path.is_none() && is_named(env) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let fetched = match runtime {
                Ok(runtime) => runtime.block_on(fetch(env)),
                Err(error) => Err(error.to_string()),
            };
            self.fetched = Some(Arc::new(fetched.map_err(|why| wrong(&why))?));
        }
        Ok(self)
    }
}

fn wrong(why: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        mark: Mark::whole("environment"),
        key: NAME.to_owned(),
        message: format!("the configuration cannot be fetched: {why}"),
        suggestion: Some("name a file with --config".to_owned()),
    }
}
