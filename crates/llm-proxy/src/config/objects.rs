//! Callbacks that write calls into buckets: `s3`, `s3_v2`, `gcs_bucket`, `azure_storage`.

use llm_blob::Cloud;
use llm_callbacks::Layout;
use llm_callbacks::registry::Objects;
use llm_types::Secret;

use super::cache::{Bucket, azure_bucket, environment_options, s3_bucket};
use super::env::Environment;
use super::section::Section;

/// Where calls are written.
#[derive(Debug, Clone)]
pub struct ObjectPlace {
    /// Whose callback it is.
    pub objects: Objects,
    /// The bucket.
    pub bucket: Bucket,
    /// How objects are named.
    pub layout: Layout,
}

/// `s3_callback_params` that change nothing here: how LiteLLM's queue works.
const IDLE: &str =
    "s3_flush_interval s3_batch_size s3_use_ssl s3_api_version s3_max_concurrent_uploads s3_max_queue_size
    s3_max_retry_age_seconds s3_drop_on_terminal_error s3_adaptive_concurrency s3_max_adaptive_concurrency
    s3_use_virtual_hosted_style";
/// Those that are not served.
const LATER: &str =
    "s3_verify s3_config s3_aws_session_name s3_aws_profile_name s3_aws_role_name s3_aws_web_identity_token
    s3_aws_sts_endpoint s3_strip_base64_files s3_server_side_encryption s3_sse_kms_key_id s3_log_prompts_only
    s3_batch_file_upload";

/// The place of a callback.
///
/// # Errors
/// What is missing or wrong, for people.
pub(super) fn read(objects: Objects, s: &Section<'_>, env: &Environment) -> Result<ObjectPlace, String> {
    let (bucket, layout) = match objects {
        Objects::S3 => s3(s, env)?,
        Objects::Gcs => gcs(env)?,
        Objects::Azure => azure(env)?,
    };
    Ok(ObjectPlace { objects, bucket, layout })
}

fn s3(s: &Section<'_>, env: &Environment) -> Result<(Bucket, Layout), String> {
    let params = s.section("s3_callback_params").ok_or("s3_callback_params.s3_bucket_name is missing")?;
    let name = params.text("s3_bucket_name").filter(|name| !name.is_empty());
    let name = name.ok_or("s3_callback_params.s3_bucket_name is missing")?;
    let bucket = s3_bucket(name, &params, env)?;
    let flag = |name| params.flag(name).unwrap_or_default();
    let layout = Layout::S3 {
        path: params.text("s3_path").filter(|path| !path.trim_matches('/').is_empty()),
        team: flag("s3_use_team_prefix"),
        key: flag("s3_use_key_prefix"),
    };
    params.accept(IDLE);
    params.not_served(LATER);
    params.finish();
    Ok((bucket, layout))
}

fn gcs(env: &Environment) -> Result<(Bucket, Layout), String> {
    let name = env.needed("GCS_BUCKET_NAME")?;
    let mut options = environment_options(Cloud::Gcs, env);
    if let Some(account) = env.filled("GCS_PATH_SERVICE_ACCOUNT") {
        // The one of the callback stands before the one of everything.
        options.retain(|(name, _)| name != "google_application_credentials");
        options.push(("google_service_account".to_owned(), Secret::new(account)));
    }
    let single = env.filled("GCS_USE_BATCHED_LOGGING").is_some_and(|text| text.eq_ignore_ascii_case("false"));
    let bucket = Bucket { cloud: Cloud::Gcs, name, folder: None, options };
    Ok((bucket, if single { Layout::Gcs } else { Layout::GcsLines }))
}

fn azure(env: &Environment) -> Result<(Bucket, Layout), String> {
    let (account, container) = (env.needed("AZURE_STORAGE_ACCOUNT_NAME")?, env.needed("AZURE_STORAGE_FILE_SYSTEM")?);
    let suffix = env.filled("AZURE_STORAGE_ENDPOINT_SUFFIX").unwrap_or_else(|| "core.windows.net".to_owned());
    let endpoint = env.filled("AZURE_STORAGE_ENDPOINT").unwrap_or_else(|| format!("https://{account}.blob.{suffix}"));
    Ok((azure_bucket(container, endpoint, env)?, Layout::Azure))
}
