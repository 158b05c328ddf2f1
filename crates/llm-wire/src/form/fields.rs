//! Text fields of forms as fields of a JSON body.

use llm_types::Json;

/// Fields whose text is text, whatever it looks like.
const TEXTS: [&str; 6] = ["model", "prompt", "user", "input", "language", "purpose"];

/// A text as JSON: numbers, truth values, arrays and objects become such.
#[must_use]
pub fn value(name: &str, text: &str) -> Json {
    let json = !TEXTS.contains(&name)
        && (matches!(text, "true" | "false" | "null")
            || text.starts_with(['{', '[', '-']) | text.starts_with(|c: char| c.is_ascii_digit()));
    let read = json.then(|| serde_json::from_str::<Json>(text).ok()).flatten();
    read.unwrap_or_else(|| Json::from(text))
}

/// The name of a field without what stands in brackets: lists and objects are several fields (`names[]`, `metadata[key]`).
#[must_use]
pub fn bare(name: &str) -> &str {
    name.split('[').next().unwrap_or_default()
}

/// Adds a field. One that comes several times, or whose name ends in `[]`, becomes an array under the bare name.
pub fn add(fields: &mut Vec<(String, Json)>, name: &str, value: Json) {
    let (bare, list) = name.strip_suffix("[]").map_or((name, false), |bare| (bare, true));
    match fields.iter_mut().find(|(known, _)| known == bare) {
        Some((_, Json::Array(items))) => items.push(value),
        Some((_, one)) => *one = Json::Array(vec![std::mem::take(one), value]),
        None if list => fields.push((bare.to_owned(), Json::Array(vec![value]))),
        None => fields.push((bare.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_what_they_look_like() {
        let mut fields = Vec::new();
        for (name, text) in
            [("model", "7"), ("temperature", "0.5"), ("g[]", "word"), ("stream", "true"), ("x", "a"), ("x", "-b")]
        {
            add(&mut fields, name, value(name, text));
        }
        let expected = r#"{"model":"7","temperature":0.5,"g":["word"],"stream":true,"x":["a","-b"]}"#;
        assert_eq!(Json::Object(fields).to_string(), expected);
    }
}
