//! Documents put in order: `POST /rerank` of the agent runtime.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html>

use bytes::BytesMut;
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, Result, Usage, UsageSource};
use serde::{Deserialize, Serialize};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors::invalid_reply;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};
use crate::top::write_json;

/// The codec. The model is written as it comes; the upstream wants an ARN.
#[derive(Debug, Clone, Copy)]
pub struct Rerank;

impl TaskCodec for Rerank {
    fn format(&self) -> Format {
        Format::BedrockRerank
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let missing =
            |name: &str| Error::bad_request(format!("Missing required parameter: '{name}'.")).with_param(name);
        let mut rest = write::fields(request);
        let query = write::take(&mut rest, "query");
        let query = query.as_ref().and_then(Json::as_str).ok_or_else(|| missing("query"))?;
        let documents = write::take(&mut rest, "documents");
        let documents = documents.as_ref().and_then(Json::as_array).ok_or_else(|| missing("documents"))?;
        let text = |t: &str| Json::object([("text", t)]);
        let query = Json::object([("type", Json::from("TEXT")), ("textQuery", text(query))]);
        let source = |document: &Json| {
            let inline = match document.as_str() {
                Some(t) => Json::object([("type", Json::from("TEXT")), ("textDocument", text(t))]),
                None => Json::object([("type", Json::from("JSON")), ("jsonDocument", document.clone())]),
            };
            Json::object([("type", Json::from("INLINE")), ("inlineDocumentSource", inline)])
        };
        let model = Json::object([("modelArn", request.model.as_str())]);
        let mut config = Json::object([("modelConfiguration", model)]);
        let all = || Json::from(documents.len() as u64);
        config.set("numberOfResults", write::take(&mut rest, "top_n").unwrap_or_else(all));
        let config =
            Json::object([("type", Json::from("BEDROCK_RERANKING_MODEL")), ("bedrockRerankingConfiguration", config)]);
        ctx.lost.extend(rest.into_iter().map(|(name, _)| name));
        let fields = [
            ("queries", Json::Array(vec![query])),
            ("rerankingConfiguration", config),
            ("sources", Json::Array(documents.iter().map(source).collect())),
        ];
        let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, _: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let said: Said = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let answer = Answer {
            id: &ctx.fallback_id,
            results: &said.results,
            meta: Meta { billed_units: Units { search_units: 1 } },
        };
        let mut out = BytesMut::new();
        write_json(&answer, &mut out);
        let usage = Usage { queries: 1, source: UsageSource::Reported, ..Usage::default() };
        Ok(TaskReply::json(out.freeze(), Some(UsageReport { usage, raw: None })))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        super::error::decode(reply)
    }
}

#[derive(Deserialize)]
struct Said {
    results: Vec<Scored>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
struct Scored {
    index: u64,
    relevance_score: serde_json::Number,
}

/// The order, as clients of LiteLLM know it. One search is billed whatever its length.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    results: &'a [Scored],
    meta: Meta,
}

#[derive(Serialize)]
struct Meta {
    billed_units: Units,
}

#[derive(Serialize)]
struct Units {
    search_units: u64,
}

#[cfg(test)]
mod tests {
    use llm_types::OperationKind;

    use super::*;
    use crate::task::{ReplyBody, TaskBody};

    #[test]
    fn documents_are_texts_or_trees() {
        let fields = r#"{"query":"q","documents":["a",{"title":"b"}],"top_n":1,"return_documents":true}"#;
        let request = TaskRequest {
            operation: OperationKind::Rerank,
            model: "amazon.rerank-v1:0".into(),
            fields: serde_json::from_str(fields).unwrap(),
            files: Vec::new(),
        };
        let mut ctx = EncodeContext::for_model("m");
        let TaskBody::Json(body) = Rerank.encode(&request, &mut ctx).unwrap().body else { panic!("not JSON") };
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"queries":[{"type":"TEXT","textQuery":{"text":"q"}}],"rerankingConfiguration":{"type":"BEDROCK_RERANKING_MODEL","bedrockRerankingConfiguration":{"modelConfiguration":{"modelArn":"amazon.rerank-v1:0"},"numberOfResults":1}},"sources":[{"type":"INLINE","inlineDocumentSource":{"type":"TEXT","textDocument":{"text":"a"}}},{"type":"INLINE","inlineDocumentSource":{"type":"JSON","jsonDocument":{"title":"b"}}}]}"#
        );
        assert_eq!(ctx.lost, ["return_documents"]);
        let body =
            br#"{"results":[{"index":1,"relevanceScore":0.98},{"index":0,"relevanceScore":0.1}],"nextToken":"x"}"#;
        let view = ReplyView { status: 200, provider: "acme", headers: &[], body };
        let reply = Rerank.decode(&request, &view, &ReplyContext::default()).unwrap();
        let ReplyBody::Json(json) = &reply.body else { panic!("not JSON") };
        assert_eq!(
            std::str::from_utf8(json).unwrap(),
            r#"{"id":"","results":[{"index":1,"relevance_score":0.98},{"index":0,"relevance_score":0.1}],"meta":{"billed_units":{"search_units":1}}}"#
        );
    }
}
