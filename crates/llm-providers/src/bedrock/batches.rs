//! Model invocation jobs, whose files are in S3.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateModelInvocationJob.html>

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use llm_types::{Error, Json, OperationKind, Result};
use llm_wire::ReplyView;
use llm_wire::batches::bedrock::InvocationJobs;
use llm_wire::batches::{BatchCodec, moment};

use super::route::Model;
use crate::aws::{self, escaped, is_region};
use crate::batches::{BatchHouse, Begin, Bucket, FileHouse, Job, Upload, Want, file};
use crate::generated;
use crate::provider::Endpoint;
use crate::resource::Resource;

/// Below it are the files of requests; the next segment tells the model.
const INPUT: &str = "litellm-bedrock-files/";
/// Below it are other files.
const UPLOADS: &str = "litellm-bedrock-uploads/";
/// Below it are results.
const OUTPUT: &str = "litellm-batch-outputs/";
const OURS: [&str; 3] = [INPUT, UPLOADS, OUTPUT];

/// The house.
#[derive(Debug)]
pub(super) struct Batches;

impl BatchHouse for Batches {
    fn codec(&self) -> &'static dyn BatchCodec {
        &InvocationJobs
    }

    fn files(&self) -> Option<&'static dyn FileHouse> {
        Some(&Self)
    }

    /// Jobs take what `InvokeModel` takes.
    fn model<'a>(&self, model: &'a str, operation: OperationKind) -> Cow<'a, str> {
        match operation {
            OperationKind::Generate => Cow::Owned(format!("invoke/{}", Model::of(model).name)),
            _ => Cow::Borrowed(model),
        }
    }

    fn begin(&self, begin: &Begin<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        let params = resource.params;
        let text = |name: &str, env: &str| params.str(name).map(str::to_owned).or_else(|| params.env(env));
        let input = bucket(resource)?;
        let object = input.object(begin.input, &[INPUT])?;
        let named = object.split_once(INPUT).and_then(|(_, rest)| rest.split('/').next()).map(|m| m.replace('!', "/"));
        let model = begin.model.map(str::to_owned).or(named).unwrap_or_default();
        let role = text("aws_batch_role_arn", "AWS_BATCH_ROLE_ARN").ok_or_else(|| {
            let why = "batches need a role: set aws_batch_role_arn or AWS_BATCH_ROLE_ARN";
            Error::bad_request(why).with_param("aws_batch_role_arn")
        })?;
        let output = output(resource)?.unwrap_or(input);
        let job = format!("litellm-{}", begin.name);
        let folder = output.uri(&output.below(&format!("{OUTPUT}{job}/")));
        let mut written = Json::object([("s3Uri", Json::from(folder))]);
        if let Some(key) = text("s3_encryption_key_id", "AWS_S3_ENCRYPTION_KEY_ID") {
            written.set("s3EncryptionKeyId", key);
        }
        let read = Json::object([("s3Uri", Json::from(begin.input))]);
        let body = Json::object([
            ("modelId", Json::from(Model::of(&model).id)),
            ("jobName", Json::from(job)),
            ("inputDataConfig", Json::object([("s3InputDataConfig", read)])),
            ("outputDataConfig", Json::object([("s3OutputDataConfig", written)])),
            ("roleArn", Json::from(role)),
            ("timeoutDurationInHours", Json::from(24_u32)),
        ]);
        let region = aws::region(params, Model::of(&model).region);
        control(&region, "/model-invocation-job", resource, out)?;
        out.set("content-type", "application/json")?;
        Ok(Bytes::from(body.to_string()))
    }

    fn job(&self, job: Job<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let (region, path) = match job {
            Job::List { limit, after } => {
                let size = limit.map(|n| format!("maxResults={n}"));
                let after = after.map(|token| format!("nextToken={}", escaped(token)));
                let query: Vec<String> = size.into_iter().chain(after).collect();
                let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
                (aws::region(resource.params, None), format!("/model-invocation-jobs{query}"))
            }
            Job::Facts(id) => (region_of(id)?, format!("/model-invocation-job/{}", escaped(id))),
            Job::Cancel(id) => (region_of(id)?, format!("/model-invocation-job/{}/stop", escaped(id))),
        };
        control(&region, &path, resource, out)?;
        out.method = if matches!(job, Job::Cancel(_)) { Method::POST } else { Method::GET };
        Ok(())
    }

    fn cancel_tells(&self) -> bool {
        false
    }

    fn results(&self, id: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<bool> {
        if !id.ends_with(".out") {
            return Ok(false);
        }
        self.at(id, Want::Content, resource, out).map(|()| true)
    }
}

