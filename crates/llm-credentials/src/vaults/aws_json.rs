//! Calls of AWS services that speak JSON 1.1: one address, the operation in a header, Signature 4.

use http::{HeaderName, HeaderValue, Method};
use llm_types::auth::AwsAuth;
use llm_types::{AuthNeed, Error, Json, Kind, Result};

use super::VaultSettings;
use super::desk::{self, Desk};

const WHO: &str = "AWS";
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// A service.
#[derive(Debug)]
pub(super) struct AwsJson {
    pub(super) desk: Desk,
    need: AuthNeed,
    url: String,
    target: &'static str,
}

/// A refusal: its type, and the error that it is for everybody who does not know better.
pub(super) struct Refusal {
    pub(super) kind: String,
    pub(super) error: Error,
}

impl AwsJson {
    /// `service`: for the signature and the host; `target`: in front of operations; `endpoint`: the variable that says where
    /// it is, when not at its usual place.
    pub(super) fn new(
        desk: Desk,
        service: &'static str,
        target: &'static str,
        endpoint: &str,
        settings: &VaultSettings,
    ) -> Self {
        let named = Some(settings.aws.region.clone()).filter(|region| !region.is_empty());
        let region = named
            .or_else(|| desk.ambient.first(&["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"]))
            .unwrap_or_else(|| "us-west-2".to_owned());
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = || format!("https://{service}.{region}.{domain}");
        let url = desk.ambient.first(&[endpoint, "AWS_ENDPOINT_URL"]).unwrap_or_else(usual);
        let need = AwsAuth { service: service.to_owned(), region, ..settings.aws.clone() };
        AwsJson { desk, need: AuthNeed::Aws(Box::new(need)), url: format!("{}/", url.trim_end_matches('/')), target }
    }

    /// What the operation answers.
    pub(super) async fn call(&self, operation: &str, body: &Json) -> std::result::Result<Json, Refusal> {
        let other = |error| Refusal { kind: String::new(), error };
        let json = Some("application/x-amz-json-1.1");
        let mut request = desk::request(Method::POST, &self.url, json, body.to_string()).map_err(other)?;
        let target = HeaderValue::from_str(&format!("{}.{operation}", self.target));
        request.headers_mut().insert(TARGET, target.map_err(|_| other(Error::internal("an AWS operation")))?);
        self.desk.signer.apply(self.desk.http(), &self.need, &mut request).await.map_err(other)?;
        let answer = self.desk.flow().send(WHO, request).await.map_err(other)?;
        let reply = serde_json::from_slice::<Json>(&answer.body);
        if answer.ok() {
            return reply.map_err(|_| other(desk::odd(WHO)));
        }
        let reply = reply.unwrap_or_default();
        let kind = reply.text("__type").unwrap_or_default();
        let kind = kind.rsplit('#').next().unwrap_or_default().to_owned();
        let mut reason = answer.reason();
        if !kind.is_empty() {
            reason = format!("{kind}: {reason}");
        }
        let mut error = answer.error(WHO, &reason, &[]);
        if kind == "ThrottlingException" {
            error.kind = Kind::RateLimit;
        }
        Err(Refusal { kind, error })
    }
}

impl Refusal {
    /// Nothing when the refusal only says that there is nothing.
    pub(super) fn unless(self, kinds: &[&str]) -> Result<()> {
        if kinds.contains(&self.kind.as_str()) { Ok(()) } else { Err(self.error) }
    }
}
