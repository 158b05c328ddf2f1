//! Agents: those of Bedrock itself, by their ids (`agent/ID/ALIAS`), and runtimes of AgentCore, by their ARNs.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_InvokeAgent.html>,
//! <https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntime.html>
//!
//! Both keep a conversation under the id of a session, which the body of the call may name; without one a new session
//! begins.

use bytes::Bytes;
use llm_types::{Error, Format, Result};
use llm_wire::bedrock::model::arn_region;
use llm_wire::top::Top;

use super::route::Model;
use crate::aws::{self, escaped};
use crate::provider::{Call, Endpoint};
use crate::unique;

/// Stands for the session in a URL until the body is known.
const SESSION: &str = "SESSION";
/// Who is asked for when a body is signed that goes to a runtime.
const RUNTIME: &str = "bedrock-agentcore";

/// True for the languages of agents.
pub(super) const fn is(format: Format) -> bool {
    matches!(format, Format::BedrockAgent | Format::AgentCoreRuntime)
}

pub(super) fn endpoint(call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let model = Model::of(call.model);
    let own = call.api_base.or_else(|| call.params.str("aws_bedrock_runtime_endpoint"));
    let own = own.map(|base| base.trim_end_matches('/').to_owned());
    out.set("content-type", "application/json")?;
    out.per_request = true; // each session has its own address
    if call.format == Format::BedrockAgent {
        let wrong = || Error::bad_request("name an agent as bedrock/agent/AGENT_ID/ALIAS_ID").with_param("model");
        let (agent, alias) = model.name.split_once('/').ok_or_else(wrong)?;
        let region = aws::region(call.params, model.region);
        let base = own.unwrap_or_else(|| aws::host("bedrock-agent-runtime", &region));
        out.url = format!("{base}/agents/{agent}/agentAliases/{alias}/sessions/{SESSION}/text");
        out.auth = Some(aws::auth("bedrock", region, call.params)); // tidy: provider-id, the service that is signed for
        return out.set_extra(call.params);
    }
    let wrong = || {
        let why = "name a runtime as bedrock/agentcore/arn:aws:bedrock-agentcore:REGION:ACCOUNT:runtime/ID";
        Error::bad_request(why).with_param("model")
    };
    let region = arn_region(model.name).ok_or_else(wrong)?.to_owned();
    let base = own.unwrap_or_else(|| aws::host(RUNTIME, &region));
    out.url = format!("{base}/runtimes/{}/invocations", escaped(model.name));
    out.set("accept", "application/json, text/event-stream")?;
    match call.api_key.filter(|k| !k.is_empty()) {
        Some(key) => out.set("authorization", &format!("Bearer {}", key.expose()))?,
        None => out.auth = Some(aws::auth(RUNTIME, region, call.params)),
    }
    out.set_extra(call.params)
}

/// Takes session and user out of the body: they stand in the URL or in headers.
pub(super) fn steer(call: &Call<'_>, body: &Bytes, out: &mut Endpoint) -> Result<Bytes> {
    let top = Top::parse(body)?;
    let named = |name: &str| top.str(name).map(std::borrow::Cow::into_owned).filter(|s| !s.is_empty());
    if call.format == Format::BedrockAgent {
        let session = named("sessionID").unwrap_or_else(unique::text);
        out.url = out.url.replace(SESSION, &escaped(&session));
        return Ok(top.edited(&[("sessionID", None)]));
    }
    // Runtimes want at least 33 characters.
    let session = named("runtimeSessionId").unwrap_or_else(|| format!("session-{}", unique::text()));
    out.set("x-amzn-bedrock-agentcore-runtime-session-id", &session)?;
    if let Some(user) = named("runtimeUserId") {
        out.set("x-amzn-bedrock-agentcore-runtime-user-id", &user)?;
    }
    if let Some(qualifier) = named("qualifier") {
        out.url = format!("{}?qualifier={}", out.url, escaped(&qualifier));
    }
    Ok(top.edited(&[("runtimeSessionId", None), ("runtimeUserId", None), ("qualifier", None)]))
}

#[cfg(test)]
mod tests {
    use llm_types::{Json, OperationKind};

    use super::*;
    use crate::params::Params;

    fn steered(model: &str, format: Format, body: &str) -> (Endpoint, String) {
        let params = Params::without_env([("aws_region_name", Json::from("eu-west-1"))]);
        let call = Call {
            operation: OperationKind::Generate,
            format,
            client_format: Format::OpenAiChat,
            model,
            stream: false,
            api_base: None,
            api_key: None,
            params: &params,
            betas: &[],
            client_headers: &[],
        };
        let mut out = Endpoint::default();
        endpoint(&call, &mut out).unwrap();
        let body = steer(&call, &Bytes::copy_from_slice(body.as_bytes()), &mut out).unwrap();
        (out, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn sessions_are_named_by_the_body_or_new() {
        let one = || steered("agent/A/B", Format::BedrockAgent, r#"{"inputText":"Hi"}"#).0.url;
        assert_ne!(one(), one());
        assert!(one().starts_with("https://bedrock-agent-runtime.eu-west-1.amazonaws.com/agents/A/agentAliases/B/"));
        let (out, body) = steered("agent/A/B", Format::BedrockAgent, r#"{"inputText":"Hi","sessionID":"s 1"}"#);
        assert!(out.url.ends_with("/sessions/s%201/text"), "{}", out.url);
        assert_eq!(body, r#"{"inputText":"Hi"}"#);
        let arn = "agentcore/arn:aws:bedrock-agentcore:us-west-2:1:runtime/a-b";
        let (out, _) = steered(arn, Format::AgentCoreRuntime, r#"{"prompt":"Hi"}"#);
        let session = out.headers.get("x-amzn-bedrock-agentcore-runtime-session-id").unwrap();
        assert!(session.len() > 32, "{session:?}");
    }
}
