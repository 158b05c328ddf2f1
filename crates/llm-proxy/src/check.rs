//! `llm-proxy check`: what is wrong with a configuration, without starting.

use std::io::{self, Write};

use crate::cli::Check;
use crate::config::{Environment, Problem, Severity, Source, load};

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
    let (loaded, problems) = load(&source, env);
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

/// Prints problems, one per line.
///
/// # Errors
/// When nothing can be written to `out`.
pub fn print(problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    problems.iter().try_for_each(|p| writeln!(out, "{p}"))
}
