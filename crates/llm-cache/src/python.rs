//! JSON values as Python prints them: the text that LiteLLM hashes.
//!
//! The JSON text is rewritten while it is read; no tree is built.

use std::fmt::{self, Write};

/// Writes what Python's `str()` gives for a JSON value that `json.loads` has read: `True`, `None`, `1.0`, single quotes
/// inside of lists and dictionaries, a bare string for a string.
///
/// # Errors
/// When `out` refuses a write. `json` must be valid JSON text; of other text the output means nothing.
pub fn str<W: Write>(json: &str, out: &mut W) -> fmt::Result {
    let json = json.trim_matches([' ', '\t', '\n', '\r']);
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => Unescape(inner).try_for_each(|unit| match unit {
            Unit::Char(c) => out.write_char(c),
            Unit::Surrogate(code) => write!(out, "\\u{code:04x}"),
        }),
        None => repr(json, out),
    }
}

/// Writes what Python's `repr()` gives for a JSON value.
///
/// # Errors
/// As [`str()`].
pub fn repr<W: Write>(json: &str, out: &mut W) -> fmt::Result {
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let (token, after) = match first {
            b'"' => split_string(rest),
            b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => rest.split_at(1),
            _ => {
                let end = rest.find([',', ']', '}', ':', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        match (first, token) {
            (b'"', _) => repr_str(token.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(token), out)?,
            (b',', _) => out.write_str(", ")?,
            (b':', _) => out.write_str(": ")?,
            (b' ' | b'\t' | b'\n' | b'\r', _) => {}
            (_, "true") => out.write_str("True")?,
            (_, "false") => out.write_str("False")?,
            (_, "null") => out.write_str("None")?,
            (b'-' | b'0'..=b'9', _) => number(token, out)?,
            _ => out.write_str(token)?,
        }
        rest = after;
    }
    Ok(())
}

/// Splits a JSON string, quotes included, from what follows.
fn split_string(text: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = text.bytes().enumerate().skip(1).find_map(|(at, b)| match b {
        _ if escaped => {
            escaped = false;
            None
        }
        b'\\' => {
            escaped = true;
            None
        }
        b'"' => Some(at + 1),
        _ => None,
    });
    text.split_at(end.unwrap_or(text.len()))
}

/// The representation of a string, given what stands between its quotes in JSON. Python quotes with `'`, unless the text
/// has a `'` and no `"`.
fn repr_str<W: Write>(inner: &str, out: &mut W) -> fmt::Result {
    let plain = |b: u8| (0x20..0x7f).contains(&b) && b != b'\\' && b != b'\'';
    if inner.bytes().all(plain) {
        out.write_char('\'')?;
        out.write_str(inner)?;
        return out.write_char('\'');
    }
    let has = |wanted: char| Unescape(inner).any(|unit| matches!(unit, Unit::Char(c) if c == wanted));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    out.write_char(quote)?;
    for unit in Unescape(inner) {
        match unit {
            Unit::Char('\\') => out.write_str("\\\\")?,
            Unit::Char('\n') => out.write_str("\\n")?,
            Unit::Char('\r') => out.write_str("\\r")?,
            Unit::Char('\t') => out.write_str("\\t")?,
            Unit::Char(c) if c == quote => write!(out, "\\{c}")?,
            Unit::Char(c) if printable(c) => out.write_char(c)?,
            Unit::Char(c) => match u32::from(c) {
                code @ ..0x100 => write!(out, "\\x{code:02x}")?,
                code @ 0x100..0x10000 => write!(out, "\\u{code:04x}")?,
                code => write!(out, "\\U{code:08x}")?,
            },
            Unit::Surrogate(code) => write!(out, "\\u{code:04x}")?,
        }
    }
    out.write_char(quote)
}

/// Python's `str.isprintable` for one character. Rust's debug form escapes the same categories (control, format,
/// surrogate, private use, unassigned, separators); a letter is put before it because Rust escapes combining marks at the
/// start of a text.
fn printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let mut buffer = [b'a', 0, 0, 0, 0];
    let end = buffer.get_mut(1..).map_or(0, |tail| c.encode_utf8(tail).len() + 1);
    let text = buffer.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}

/// One character of a string, or half of a pair whose other half is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Char(char),
    Surrogate(u16),
}

/// The characters of a JSON string, given what stands between its quotes.
#[derive(Debug, Clone)]
struct Unescape<'a>(&'a str);

impl Iterator for Unescape<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let mut chars = self.0.chars();
        let first = chars.next()?;
        if first != '\\' {
            self.0 = chars.as_str();
            return Some(Unit::Char(first));
        }
        let code = chars.next()?;
        self.0 = chars.as_str();
        Some(match code {
            'n' => Unit::Char('\n'),
            't' => Unit::Char('\t'),
            'r' => Unit::Char('\r'),
            'b' => Unit::Char('\u{8}'),
            'f' => Unit::Char('\u{c}'),
            'u' => self.unicode(),
            other => Unit::Char(other),
        })
    }
}

impl Unescape<'_> {
    fn unicode(&mut self) -> Unit {
        let Some(high) = self.hex4() else { return Unit::Char('u') };
        if let Some(c) = char::from_u32(u32::from(high)) {
            return Unit::Char(c);
        }
        let before = self.0;
        if high < 0xdc00
            && let Some(rest) = self.0.strip_prefix("\\u")
        {
            self.0 = rest;
            if let Some(low @ 0xdc00..0xe000) = self.hex4() {
                let code = 0x10000 + ((u32::from(high) & 0x3ff) << 10) + (u32::from(low) & 0x3ff);
                return char::from_u32(code).map_or(Unit::Surrogate(high), Unit::Char);
            }
            self.0 = before;
        }
        Unit::Surrogate(high)
    }

    fn hex4(&mut self) -> Option<u16> {
        let (digits, rest) = self.0.split_at_checked(4)?;
        let code = u16::from_str_radix(digits, 16).ok()?;
        self.0 = rest;
        Some(code)
    }
}

/// A number: whole ones as they stand, others in Python's shortest form.
fn number<W: Write>(text: &str, out: &mut W) -> fmt::Result {
    if !text.contains(['.', 'e', 'E']) {
        return out.write_str(if text == "-0" { "0" } else { text });
    }
    match text.parse::<f64>() {
        Ok(value) => float(value, out),
        Err(_) => out.write_str(text),
    }
}

/// `repr(float)`: the shortest digits that read back as the same number; with an exponent below 1e-4 and from 1e16.
fn float<W: Write>(value: f64, out: &mut W) -> fmt::Result {
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "inf" } else { "-inf" });
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return write!(out, "{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
