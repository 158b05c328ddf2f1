//! Exports of spend: the callbacks `cloudzero`, `vantage` and `focus`, which are told of days and not of calls. How their
//! services are reached is said by the environment, as in LiteLLM.

use llm_accounts::{CloudZero, Export, ExportPlan, FocusFormat, Frequency, Vantage};
use llm_blob::Cloud;
use llm_types::Secret;

use super::cache::{Bucket, environment_options};
use super::env::Environment;

/// The variables of a bucket, and the options they are for a cloud.
type Options = &'static [(&'static str, &'static str)];

const S3: Options = &[
    ("FOCUS_S3_REGION_NAME", "aws_region"),
    ("FOCUS_S3_ENDPOINT_URL", "aws_endpoint"),
    ("FOCUS_S3_ACCESS_KEY", "aws_access_key_id"),
    ("FOCUS_S3_SECRET_KEY", "aws_secret_access_key"),
    ("FOCUS_S3_SESSION_TOKEN", "aws_session_token"),
];
const GCS: Options = &[("FOCUS_GCS_PATH_SERVICE_ACCOUNT", "google_service_account")];

/// What the environment says of exports, whether they are switched on or not: settings of the database switch on, too.
pub(super) fn plan(env: &Environment) -> ExportPlan {
    let usual = ExportPlan::default();
    let minutes = number(env, "CLOUDZERO_EXPORT_INTERVAL_MINUTES").filter(|minutes| *minutes > 0);
    let base = env.filled("CLOUDZERO_BASE_URL").unwrap_or(usual.cloudzero_base);
    let interval = number(env, "VANTAGE_EXPORT_INTERVAL_SECONDS");
    ExportPlan {
        cloudzero_base: base,
        cloudzero_frequency: minutes.map_or(usual.cloudzero_frequency, |n| Frequency::Every(n.saturating_mul(60))),
        vantage_frequency: frequency(env, "VANTAGE_EXPORT_FREQUENCY", 5, interval).unwrap_or(usual.vantage_frequency),
        ..usual
    }
}

/// Switches an export on; the bucket of FOCUS files.
///
/// # Errors
/// What is missing or wrong, for people.
pub(super) fn switch_on(export: Export, env: &Environment, plan: &mut ExportPlan) -> Result<Option<Bucket>, String> {
    match export {
        Export::CloudZero => {
            let (api_key, connection_id) = (env.needed("CLOUDZERO_API_KEY")?, env.needed("CLOUDZERO_CONNECTION_ID")?);
            let timezone = env.filled("CLOUDZERO_TIMEZONE").unwrap_or_else(|| "UTC".to_owned());
            plan.cloudzero = Some(CloudZero { api_key: Secret::new(api_key), connection_id, timezone });
        }
        Export::Vantage => plan.vantage = Some(vantage(env)?),
        Export::Focus => return focus(env, plan),
    }
    Ok(None)
}

fn vantage(env: &Environment) -> Result<Vantage, String> {
    let (api_key, token) = (env.needed("VANTAGE_API_KEY")?, env.needed("VANTAGE_INTEGRATION_TOKEN")?);
    let base_url = env.filled("VANTAGE_BASE_URL").unwrap_or_else(|| Vantage::URL.to_owned());
    Ok(Vantage { api_key: Secret::new(api_key), integration_token: Secret::new(token), base_url })
}

fn focus(env: &Environment, plan: &mut ExportPlan) -> Result<Option<Bucket>, String> {
    let after = number(env, "FOCUS_CRON_OFFSET").unwrap_or(5);
    let frequency = frequency(env, "FOCUS_FREQUENCY", after, number(env, "FOCUS_INTERVAL_SECONDS"))?;
    let provider = env.filled("FOCUS_PROVIDER").map_or_else(|| "s3".to_owned(), |name| name.to_ascii_lowercase());
    let (cloud, name, options) = match provider.as_str() {
        "s3" => (Cloud::S3, "FOCUS_S3_BUCKET_NAME", S3),
        "gcs" => (Cloud::Gcs, "FOCUS_GCS_BUCKET_NAME", GCS),
        "vantage" => {
            (plan.vantage, plan.vantage_frequency) = (Some(vantage(env)?), frequency);
            return Ok(None);
        }
        other => return Err(format!("FOCUS_PROVIDER: `{other}` is not served; s3, gcs and vantage are")),
    };
    let format = match env.filled("FOCUS_FORMAT").map(|format| format.to_ascii_lowercase()).as_deref() {
        None | Some("parquet") => FocusFormat::Parquet,
        Some("csv") => FocusFormat::Csv,
        Some(other) => return Err(format!("FOCUS_FORMAT: expected parquet or csv, found `{other}`")),
    };
    let name = env.needed(name)?;
    let named: Vec<(String, Secret)> = options
        .iter()
        .filter_map(|(variable, option)| Some(((*option).to_owned(), Secret::new(env.filled(variable)?))))
        .collect();
    // What it does not say for itself is what the environment says for every bucket; one key comes with the other.
    let own_key = named.iter().any(|(option, _)| option == "aws_access_key_id" || option == "google_service_account");
    let says_who =
        |option: &str| !matches!(option, "aws_region" | "aws_endpoint" | "aws_allow_http" | "google_base_url");
    let plain = named.iter().any(|(option, value)| option == "aws_endpoint" && value.expose().starts_with("http://"));
    let mut all = named.clone();
    for (option, value) in environment_options(cloud, env) {
        if !(named.iter().any(|(known, _)| *known == option) || own_key && says_who(&option)) {
            all.push((option, value));
        }
    }
    if plain && !all.iter().any(|(option, _)| option == "aws_allow_http") {
        all.push(("aws_allow_http".to_owned(), Secret::new("true")));
    }
    let prefix = env.get("FOCUS_PREFIX").unwrap_or_else(|| "focus_exports".to_owned());
    (plan.focus, plan.focus_format, plan.focus_frequency) = (Some(prefix), format, frequency);
    Ok(Some(Bucket { cloud, name, folder: None, options: all }))
}

fn frequency(env: &Environment, name: &str, after: u32, seconds: Option<u32>) -> Result<Frequency, String> {
    match env.filled(name).map(|word| word.to_ascii_lowercase()).as_deref() {
        None | Some("hourly") => Ok(Frequency::Hourly(after)),
        Some("daily") => Ok(Frequency::Daily(after)),
        Some("interval") => Ok(Frequency::Every(seconds.unwrap_or(60).max(1))),
        Some(other) => Err(format!("{name}: expected hourly, daily or interval, found `{other}`")),
    }
}

fn number(env: &Environment, name: &str) -> Option<u32> {
    env.filled(name)?.trim().parse().ok()
}