impl FileHouse for Batches {
    fn put(&self, upload: &Upload<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<String> {
        let bucket = bucket(resource)?;
        let name = match upload.model {
            Some(model) => format!("{INPUT}{}/{}.jsonl", Model::of(model).id.replace('/', "!"), upload.unique),
            None => format!("{UPLOADS}{}/{}", upload.unique, file::plain(upload.filename)),
        };
        let name = bucket.below(&name);
        storage(&bucket.name, &name, resource, out)?;
        out.method = Method::PUT;
        out.set("content-type", "application/json")?;
        Ok(bucket.uri(&name))
    }

    fn at(&self, id: &str, want: Want, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let (first, second) = (bucket(resource)?, output(resource)?);
        let own = second.filter(|second| id.starts_with(&second.uri(""))).unwrap_or(first);
        let name = own.object(id, &OURS)?;
        storage(&own.name, name, resource, out)?;
        out.method = match want {
            Want::Facts => Method::HEAD,
            Want::Content => Method::GET,
            Want::Removal => Method::DELETE,
        };
        Ok(())
    }

    /// S3 tells in headers, and after an upload nothing.
    fn facts(&self, id: &str, reply: &ReplyView<'_>) -> Json {
        let header = |name: &str| reply.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        file::Facts {
            id,
            bytes: header("content-length").and_then(|n| n.parse().ok()),
            created: header("last-modified").and_then(moment::of_header),
        }
        .json()
    }
}

fn bucket(resource: &Resource<'_>) -> Result<Bucket> {
    let own = resource.params.str("s3_bucket_name").map(str::to_owned);
    let name = own.or_else(|| resource.params.env("AWS_S3_BUCKET_NAME"));
    Bucket::of("s3", name.as_deref(), "s3_bucket_name or AWS_S3_BUCKET_NAME")
}

/// The bucket of results, where it is another one.
fn output(resource: &Resource<'_>) -> Result<Option<Bucket>> {
    let own = resource.params.str("s3_output_bucket_name").map(str::to_owned);
    let name = own.or_else(|| resource.params.env("AWS_S3_OUTPUT_BUCKET_NAME"));
    name.map(|name| Bucket::of("s3", Some(&name), "")).transpose()
}

/// The region of a job, which is the one that is asked: it stands in the id that a client shows.
fn region_of(arn: &str) -> Result<String> {
    let mut pieces = arn.split(':');
    let region = pieces.nth(3).filter(|region| is_region(region));
    let job = pieces.nth(1).is_some_and(|what| what.starts_with("model-invocation-job/"));
    let region = region.filter(|_| job && arn.starts_with("arn:aws"));
    region.map(str::to_owned).ok_or_else(|| {
        Error::bad_request(format!("{arn:?} is no ARN of a model invocation job")).with_param("batch_id")
    })
}

/// AWS's own variables name other endpoints of a service.
fn base(own: Option<&str>, env: &str, service: &str, region: &str, resource: &Resource<'_>) -> String {
    let base = own.map(str::to_owned).or_else(|| resource.params.env(env));
    base.map_or_else(|| aws::host(service, region), |base| base.trim_end_matches('/').to_owned())
}

fn control(region: &str, path: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    out.url = format!("{}{path}", base(None, "AWS_ENDPOINT_URL_BEDROCK", "bedrock", region, resource));
    out.set_extra(resource.params)?;
    match generated::BEDROCK.key(resource.api_key, resource.params) {
        Some(key) => out.set("authorization", &format!("Bearer {}", key.expose())),
        None => {
            out.auth = Some(aws::auth("bedrock", region.to_owned(), resource.params));
            Ok(())
        }
    }
}

fn storage(bucket: &str, name: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    let own = resource.params.str("s3_region_name").map(str::to_owned);
    let region = own.unwrap_or_else(|| aws::region(resource.params, None));
    let base = base(resource.params.str("s3_endpoint_url"), "AWS_ENDPOINT_URL_S3", "s3", &region, resource);
    let path: Vec<String> = name.split('/').map(escaped).collect();
    out.url = format!("{base}/{}/{}", escaped(bucket), path.join("/"));
    out.auth = Some(aws::auth("s3", region, resource.params));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;

    const JOB: &str = "arn:aws:bedrock:eu-west-1:123456789012:model-invocation-job/abc";

    fn params() -> Params {
        Params::without_env([
            ("s3_bucket_name", Json::from("in")),
            ("s3_output_bucket_name", Json::from("out/deep")),
            ("aws_batch_role_arn", Json::from("arn:aws:iam::1:role/r")),
            ("aws_region_name", Json::from("us-east-1")),
        ])
    }

    fn resource(params: &Params) -> Resource<'_> {
        Resource { path: "", query: "", model: "", api_base: None, api_key: None, params }
    }

