//! Message Batches. <https://platform.claude.com/docs/en/build-with-claude/batch-processing>

use bytes::Bytes;
use http::Method;
use llm_types::{Error, Format, Result};
use llm_wire::batches::BatchCodec;
use llm_wire::batches::anthropic::{MessageBatches, create};

use super::{OAUTH_BETA, show_key};
use crate::aws::escaped;
use crate::batches::{BatchHouse, Begin, Job};
use crate::endpoint::no_base;
use crate::generated;
use crate::provider::Endpoint;
use crate::resource::Resource;

/// How ids of batches begin; their results have the same.
const ID: &str = "msgbatch_";

/// The house.
#[derive(Debug)]
pub(super) struct Batches;

impl BatchHouse for Batches {
    fn codec(&self) -> &'static dyn BatchCodec {
        &MessageBatches
    }

    fn begin(&self, begin: &Begin<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        if begin.requests.is_empty() {
            return Err(Error::bad_request("the file has no requests").with_param("input_file_id"));
        }
        place("", begin.betas, resource, out)?;
        out.set("content-type", "application/json")?;
        Ok(create(begin.requests))
    }

    fn job(&self, job: Job<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let tail = match job {
            Job::List { limit, after } => {
                let limit = limit.map(|n| format!("limit={n}"));
                let after = after.map(|id| format!("after_id={}", escaped(id)));
                let query: Vec<String> = limit.into_iter().chain(after).collect();
                if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
            }
            Job::Facts(id) => format!("/{}", escaped(id)),
            Job::Cancel(id) => format!("/{}/cancel", escaped(id)),
        };
        place(&tail, "", resource, out)?;
        out.method = if matches!(job, Job::Cancel(_)) { Method::POST } else { Method::GET };
        Ok(())
    }

    fn results(&self, id: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<bool> {
        if !id.starts_with(ID) {
            return Ok(false);
        }
        place(&format!("/{}/results", escaped(id)), "", resource, out)?;
        out.method = Method::GET;
        Ok(true)
    }
}

fn place(tail: &str, betas: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    let row = &generated::ANTHROPIC;
    let base = row.base(resource.api_base, resource.params).ok_or_else(|| no_base(row))?;
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    out.url = format!("{base}/v1/messages/batches{tail}");
    out.set("anthropic-version", "2023-06-01")?;
    out.set("accept", "application/json")?;
    let oauth = show_key(row, &resource.call(Format::AnthropicMessages), out)?;
    out.set_extra(resource.params)?;
    let all: Vec<&str> = [betas, if oauth { OAUTH_BETA } else { "" }].into_iter().filter(|b| !b.is_empty()).collect();
    if all.is_empty() { Ok(()) } else { out.set("anthropic-beta", &all.join(",")) }
}

#[cfg(test)]
mod tests {
    use llm_types::{RawJson, Secret};

    use super::*;
    use crate::params::Params;

    #[test]
    fn jobs_have_places() {
        let (key, none) = (Secret::new("sk-ant-api"), Params::without_env::<String>([]));
        let base = Some("http://h/v1");
        let resource = Resource { path: "", query: "", model: "", api_base: base, api_key: Some(&key), params: &none };
        let url = |job: Job<'_>| {
            let mut out = Endpoint::default();
            Batches.job(job, &resource, &mut out).unwrap();
            format!("{} {}", out.method, out.url)
        };
        assert_eq!(url(Job::List { limit: None, after: None }), "GET http://h/v1/messages/batches");
        let page = Job::List { limit: Some(2), after: Some("msgbatch_1") };
        assert_eq!(url(page), "GET http://h/v1/messages/batches?limit=2&after_id=msgbatch_1");
        assert_eq!(url(Job::Facts("a/b")), "GET http://h/v1/messages/batches/a%2Fb");
        assert_eq!(url(Job::Cancel("b")), "POST http://h/v1/messages/batches/b/cancel");
        let mut out = Endpoint::default();
        assert!(Batches.results("msgbatch_1", &resource, &mut out).unwrap());
        assert_eq!(out.url, "http://h/v1/messages/batches/msgbatch_1/results");
        assert!(!Batches.results("file-1", &resource, &mut out).unwrap());
        let requests = [RawJson::parse("{}").unwrap()];
        let begin = Begin { requests: &requests, betas: "b-1", ..Begin::default() };
        assert_eq!(Batches.begin(&begin, &resource, &mut out).unwrap(), r#"{"requests":[{}]}"#);
        assert_eq!(out.headers["anthropic-beta"], "b-1");
        assert_eq!(out.headers["x-api-key"], "sk-ant-api");
        assert!(Batches.begin(&Begin::default(), &resource, &mut out).is_err());
    }
}
