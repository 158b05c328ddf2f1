//! Plain scalars as PyYAML's safe loader reads them: YAML 1.1, with PyYAML's own deviations.

use super::node::Value;

/// A scalar and, where YAML 1.2 (and thus most people) would read it differently, a sentence about it.
pub(crate) struct Plain {
    pub(crate) value: Value,
    pub(crate) note: Option<String>,
}

impl Plain {
    const fn sure(value: Value) -> Self {
        Self { value, note: None }
    }

    fn odd(value: Value, note: impl Into<String>) -> Self {
        Self { value, note: Some(note.into()) }
    }
}

/// Reads a scalar that has no quotes and no tag.
pub(crate) fn plain(text: &str) -> Plain {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Plain::odd(Value::Bool(true), format!("{text} without quotes is read as true"));
        }
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Plain::odd(Value::Bool(false), format!("{text} without quotes is read as false"));
        }
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => return number(text),
        _ => Value::Text(text.to_owned()),
    };
    Plain::sure(value)
}

fn number(text: &str) -> Plain {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(value) = special(text, negative, digits) {
        return Plain::sure(value);
    }
    if let Some((value, note)) = whole(negative, digits) {
        return Plain { value, note };
    }
    if let Some(f) = float(text) {
        return Plain::sure(Value::Float(f));
    }
    if let Some(f) = base60(negative, digits) {
        return Plain::odd(f, format!("{text} without quotes is read as a number in base 60"));
    }
    let kept = Value::Text(text.to_owned());
    if digits.parse::<f64>().is_ok() && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Plain::odd(
            kept,
            format!(
                "{text} is read as a text: YAML 1.1 wants a dot and a signed exponent (1.0e-6) and no leading zeros"
            ),
        );
    }
    if digits.starts_with("0o") {
        return Plain::odd(kept, format!("{text} is read as a text: YAML 1.1 writes octal numbers as 017"));
    }
    Plain::sure(kept)
}

fn special(text: &str, negative: bool, digits: &str) -> Option<Value> {
    match digits {
        ".inf" | ".Inf" | ".INF" => Some(Value::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY })),
        _ if matches!(text, ".nan" | ".NaN" | ".NAN") => Some(Value::Float(f64::NAN)),
        _ => None,
    }
}

/// Decimal, octal (`017`), hexadecimal and binary numbers, with `_` between digits.
fn whole(negative: bool, digits: &str) -> Option<(Value, Option<String>)> {
    let bare: String = digits.chars().filter(|c| *c != '_').collect();
    let all = |set: fn(char) -> bool, text: &str| !text.is_empty() && text.chars().all(|c| c == '_' || set(c));
    let (radix, body) = if let Some(hex) = digits.strip_prefix("0x").filter(|h| all(|c| c.is_ascii_hexdigit(), h)) {
        (16, hex)
    } else if let Some(bits) = digits.strip_prefix("0b").filter(|b| all(|c| matches!(c, '0' | '1'), b)) {
        (2, bits)
    } else if let Some(octal) = digits.strip_prefix('0').filter(|o| all(|c| matches!(c, '0'..='7'), o)) {
        (8, octal)
    } else if digits == "0"
        || digits.starts_with(|c: char| matches!(c, '1'..='9')) && all(|c| c.is_ascii_digit(), digits)
    {
        (10, digits)
    } else {
        return None;
    };
    let body: String = body.chars().filter(|c| *c != '_').collect();
    let value = match i64::from_str_radix(&body, radix) {
        Ok(n) => Value::Int(if negative { -n } else { n }),
        // Beyond 64 bits: only a float can hold it.
        Err(_) => Value::Float(bare.parse::<f64>().ok().map(|f| if negative { -f } else { f })?),
    };
    let note = match radix {
        8 => Some(format!("{digits} is read as an octal number")),
        2 => Some(format!("{digits} is read as a binary number")),
        _ if digits.contains('_') => Some(format!("{digits} is read as the number {bare}")),
        _ => None,
    };
    Some((value, note))
}

