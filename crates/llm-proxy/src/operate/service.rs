//! Trying a callback out, a channel of alerts, or the Redis that gateways share.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use llm_accounts::Identity;
use llm_callbacks::Channel;
use llm_callbacks::remote::Service;
use llm_types::record::{Caller, Cost, Status};
use llm_types::{Error, Json, Kind, LogRecord, OperationKind, RawJson, Result, Usage};

use crate::body::Reply;
use crate::config::{self, Severity};
use crate::core::Core;
use crate::models::answer;

/// `GET /health/services`: sends the record of a call that was never made to a callback that is in force, or an alert that means
/// nothing to a channel; what became of it.
///
/// # Errors
/// 400 without a service or for one that is not known, 422 for one that is not in force, 503 when it does not take the record.
pub(super) async fn try_out(core: &Core, parts: &Parts, who: Option<&Arc<Identity>>) -> Result<Response<Reply>> {
    let name = crate::pass::who::query(parts, "service").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::bad_request("Service must be specified.").with_param("service"))?;
    if let Some(channel) = Channel::parse(&name) {
        return try_channel(core, channel, &name, who).await;
    }
    let known: Vec<&str> = Service::all().map(Service::name).chain(Channel::names()).collect();
    if !known.contains(&&*name) {
        let why = format!("Service must be in list. Service={name}. List={known:?}");
        return Err(Error::bad_request(why).with_param("service"));
    }
    // Sinks live on the background runtime.
    let (bus, service) = (core.app.bus.clone(), name.clone().into_owned());
    let told = core.app.background.spawn(async move { bus.try_out(&service, mock_record()).await });
    match told.await.map_err(|_| Error::internal("the trial broke off"))? {
        None => {
            let why = format!("\"{name}\" not in proxy config: litellm_settings.callbacks. Unable to test this.");
            Err(Error::new(Kind::Unprocessable, why).with_param("service"))
        }
        Some(Err(why)) => Err(Error::new(Kind::Unavailable, format!("{name} did not take the record: {why}"))),
        Some(Ok(())) => Ok(answer(&Json::object([
            ("status", Json::from("success")),
            ("message", Json::from(format!("Mock LLM request made - check {name}."))),
        ]))),
    }
}

/// `POST /coordination_redis/settings/test`: connects with settings that are not in force.
///
/// # Errors
/// 400 and 422 for what are no settings.
pub(super) async fn try_redis(core: &Core, body: &Bytes) -> Result<Response<Reply>> {
    let bad = |_| Error::bad_request("the body is no JSON").with_param("settings");
    let body: Json = serde_json::from_slice(body).map_err(bad)?;
    let accounts = core.app.accounts.clone();
    let (settings, at_home) =
        crate::mcp::background(core, async move { accounts.tried_coordination(&body).await }).await?;
    let text = Json::object([("general_settings", Json::object([("coordination_redis", settings)]))]).to_string();
    // The operator's variables hold a login: no server that a body names is shown it.
    let environment = match at_home {
        true => core.app.cache_setup.load().environment.clone(),
        false => config::Environment::of::<String, String>([]),
    };
    let (loaded, problems) =
        config::load_text(&text, "settings", Path::new(""), &config::Source::default(), &environment);
    let wrong = problems.into_iter().find(|p| p.severity == Severity::Error && p.key.contains("coordination_redis"));
    let redis = loaded.and_then(|loaded| loaded.redis).filter(|redis| redis.key.contains("coordination_redis"));
    let why = match (wrong, redis) {
        (Some(problem), _) => Some(format!("{}: {}", problem.key, problem.message)),
        (None, None) => Some("these settings say no Redis".to_owned()),
        (None, Some(redis)) => {
            let background = core.app.background.clone();
            let reached = core.app.background.spawn(async move { crate::share::reached(&redis, &background).await });
            reached.await.map_err(|_| Error::internal("the trial broke off"))?.err()
        }
    };
    let status = if why.is_none() { "healthy" } else { "unhealthy" };
    Ok(answer(&Json::object([("status", Json::from(status)), ("error", Json::from(why))])))
}

async fn try_channel(
    core: &Core,
    channel: Channel,
    name: &str,
    who: Option<&Arc<Identity>>,
) -> Result<Response<Reply>> {
    let unused = || {
        let why = format!("\"{name}\" not in proxy config: general_settings. Unable to test this.");
        Error::new(Kind::Unprocessable, why).with_param("service")
    };
    let alerts = core.app.alerts.clone().ok_or_else(unused)?;
    let variables = core.app.cache_setup.load().environment.clone();
    let own = || who.and_then(|who| who.caller().user_email.as_deref().map(str::to_owned));
    let to = variables.filled("TEST_EMAIL_ADDRESS").or_else(own);
    let told = core.app.background.spawn(async move { alerts.try_out(channel, to.as_deref()).await });
    let told = told.await.map_err(|_| Error::internal("the trial broke off"))?;
    told.ok_or_else(unused)?.map_err(|why| Error::new(Kind::Unavailable, format!("{name}: {why}")))?;
    let shown = match channel {
        Channel::Email => "Email",
        Channel::Slack => "Slack",
        Channel::Teams => "MS Teams",
        Channel::Webhook => "Webhook",
    };
    Ok(answer(&Json::object([
        ("status", Json::from("success")),
        ("message", Json::from(format!("Mock {shown} Alert sent, verify {shown} Alert Received"))),
    ])))
}

/// A call that was never made.
#[must_use]
pub fn mock_record() -> LogRecord {
    let now = crate::tail::now_us();
    let model: Arc<str> = Arc::from("litellm-mock-response-model");
    let messages = r#"[{"role":"user","content":"Hey, how's it going?"}]"#;
    let response = r#"{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"This is a mock response"}}]}"#;
    LogRecord {
        call_id: Arc::from(format!("health-services-{}", uuid::Uuid::new_v4())),
        response_id: None,
        trace_id: None,
        session_id: None,
        operation: OperationKind::Generate,
        call_type: "acompletion",
        route: "/health/services",
        stream: false,
        status: Status::Success,
        caller: Caller { end_user: Some(Arc::from("litellm:/health/services")), ..Caller::default() },
        model_group: Arc::clone(&model),
        model,
        model_id: None,
        provider: Arc::from("mock"),
        api_base: None,
        mcp_tool: None,
        usage: Usage::default(),
        usage_raw: None,
        cost: Cost::default(),
        cost_problem: None,
        start_us: now,
        first_byte_us: None,
        end_us: now,
        upstream_us: 0,
        retries: 0,
        fallbacks: 0,
        cache_hit: None,
        cache_key: None,
        saved_cost: 0.0,
        tags: Vec::new(),
        client_ip: None,
        user_agent: None,
        metadata: None,
        guardrails: Vec::new(),
        guardrail_information: None,
        parameters: None,
        messages: RawJson::parse(messages).ok(),
        response: RawJson::parse(response).ok(),
        unredacted: false,
        untold: Vec::new(),
        error: None,
        trail: llm_types::Trail::default(),
    }
}
