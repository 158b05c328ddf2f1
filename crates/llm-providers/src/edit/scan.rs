//! Cheap looks at JSON text: may a change be necessary?

use memchr::memmem;

/// True when the text stands anywhere in the JSON.
pub(super) fn has(json: &str, text: &str) -> bool {
    memmem::find(json.as_bytes(), text.as_bytes()).is_some()
}

/// True when a key of this name may have a value that begins with `first`.
pub(super) fn key_begins(json: &str, key: &str, first: u8) -> bool {
    let quoted = format!("\"{key}\"");
    memmem::find_iter(json.as_bytes(), quoted.as_bytes()).any(|at| {
        let after = json.as_bytes().get(at + quoted.len()..).unwrap_or_default().trim_ascii_start();
        after.strip_prefix(b":").is_some_and(|value| value.trim_ascii_start().first() == Some(&first))
    })
}
