//! A document is laid into the bucket of a knowledge base, which is told to look there: the base says what its data source
//! is, and that where its bucket is. <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_StartIngestionJob.html>

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use llm_types::{Error, Json, Result};

use crate::aws::{self, escaped};
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::ingest::{told, unreadable};
use crate::stores::{Came, Document, Ingestion, Step, items, text};

/// The folder in a bucket that has none of its own for the base; LiteLLM's.
const FOLDER: &str = "data/";
/// A job is looked at with this pause, when the client waits for it.
const PAUSE: Duration = Duration::from_secs(2);
/// How long it is waited for, in seconds, when nobody says.
const PATIENCE: u64 = 300;

#[derive(Debug)]
pub(super) struct Sync<'a> {
    document: Document<'a>,
    resource: Resource<'a>,
    base: &'a str,
    source: String,
    key: String,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Begin,
    Listed,
    Described,
    Laid,
    /// So many looks at the job.
    Started(u64),
}

impl<'a> Sync<'a> {
    pub(super) fn new(document: Document<'a>, resource: Resource<'a>) -> Result<Self> {
        let base = document.store.ok_or_else(|| {
            let why = "name a knowledge base: making one takes roles and a database, which are not made here";
            Error::bad_request(why).with_param("vector_store_id")
        })?;
        let (source, key) = (String::new(), String::new());
        Ok(Self { document, resource, base, source, key, stage: Stage::Begin })
    }

    fn agent(&self, method: Method, path: &str, out: &mut Endpoint) -> Result<()> {
        let region = aws::region(self.resource.params, None);
        let host = self.resource.params.str("bedrock_agent_endpoint").map(|base| base.trim_end_matches('/').to_owned()); // tidy: provider-id, a setting's name
        let host = host.unwrap_or_else(|| aws::host("bedrock-agent", &region));
        out.method = method;
        out.url = format!("{host}/knowledgebases/{}/datasources/{path}", escaped(self.base));
        out.set("content-type", "application/json")?;
        out.auth = Some(aws::auth("bedrock", region, self.resource.params));
        Ok(())
    }

    fn describe(&mut self, source: String, out: &mut Endpoint) -> Result<Step> {
        self.source = source;
        self.agent(Method::GET, &escaped(&self.source), out)?;
        self.stage = Stage::Described;
        Ok(Step::Ask(Bytes::new()))
    }

    fn lay(&mut self, described: &Json, out: &mut Endpoint) -> Result<Step> {
        let config = described.get("dataSource").and_then(|d| d.get("dataSourceConfiguration"));
        let bucket = config.and_then(|c| c.get("s3Configuration"));
        let bucket = bucket.ok_or_else(|| unreadable("its data source is no bucket"))?;
        let name = told(bucket, &["bucketArn"])?.rsplit(':').next().unwrap_or_default().to_owned();
        // It becomes part of a host's name.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)) {
            return Err(unreadable("the name of its bucket is none"));
        }
        let folder = items(bucket, "inclusionPrefixes").first().and_then(Json::as_str).unwrap_or(FOLDER);
        let folder = folder.trim_matches('/');
        let file = self.document.plain_name();
        self.key = if folder.is_empty() { file } else { format!("{folder}/{file}") };
        let path: Vec<String> = self.key.split('/').map(escaped).collect();
        let params = self.resource.params;
        let region = aws::region(params, None);
        out.method = Method::PUT;
        out.url = match params.str("s3_endpoint_url").map(|base| base.trim_end_matches('/')) {
            Some(base) => format!("{base}/{}/{}", escaped(&name), path.join("/")),
            None => format!("https://{name}.s3.{region}.amazonaws.com/{}", path.join("/")),
        };
        out.set("content-type", self.document.content_type)?;
        out.auth = Some(aws::auth("s3", region, params));
        self.stage = Stage::Laid;
        Ok(Step::Ask(self.document.data.clone()))
    }

    fn look(&mut self, job: &str, looks: u64, out: &mut Endpoint) -> Result<Step> {
        let path = format!("{}/ingestionjobs/{}", escaped(&self.source), escaped(job));
        self.agent(Method::GET, &path, out)?;
        self.stage = Stage::Started(looks + 1);
        Ok(Step::Later(PAUSE, Bytes::new()))
    }

    fn done(&self) -> Step {
        Step::Done { store: self.base.to_owned(), file: Some(self.key.clone()) }
    }
}

impl Ingestion for Sync<'_> {
    fn next(&mut self, came: Came<'_>, out: &mut Endpoint) -> Result<Step> {
        match self.stage {
            Stage::Begin => match self.document.option("data_source_id") {
                Some(source) => self.describe(source.to_owned(), out),
                None => {
                    self.agent(Method::POST, "", out)?;
                    self.stage = Stage::Listed;
                    Ok(Step::Ask(Bytes::from_static(b"{}")))
                }
            },
            Stage::Listed => {
                let listed = came.json()?;
                let first = items(&listed, "dataSourceSummaries").first();
                let source = first.map(|s| text(s, "dataSourceId").to_owned()).filter(|id| !id.is_empty());
                self.describe(source.ok_or_else(|| unreadable("it has no data source"))?, out)
            }
            Stage::Described => {
                let described = came.json()?;
                self.lay(&described, out)
            }
            Stage::Laid => {
                came.said()?;
                self.agent(Method::PUT, &format!("{}/ingestionjobs/", escaped(&self.source)), out)?;
                self.stage = Stage::Started(0);
                Ok(Step::Ask(Bytes::from_static(b"{}")))
            }
            Stage::Started(looks) => {
                let job = came.json()?;
                let (id, status) =
                    (told(&job, &["ingestionJob", "ingestionJobId"])?, told(&job, &["ingestionJob", "status"]));
                let waits = self.document.options.get("wait_for_ingestion").and_then(Json::as_bool) == Some(true);
                match status.unwrap_or_default() {
                    "FAILED" => Err(unreadable("the knowledge base could not take the document in")),
                    "COMPLETE" => Ok(self.done()),
                    _ if !waits => Ok(self.done()),
                    _ => {
                        let patience = self.document.options.get("ingestion_timeout").and_then(Json::as_i64);
                        let patience = patience.and_then(|s| u64::try_from(s).ok()).unwrap_or(PATIENCE).min(PATIENCE);
                        if looks * PAUSE.as_secs() >= patience {
                            return Ok(self.done());
                        }
                        self.look(id, looks, out)
                    }
                }
            }
        }
    }
}