    #[test]
    fn files_and_jobs_have_places() {
        let params = params();
        let mut out = Endpoint::default();
        let upload =
            Upload { model: Some("us-west-2/anthropic.claude-3-haiku-20240307-v1:0"), unique: "u", filename: "" };
        let id = Batches.put(&upload, &resource(&params), &mut out).unwrap();
        assert_eq!(id, "s3://in/litellm-bedrock-files/anthropic.claude-3-haiku-20240307-v1:0/u.jsonl");
        assert_eq!(
            out.url,
            "https://s3.us-east-1.amazonaws.com/in/litellm-bedrock-files/anthropic.claude-3-haiku-20240307-v1%3A0/u.jsonl"
        );
        let begin = Begin { input: &id, name: "n", ..Begin::default() };
        let body = Batches.begin(&begin, &resource(&params), &mut out).unwrap();
        assert_eq!(out.url, "https://bedrock.us-east-1.amazonaws.com/model-invocation-job");
        assert_eq!(
            body,
            r#"{"modelId":"anthropic.claude-3-haiku-20240307-v1:0","jobName":"litellm-n","inputDataConfig":{"s3InputDataConfig":{"s3Uri":"s3://in/litellm-bedrock-files/anthropic.claude-3-haiku-20240307-v1:0/u.jsonl"}},"outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://out/deep/litellm-batch-outputs/litellm-n/"}},"roleArn":"arn:aws:iam::1:role/r","timeoutDurationInHours":24}"#
        );
        Batches.job(Job::Cancel(JOB), &resource(&params), &mut out).unwrap();
        assert_eq!(
            out.url,
            "https://bedrock.eu-west-1.amazonaws.com/model-invocation-job/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Amodel-invocation-job%2Fabc/stop"
        );
        assert!(
            Batches
                .results("s3://out/deep/litellm-batch-outputs/litellm-n/abc/u.jsonl.out", &resource(&params), &mut out)
                .unwrap()
        );
        assert!(out.url.contains("/out/deep/litellm-batch-outputs/"));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let params = params();
        let mut out = Endpoint::default();
        for id in ["s3://in/secret", "s3://other/litellm-batch-outputs/x", "s3://in/litellm-batch-outputs/../secret"] {
            assert!(Batches.at(id, Want::Content, &resource(&params), &mut out).is_err(), "{id}");
        }
        for id in ["abc", "arn:aws:bedrock:evil.test/:1:model-invocation-job/a", "arn:aws:bedrock:eu-west-1:1:x/a"] {
            assert!(Batches.job(Job::Facts(id), &resource(&params), &mut out).is_err(), "{id}");
        }
    }
}
