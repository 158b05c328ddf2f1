//! `llm-proxy check`: what is wrong with a configuration, without starting.

use std::io::{self, Write};
use std::sync::Arc;

use llm_http::HttpClient;

use crate::cache::Opening;
use crate::cli::Check;
use crate::config::{Environment, Loaded, Problem, Severity, Source, load};

/// Loads the configuration and prints its problems and a summary.
///
/// The exit code comes back: 0 when the gateway would start, 1 when it would not.
///
/// # Errors
/// When nothing can be written to `out`.
pub fn run(check: &Check, env: &Environment, out: &mut dyn Write) -> io::Result<u8> {
    let source = Source {
        path: Some(check.config.clone()),
        host: check.host,
        ignore_python_hooks: check.ignore_python_hooks,
        ignore_unserved: check.ignore_unserved,
        thorough: true,
        ..Source::default()
    };
    let (filled, silent) = match crate::secrets::once(&source, env) {
        Ok(filled) => (filled, None),
        Err(problem) => (env.clone(), Some(problem)),
    };
    let (loaded, mut problems) = load(&source, &filled);
    let loaded = loaded.filter(|_| silent.is_none());
    problems.extend(silent);
    problems.extend(loaded.as_ref().map(reach).transpose()?.flatten());
    problems.extend(loaded.as_ref().and_then(|l| l.redis.as_ref()).and_then(crate::share::check));
    print(&problems, out)?;
    let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match &loaded {
        Some(l) => {
            let (models, names) = (l.deployments.len(), l.groups().len());
            writeln!(
                out,
                "{}: ok: {models} deployments under {names} names, {warnings} warnings",
                check.config.display()
            )?;
        }
        None => writeln!(
            out,
            "{}: {errors} errors, {warnings} warnings: the gateway would not start",
            check.config.display()
        )?,
    }
    Ok(u8::from(loaded.is_none()))
}

/// Asks the cache whether it is there: that it is not shows nowhere else before the first request.
fn reach(loaded: &Loaded) -> io::Result<Option<Problem>> {
    let Some(config) = &loaded.cache else { return Ok(None) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let http = HttpClient::new(loaded.http.clone());
    let opening = Opening { http: &http, background: runtime.handle(), witness: Arc::new(llm_cache::Nobody) };
    let (_, problem) = runtime.block_on(crate::cache::connect(config, &opening));
    runtime.shutdown_background();
    Ok(problem)
}

/// Prints problems, one per line.
///
/// # Errors
/// When nothing can be written to `out`.
pub fn print(problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    problems.iter().try_for_each(|p| writeln!(out, "{p}"))
}