/// `[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?` or `\.[0-9][0-9_]*([eE][-+][0-9]+)?`
fn float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, Some(body.get(at + 1..)?)),
        None => (body, None),
    };
    if let Some(e) = exponent {
        let digits = e.strip_prefix(['-', '+'])?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    let (before, after) = mantissa.split_once('.')?;
    let ok = |t: &str| t.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let shape = if before.is_empty() {
        body == text && after.starts_with(|c: char| c.is_ascii_digit())
    } else {
        before.starts_with(|c: char| c.is_ascii_digit())
    };
    if !shape || !ok(before) || !ok(after) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// `1:30` is 90, `1:30.5` is 90.5.
fn base60(negative: bool, digits: &str) -> Option<Value> {
    let (whole, fraction) = match digits.split_once('.') {
        Some((w, f)) => (w, Some(f)),
        None => (digits, None),
    };
    let mut parts = whole.split(':');
    let first = parts.next()?;
    // A whole number may not begin with 0 (`0:30` is a text), a float may.
    let starts = first.starts_with(|c: char| matches!(c, '1'..='9')) || fraction.is_some() && first.starts_with('0');
    if !starts || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') || !whole.contains(':') {
        return None;
    }
    let mut total: i64 = first.replace('_', "").parse().ok()?;
    for part in parts {
        if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let n: i64 = part.parse().ok().filter(|n| *n < 60)?;
        total = total.checked_mul(60)?.checked_add(n)?;
    }
    let signed = if negative { -total } else { total };
    let Some(fraction) = fraction else { return Some(Value::Int(signed)) };
    let fraction: f64 = format!("0.{}", fraction.replace('_', "")).parse().ok()?;
    Some(Value::Float(if negative { signed as f64 - fraction } else { signed as f64 + fraction }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Plain { value, note } = plain(text);
        let mark = if note.is_some() { "!" } else { "" };
        let value = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Int(i) => i.to_string(),
            Value::Float(f) => format!("{f:?}"),
            Value::Text(t) => format!("'{t}'"),
            _ => unreachable!(),
        };
        format!("{value}{mark}")
    }

    #[test]
    fn scalars_as_pyyaml_reads_them() {
        // Left: written. Right: yaml.safe_load's answer; ! where YAML 1.2 says something else.
        for (written, read) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("nULL", "'nULL'"),
            ("true", "true"),
            ("False", "false"),
            ("tRUE", "'tRUE'"),
            ("y", "'y'"),
            ("n", "'n'"),
            ("yes", "true!"),
            ("Off", "false!"),
            ("on", "true!"),
            ("NO", "false!"),
            ("0", "0"),
            ("-0", "0"),
            ("42", "42"),
            ("+42", "42"),
            ("-7", "-7"),
            ("0777", "511!"),
            ("00", "0!"),
            ("08", "'08'!"),
            ("0o17", "'0o17'!"),
            ("0x1F", "31"),
            ("0b101", "5!"),
            ("1_000", "1000!"),
            ("1:30", "90!"),
            ("1:30:00", "5400!"),
            ("1:60", "'1:60'"),
            ("0:30", "'0:30'"),
            ("1:30.5", "90.5!"),
            ("12:30:45:00", "2702700!"),
            ("1.5", "1.5"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("-.5", "'-.5'!"),
            ("-1.5e-3", "-0.0015"),
            ("1e-6", "'1e-6'!"),
            ("1.0e5", "'1.0e5'!"),
            ("1.0e+5", "100000.0"),
            ("5E-7", "'5E-7'!"),
            (".inf", "inf"),
            ("-.INF", "-inf"),
            (".nan", "NaN"),
            ("inf", "'inf'"),
            ("nan", "'nan'"),
            ("2024-10-21", "'2024-10-21'"),
            ("v0:0", "'v0:0'"),
            ("1.2.3", "'1.2.3'"),
            ("-", "'-'"),
            ("...", "'...'"),
            ("99999999999999999999", "1e20"),
            ("sk-1234", "'sk-1234'"),
            ("127.0.0.1", "'127.0.0.1'"),
        ] {
            assert_eq!(shown(written), read, "{written}");
        }
    }
}
