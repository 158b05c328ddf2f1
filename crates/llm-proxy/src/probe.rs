//! `--health` and `--test`: a gateway that runs is asked, none is started. LiteLLM's flags for scripts and containers.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::Request;
use llm_http::{Body, HttpClient, HttpConfig, Timeouts, Transport as _};
use llm_types::Json;

use crate::cli::Serve;
use crate::config::{self, Environment};

/// What a gateway is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether its deployments are well.
    Health,
    /// For a short poem.
    Test,
}

/// Bytes of an answer at the most.
const MOST: usize = 16 << 20;
/// How long it may be silent.
const PATIENCE: Duration = Duration::from_secs(600);

impl Question {
    /// What the flags ask for instead of serving.
    #[must_use]
    pub fn of(flags: &Serve) -> Option<Self> {
        let on = |flag: &Option<String>| flag.as_deref().is_some_and(|value| !value.eq_ignore_ascii_case("false"));
        if on(&flags.health) {
            return Some(Self::Health);
        }
        on(&flags.test).then_some(Self::Test)
    }
}

/// Asks and prints the answer. Returns the exit code: 1 when the gateway does not answer with 200.
///
/// # Errors
/// Nobody answers at the address, or what was asked for cannot be written.
pub fn run(question: Question, flags: &Serve, env: &Environment, out: &mut dyn Write) -> Result<u8> {
    let base = base(flags);
    let request = match question {
        Question::Health => Request::get(format!("{base}/health")),
        Question::Test => Request::post(format!("{base}/v1/chat/completions")),
    };
    let key = master_key(flags, env).map(|key| format!("Bearer {key}"));
    let request = key.into_iter().fold(request, |request, key| request.header("authorization", key));
    let request = match question {
        Question::Health => request.body(Body::default())?,
        Question::Test => request.header("content-type", "application/json").body(Body::from(poem(flags)))?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let http = HttpClient::new(HttpConfig::default());
        let patience = Timeouts { first_byte: Some(PATIENCE), idle: Some(PATIENCE), ..Timeouts::default() };
        let reply = http.send(request, patience).await.with_context(|| format!("{base} does not answer"))?;
        let (parts, body) = reply.into_parts();
        let bytes = body.collect(MOST).await.context("the answer broke off")?;
        writeln!(out, "{}", String::from_utf8_lossy(&bytes))?;
        Ok(u8::from(!parts.status.is_success()))
    })
}

/// The address: the one of `--test`, else that of a gateway with these flags on this machine.
fn base(flags: &Serve) -> String {
    if let Some(url) = flags.test.as_deref().filter(|value| value.contains("://")) {
        return url.trim_end_matches('/').to_owned();
    }
    let port = flags.port.unwrap_or(crate::start::DEFAULT_PORT);
    match flags.host.filter(|host| !host.is_unspecified()) {
        Some(host) => format!("http://{}", std::net::SocketAddr::new(host, port)),
        None => format!("http://127.0.0.1:{port}"),
    }
}

/// The key of whoever may ask: the environment's, else the one of the configuration file.
fn master_key(flags: &Serve, env: &Environment) -> Option<String> {
    env.filled("LITELLM_MASTER_KEY").or_else(|| {
        flags.config.as_ref()?;
        let general = config::written(&flags.source(), "general_settings");
        let key = general.text("master_key")?;
        match key.strip_prefix("os.environ/") {
            Some(name) => env.filled(name),
            None => Some(key.to_owned()),
        }
    })
}

fn poem(flags: &Serve) -> Bytes {
    let model = flags.alias.as_deref().or(flags.model.as_deref()).unwrap_or("gpt-3.5-turbo");
    let message = Json::object([("role", "user"), ("content", "this is a test request, write a short poem")]);
    let body =
        [("model", Json::from(model)), ("messages", Json::Array(vec![message])), ("max_tokens", Json::from(256_u64))];
    Bytes::from(Json::object(body).to_string())
}
