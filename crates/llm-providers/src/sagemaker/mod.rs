//! AWS `SageMaker`: a model is an endpoint of one's own, whatever runs behind it.

use std::borrow::Cow;

use bytes::Bytes;
use llm_types::{Error, Result};
use llm_wire::ReplyView;
use llm_wire::framing::Framing;
use llm_wire::sagemaker::OF_DEPLOYMENT;
use llm_wire::top::Top;

use crate::aws::{self, escaped};
use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// Endpoints with Hugging Face's text generation container.
#[derive(Debug)]
pub struct Sagemaker;

/// Endpoints that speak OpenAI's language.
#[derive(Debug)]
pub struct SagemakerChat;

/// The same, with a model of the Nova family.
#[derive(Debug)]
pub struct SagemakerNova;

macro_rules! provider {
    ($name:ident, $row:expr) => {
        impl Provider for $name {
            fn row(&self) -> &'static ProviderRow {
                &$row
            }

            fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
                endpoint(call, out)
            }

            fn prepares(&self, call: &Call<'_>) -> bool {
                OF_DEPLOYMENT.iter().any(|name| call.params.get(name).is_some())
            }

            fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
                prepare(call.params, &body)
            }

            fn framing(&self, _: &Call<'_>) -> Option<Framing> {
                Some(Framing::AwsPayload)
            }

            fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
                Some(llm_wire::bedrock::error::decode(reply))
            }
        }
    };
}

provider!(Sagemaker, generated::SAGEMAKER);
provider!(SagemakerChat, generated::SAGEMAKER_CHAT);
provider!(SagemakerNova, generated::SAGEMAKER_NOVA);

fn endpoint(call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let region = aws::region(call.params, None);
    let own = call.params.str("sagemaker_base_url").or(call.api_base);
    out.url = own.map(str::to_owned).unwrap_or_else(|| {
        let action = if call.stream { "invocations-response-stream" } else { "invocations" };
        format!("{}/endpoints/{}/{action}", aws::host("runtime.sagemaker", &region), escaped(call.model))
    });
    if let Some(component) = call.params.str("model_id") {
        out.set("x-amzn-sagemaker-inference-component", component)?;
    }
    out.set("content-type", "application/json")?;
    out.set_extra(call.params)?;
    out.per_request = true; // streams have another path
    out.auth = Some(aws::auth("sagemaker", region, call.params));
    Ok(())
}

/// What says where the endpoint is does not go to the model behind it; a model of a hub has its name there.
fn prepare(params: &Params, body: &Bytes) -> Result<Bytes> {
    let top = Top::parse(body)?;
    let mut edits: Vec<(&str, Option<Cow<'_, str>>)> = OF_DEPLOYMENT.iter().map(|name| (*name, None)).collect();
    if let (Some(name), Some(_)) = (params.str("hf_model_name"), top.get("model")) {
        edits.push(("model", Some(Cow::Owned(llm_types::RawJson::string(name).get().to_owned()))));
    }
    let edits: Vec<(&str, Option<&str>)> = edits.iter().map(|(k, v)| (*k, v.as_deref())).collect();
    Ok(top.edited(&edits))
}

#[cfg(test)]
mod tests {
    use llm_types::{Format, Json, OperationKind};

    use super::*;

    fn call<'a>(params: &'a Params, stream: bool) -> Call<'a> {
        Call { stream, ..Call::new(OperationKind::Generate, Format::OpenAiChat, "my-endpoint", params) }
    }

    #[test]
    fn an_endpoint_has_two_paths() {
        let fields = [("aws_region_name", "eu-west-1"), ("model_id", "part")];
        let params = Params::without_env(fields.map(|(k, v)| (k, Json::from(v))));
        for (stream, tail) in [(false, "invocations"), (true, "invocations-response-stream")] {
            let mut out = Endpoint::default();
            SagemakerChat.endpoint(&call(&params, stream), &mut out).unwrap();
            let base = "https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/my-endpoint";
            assert_eq!(out.url, format!("{base}/{tail}"));
            assert_eq!(out.headers["x-amzn-sagemaker-inference-component"], "part");
            assert!(out.auth.is_some());
        }
    }

    #[test]
    fn a_deployments_own_fields_stay_here() {
        let fields = [("sagemaker_base_url", "http://x.test/y"), ("hf_model_name", "org/model")];
        let params = Params::without_env(fields.map(|(k, v)| (k, Json::from(v))));
        let mut out = Endpoint::default();
        Sagemaker.endpoint(&call(&params, true), &mut out).unwrap();
        assert_eq!(out.url, "http://x.test/y");
        let body = Bytes::from_static(br#"{"model":"my-endpoint","sagemaker_base_url":"http://x.test/y","a":1}"#);
        assert!(SagemakerChat.prepares(&call(&params, true)));
        assert_eq!(SagemakerChat.prepare(&call(&params, true), body).unwrap(), r#"{"model":"org/model","a":1}"#);
    }
}
