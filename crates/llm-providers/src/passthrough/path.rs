//! What a path of a provider's API says.

use std::borrow::Cow;

use llm_types::{Error, Result};

use crate::aws::escaped;

/// Refuses paths that mean another one than they look like: a list of allowed paths must hold for what is reached.
///
/// # Errors
/// `BadRequest` for segments `.` and `..`, however they are escaped, and for back slashes.
pub fn safe(rest: &str) -> Result<()> {
    let plain = decoded(rest);
    let twice = decoded(&plain);
    let tricky =
        |path: &str| path.split('/').any(|s| s == "." || s == "..") || path.contains('\\') || path.contains('\0');
    if tricky(&plain) || tricky(&twice) {
        return Err(Error::bad_request("the path must not contain relative segments"));
    }
    Ok(())
}

/// The model that a path names: `models/M:generateContent`, `model/M/converse`, `deployments/M/chat/completions`.
#[must_use]
pub fn model_of(rest: &str) -> Option<String> {
    let plain = decoded(rest);
    let (from, to) = place(&plain)?;
    plain.get(from..to).map(str::to_owned)
}

/// The path with another model in the place of the one that it names.
#[must_use]
pub fn with_model(rest: &str, model: &str) -> String {
    let plain = decoded(rest);
    match place(&plain) {
        Some((from, to)) => {
            let (head, tail) = (plain.get(..from).unwrap_or_default(), plain.get(to..).unwrap_or_default());
            format!("{head}{}{tail}", escaped(model))
        }
        None => rest.to_owned(),
    }
}

/// What stands behind the name of a deployment.
const OPERATIONS: [&str; 7] =
    ["/chat/completions", "/completions", "/embeddings", "/images/", "/audio/", "/responses", "/realtime"];

/// Where the model stands.
fn place(path: &str) -> Option<(usize, usize)> {
    let behind = |mark: &str| match path.strip_prefix(mark) {
        Some(_) => Some(mark.len()),
        None => path.find(&format!("/{mark}")).map(|at| at + mark.len() + 1),
    };
    let filled = |from: usize, to: usize| (from < to).then_some((from, to));
    if let Some(from) = behind("deployments/") {
        let rest = path.get(from..)?;
        let end = OPERATIONS.iter().filter_map(|o| rest.find(o)).min().or_else(|| rest.find('/'));
        return filled(from, from + end.unwrap_or(rest.len()));
    }
    if let Some(from) = behind("models/") {
        let rest = path.get(from..)?;
        return filled(from, from + rest.rfind(':').or_else(|| rest.find('/')).unwrap_or(rest.len()));
    }
    let from = behind("model/")?;
    let rest = path.get(from..)?;
    filled(from, from + rest.rfind('/').unwrap_or(rest.len()))
}

/// Percent escapes resolved.
#[must_use]
pub fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let mut ahead = bytes.clone();
        let hex = [ahead.next(), ahead.next()].map(|d| d.and_then(|d| char::from(d).to_digit(16)));
        match (b, hex) {
            (b'%', [Some(high), Some(low)]) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
            }
            _ => out.push(b),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}
