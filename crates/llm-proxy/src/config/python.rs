//! Values as Python prints them: deployment ids hash that.

use super::node::{Node, Value};

/// `str(value)`, except that maps are written by `json.dumps`, as LiteLLM does when it makes an id.
#[must_use]
pub(crate) fn id_text(node: &Node) -> String {
    let mut out = String::new();
    match &node.value {
        Value::Text(text) => out.push_str(text),
        Value::Map(_) => dumps(node, &mut out),
        _ => repr(node, &mut out),
    }
    out
}

/// `repr(value)`.
fn repr(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Float(f) => out.push_str(&float(*f)),
        Value::Text(text) => out.push_str(&quoted(text)),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                repr(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&quoted(&entry.key));
                out.push_str(": ");
                repr(&entry.node, out);
            }
            out.push('}');
        }
    }
}

/// `repr` of a float: the shortest digits, `1e-07` and `1e+16` beyond the range written out.
#[must_use]
pub(crate) fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let size = f.abs();
    if f == 0.0 || (1e-4..1e16).contains(&size) {
        let text = format!("{f}");
        return if text.contains('.') { text } else { format!("{text}.0") };
    }
    let text = format!("{f:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// `json.dumps(value)` with its defaults: blanks after `,` and `:`, everything outside ASCII escaped.
fn dumps(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Float(f) if f.is_nan() => out.push_str("NaN"),
        Value::Float(f) if f.is_infinite() => out.push_str(if *f > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Float(f) => out.push_str(&float(*f)),
        Value::Text(text) => json_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                dumps(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                json_text(&entry.key, out);
                out.push_str(": ");
                dumps(&entry.node, out);
            }
            out.push('}');
        }
    }
}

fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|u| out.push_str(&format!("\\u{u:04x}"))),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::Problems;

    #[test]
    fn as_python_prints_them() {
        // Right: what CPython 3 prints for the same value.
        for (yaml, python) in [
            ("text", "text"),
            ("5", "5"),
            ("1.0", "1.0"),
            ("0.00001", "1e-05"),
            ("100000000000000000.0", "1e+17"),
            ("0.5", "0.5"),
            ("true", "True"),
            ("null", "None"),
            ("1234567.125", "1234567.125"),
            ("-0.0", "-0.0"),
            ("[a, 1, it's, true]", r#"['a', 1, "it's", True]"#),
            ("[{a: 1, b: [x]}]", "[{'a': 1, 'b': ['x']}]"),
            (
                "{a: 1, b: [x, null, 0.1], c: é\u{1f600}}",
                r#"{"a": 1, "b": ["x", null, 0.1], "c": "\u00e9\ud83d\ude00"}"#,
            ),
        ] {
            let node = crate::config::yaml::parse(yaml, &"t".into(), &Problems::default()).unwrap();
            assert_eq!(id_text(&node), python, "{yaml}");
        }
    }
}
