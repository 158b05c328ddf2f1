//! What the gateway itself reads: its configuration, and forms.

use std::path::Path;

use bytes::Bytes;
use futures_util::FutureExt as _;
use llm_proxy::config::env::Environment;
use llm_proxy::config::{Source, load_text};
use llm_proxy::form;

/// A configuration: problems are a list, whatever the text is.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Source { thorough: true, ..Source::default() };
    let _ = load_text(text, "config.yaml", Path::new("/nonexistent"), &source, &Environment::default());
}

/// A form whose boundary is `b`: its fields are a JSON object.
pub fn form(data: &[u8]) {
    let read = form::read(Bytes::copy_from_slice(data), "b").now_or_never().expect("all of the body is there");
    if let Ok(form) = read {
        crate::is_json(&form.fields);
    }
}
