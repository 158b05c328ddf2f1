//! Services of AWS that are one path: AWS's JSON protocol 1.1, where a header says what is asked.
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use llm_types::{Error, Result};

use super::{Mount, Passing};
use crate::aws;
use crate::params::Params;
use crate::provider::Endpoint;

/// Characters that are billed together.
const UNIT: usize = 100;

/// Such a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwsJson {
    /// What stands before the operation in `X-Amz-Target`.
    pub target: &'static str,
    /// The operations that may be called, and nano-dollars for 100 characters of text; nothing: all of them.
    pub prices: &'static [(&'static str, u32)],
}

impl AwsJson {
    /// The operation that a client asks for: by its path, or, where that is empty, by `X-Amz-Target`, as AWS's own
    /// clients do.
    ///
    /// # Errors
    /// `BadRequest` for none, and for one that may not be called here.
    pub fn operation<'o>(&self, mount: &Mount, rest: &'o str, header: Option<&'o str>) -> Result<&'o str> {
        let target = self.target;
        let named = || header.and_then(|h| h.strip_prefix(target)?.strip_prefix('.'));
        let name = if rest.is_empty() { named() } else { Some(rest) };
        let name = name.filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric()));
        let asked = name.ok_or_else(|| {
            Error::bad_request(format!("/{0}/<Operation>, or a header X-Amz-Target: {target}.<Operation>", mount.path))
        })?;
        if self.prices.is_empty() || self.prices.iter().any(|(known, _)| *known == asked) {
            return Ok(asked);
        }
        let known: Vec<&str> = self.prices.iter().map(|(known, _)| *known).collect();
        let why = format!("Unsupported operation of {}: {asked}. Supported: {}", mount.provider, known.join(", "));
        Err(Error::bad_request(why))
    }

    /// What an operation costs for a text of so many characters, in US dollars.
    #[must_use]
    pub fn price(&self, operation: &str, characters: usize) -> f64 {
        let price = self.prices.iter().find(|(known, _)| *known == operation).map_or(0, |(_, price)| *price);
        f64::from(price) / 1e9 * characters.div_ceil(UNIT).max(1) as f64
    }

    /// `passing.rest` is the operation.
    pub(super) fn place(
        &self,
        mount: &Mount,
        passing: &Passing<'_>,
        params: &Params,
        out: &mut Endpoint,
    ) -> Result<()> {
        let region = aws::region(params, None);
        let base = mount.base(passing.given, params).unwrap_or_else(|| aws::host(mount.path, &region));
        out.url = format!("{}/", base.trim_end_matches('/'));
        out.set("content-type", "application/x-amz-json-1.1")?;
        out.set("x-amz-target", &format!("{}.{}", self.target, passing.rest))?;
        out.auth = Some(aws::auth(mount.path, region, params));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use llm_types::AuthNeed;

    use super::super::{Scheme, find};
    use super::*;

    fn service(mount: &Mount) -> AwsJson {
        let Scheme::AwsJson(service) = mount.scheme else { panic!("not a service of one path") };
        service
    }

    #[test]
    fn the_operation_stands_in_the_path_or_in_the_header() {
        let (mount, rest) = find("/comprehendmedical/DetectPHI").unwrap();
        let medical = service(mount);
        assert_eq!(medical.operation(mount, rest, None).unwrap(), "DetectPHI");
        let (mount, rest) = find("/comprehendmedical").unwrap();
        assert_eq!(
            medical.operation(mount, rest, Some("ComprehendMedical_20181030.InferRxNorm")).unwrap(),
            "InferRxNorm"
        );
        for header in [None, Some("Transcribe.DetectPHI"), Some("ComprehendMedical_20181030.")] {
            assert!(medical.operation(mount, rest, header).unwrap_err().message.contains("X-Amz-Target"), "{header:?}");
        }
        let refused = medical.operation(mount, "StopEntitiesDetectionV2Job", None).unwrap_err().message;
        assert!(
            refused.ends_with("DetectEntitiesV2, DetectPHI, InferICD10CM, InferRxNorm, InferSNOMEDCT"),
            "{refused}"
        );
        assert!(medical.operation(mount, "a/b", None).is_err());
        let (mount, _) = find("/transcribe").unwrap();
        assert_eq!(service(mount).operation(mount, "ListTranscriptionJobs", None).unwrap(), "ListTranscriptionJobs");
        assert!(find("/transcribed").is_none() && find("/openai").is_none());
    }

    #[test]
    fn texts_are_billed_by_started_hundreds() {
        let (mount, _) = find("/comprehendmedical").unwrap();
        let near = |operation: &str, characters: usize, dollars: f64| {
            assert!((service(mount).price(operation, characters) - dollars).abs() < 1e-12, "{operation} {characters}");
        };
        near("DetectEntitiesV2", 0, 0.01);
        near("DetectEntitiesV2", 100, 0.01);
        near("DetectEntitiesV2", 101, 0.02);
        near("InferRxNorm", 250, 0.00075);
    }

    #[test]
    fn the_call_is_signed_for_the_service() {
        let (mount, rest) = find("/comprehendmedical/DetectPHI").unwrap();
        let params = Params::without_env([("aws_region_name", llm_types::Json::from("eu-west-2"))]);
        let mut out = Endpoint::default();
        let given = Some(super::super::Given { api_base: None, api_key: None, params: &params });
        mount.place(&Passing { rest, query: "", given, own: false }, &mut out).unwrap();
        assert_eq!(out.url, "https://comprehendmedical.eu-west-2.amazonaws.com/");
        assert_eq!(out.headers.get("x-amz-target").unwrap(), "ComprehendMedical_20181030.DetectPHI");
        let Some(AuthNeed::Aws(auth)) = out.auth else { panic!("not signed") };
        assert_eq!((auth.service.as_str(), auth.region.as_str()), ("comprehendmedical", "eu-west-2"));
    }
}
