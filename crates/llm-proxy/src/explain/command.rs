//! `llm-proxy explain`: the decision for a request, of a configuration or of a gateway that runs.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::Args;
use http::{Method, Request};
use llm_client::engine::Open;
use llm_client::{Call, Controls};
use llm_http::{Body, HttpClient, HttpConfig, Timeouts, Transport};
use llm_router::Router;
use llm_types::Json;
use llm_wire::top::Top;

use super::told;
use crate::config::{Environment, Source, load};
use crate::routes::{self, Action};

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// A file with the body of the request.
    pub request: PathBuf,
    /// The configuration; without a gateway nothing rests and nothing is spent.
    #[arg(short, long, required_unless_present = "url")]
    pub config: Option<PathBuf>,
    /// A gateway that runs.
    #[arg(long, conflicts_with = "config")]
    pub url: Option<String>,
    /// A key of an administrator of that gateway.
    #[arg(long, env = "LLM_PROXY_ADMIN_KEY", hide_env_values = true)]
    pub admin_key: Option<String>,
    /// The path that the request would be sent to.
    #[arg(long, default_value = "/v1/chat/completions")]
    pub path: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Explains and prints. Returns the exit code: 1 when nobody could be chosen.
///
/// # Errors
/// A file cannot be read, the configuration is wrong, the gateway does not answer.
pub fn run(flags: &Explain, env: &Environment, out: &mut dyn Write) -> Result<u8> {
    let body = std::fs::read(&flags.request).with_context(|| format!("cannot read {}", flags.request.display()))?;
    let told = match &flags.url {
        Some(url) => of_gateway(flags, url, &body)?,
        None => of_config(flags, env, &body)?,
    };
    match flags.json {
        true => writeln!(out, "{told}")?,
        false => out.write_all(told::lines(&told).as_bytes())?,
    }
    Ok(u8::from(told.get("error").is_some_and(|e| *e != Json::Null)))
}

fn of_config(flags: &Explain, env: &Environment, body: &[u8]) -> Result<Json> {
    let source =
        Source { path: flags.config.clone(), ignore_python_hooks: true, ignore_unserved: true, ..Source::default() };
    let filled = crate::secrets::once(&source, env).map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let (loaded, problems) = load(&source, &filled);
    let Some(loaded) = loaded else {
        let errors: Vec<_> = problems.iter().map(ToString::to_string).collect();
        bail!("the configuration is wrong:\n{}", errors.join("\n"));
    };
    let route = routes::find(&Method::POST, &flags.path);
    let Some((route, Action::Call(operation, format))) = route.as_ref().map(|r| (r, r.action)) else {
        bail!("{} calls no model", flags.path);
    };
    let top = Top::parse(body).map_err(|e| anyhow::anyhow!("{}: {}", flags.request.display(), e.message))?;
    let model = top.str("model").map(std::borrow::Cow::into_owned).or_else(|| route.model.map(str::to_owned));
    let model = model.context("the request names no model")?;
    let router = Router::new(loaded.deployments, loaded.router);
    let mut call = Call::new(operation, format, Bytes::copy_from_slice(body), model.as_str());
    call.controls = Controls::from_top(&top);
    call.stream = top.is_true("stream") || route.streams;
    let engine = llm_client::Engine { router: router.into(), prices: loaded.prices, settings: loaded.engine };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let explained = runtime.block_on(async {
        // Only the vectors of a semantic router are fetched.
        let http = HttpClient::new(loaded.http);
        engine.explain(&http, &call, &Open).await
    });
    let (explained, auto) = explained.map_err(|e| anyhow::anyhow!(e.message))?;
    Ok(told::explanation(&model, auto.as_ref(), &explained, &engine.router))
}

fn of_gateway(flags: &Explain, url: &str, body: &[u8]) -> Result<Json> {
    let text = std::str::from_utf8(body).context("the request is no text")?;
    let asked = format!("{{\"path\":{},\"body\":{text}}}", Json::from(flags.path.as_str()));
    let mut request = Request::post(format!("{}/router/explain", url.trim_end_matches('/')))
        .header("content-type", "application/json");
    if let Some(key) = &flags.admin_key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let request = request.body(Body::from(Bytes::from(asked)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let http = HttpClient::new(HttpConfig::default());
        let reply = http.send(request, Timeouts::default()).await.with_context(|| format!("{url} does not answer"))?;
        let (parts, body) = reply.into_parts();
        let bytes = body.collect(16 << 20).await.context("the answer broke off")?;
        let text = String::from_utf8_lossy(&bytes);
        if !parts.status.is_success() {
            bail!("{url} answered {}: {text}", parts.status);
        }
        serde_json::from_str(&text).context("the answer is no JSON")
    })
}
