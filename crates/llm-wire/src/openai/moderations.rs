//! Content is judged, `POST /v1/moderations`. Request and answer are OpenAI's own, field by field.

use bytes::Bytes;
use llm_types::{Error, Format, Json, Result};

use super::errors;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::write;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug)]
pub struct Moderations;

impl TaskCodec for Moderations {
    fn format(&self) -> Format {
        Format::OpenAiModerations
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let Some(input) = request.fields.get("input").filter(|input| !input.is_null()) else {
            return Err(Error::bad_request("Missing required parameter: 'input'.").with_param("input"));
        };
        // There is nothing else to say.
        let fields = [("model", Json::from(ctx.model)), ("input", input.clone())];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, _: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let whole = crate::top::Top::parse(reply.body).ok().filter(|t| t.get("results").is_some());
        if whole.is_none() {
            return Err(errors::invalid_reply(reply, "a judgement without 'results'"));
        }
        Ok(TaskReply::json(Bytes::copy_from_slice(reply.body), None))
    }

    /// LiteLLM passes the upstream's own type on.
    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        let mut error = errors::decode(reply);
        let own = error.upstream.as_ref().and_then(|u| u.error_type.clone());
        error.openai_type = Some(own.unwrap_or_default());
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskBody;
    use llm_types::OperationKind;

    #[test]
    fn fields_go_on_and_errors_keep_their_type() {
        let request = TaskRequest {
            operation: OperationKind::Moderate,
            model: "m".into(),
            fields: serde_json::from_str(r#"{"input":["a"],"user":"u"}"#).unwrap(),
            files: Vec::new(),
        };
        let out = Moderations.encode(&request, &mut EncodeContext::for_model("m")).unwrap();
        let TaskBody::Json(body) = out.body else { panic!("no JSON") };
        assert_eq!(body, r#"{"model":"m","input":["a"]}"#);
        let body = br#"{"error":{"message":"slow","type":"rate_limit_error"}}"#;
        let error = Moderations.decode_error(&ReplyView { status: 429, provider: "openai", headers: &[], body });
        assert_eq!(error.openai_type(), "rate_limit_error");
    }
}
