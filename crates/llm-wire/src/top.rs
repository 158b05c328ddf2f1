//! The top level of a JSON body, read without copying.
//!
//! [`Top::parse`] finds the fields of the outermost object as slices of the body, so that a field can be replaced by
//! splicing ([`splice`]) and a list of edits written without touching what is not edited ([`Top::edited`]).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::{Error, Field, FieldSet, Result};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// More edits than these are found by a table: there may be one for each field of a body.
const FEW: usize = 16;

/// The fields of the outermost object of a body, in order.
#[derive(Debug, Default)]
pub struct Top<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    known: FieldSet,
}

impl<'a> Top<'a> {
    /// Reads the top level of a body.
    ///
    /// # Errors
    /// `BadRequest` when the body is not one JSON object.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        serde_json::from_slice(body)
            .map_err(|e| Error::bad_request(format!("Invalid JSON payload: {e}")).with_param("request_body"))
    }

    /// The raw text of a field; the last one wins when a key stands twice.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.fields.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.get())
    }

    /// The content of a string field.
    #[must_use]
    pub fn str(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(llm_types::json::raw_str)
    }

    /// A field that is `true`.
    #[must_use]
    pub fn is_true(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }

    /// A field read as a typed value; nothing when absent, null or of another shape.
    #[must_use]
    pub fn read<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.get(key)?).ok()
    }

    /// The known fields that are present and not null.
    #[must_use]
    pub const fn known(&self) -> FieldSet {
        self.known
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.fields.iter().map(|(k, v)| (k.as_ref(), v.get()))
    }

    /// The body with the edits applied: an edit with a value replaces the field in place (or adds it at the end), one
    /// without takes it out. Fields that no edit names keep their text and order.
    #[must_use]
    pub fn edited(&self, edits: &[(&str, Option<&str>)]) -> Bytes {
        let size = self.fields.iter().map(|(k, v)| k.len() + v.get().len() + 4).sum::<usize>();
        let added = edits.iter().map(|(k, v)| k.len() + v.map_or(0, str::len) + 4).sum::<usize>();
        let mut out = BytesMut::with_capacity(size + added + 2);
        out.put_u8(b'{');
        let mut first = true;
        let mut put = |key: &str, value: &str| {
            if !std::mem::take(&mut first) {
                out.put_u8(b',');
            }
            write_str(key, &mut out);
            out.put_u8(b':');
            out.put_slice(value.as_bytes());
        };
        let many = edits.len() > FEW;
        let table: HashMap<&str, usize> =
            if many { edits.iter().enumerate().map(|(at, (k, _))| (*k, at)).collect() } else { HashMap::new() };
        // Of several edits of one field the last one counts.
        let edit = |key: &str| if many { table.get(key).copied() } else { edits.iter().rposition(|(k, _)| *k == key) };
        for (key, value) in &self.fields {
            match edit(key).and_then(|at| edits.get(at)) {
                Some((_, Some(new))) => put(key, new),
                Some((_, None)) => {}
                None => put(key, value.get()),
            }
        }
        let names: HashSet<&str> =
            if many { self.fields.iter().map(|(k, _)| k.as_ref()).collect() } else { HashSet::new() };
        let there = |key: &str| if many { names.contains(key) } else { self.fields.iter().any(|(k, _)| k == key) };
        for (at, (key, value)) in edits.iter().enumerate() {
            if let Some(value) = value
                && edit(key) == Some(at)
                && !there(key)
            {
                put(key, value);
            }
        }
        out.put_u8(b'}');
        out.freeze()
    }
}

impl<'de> Deserialize<'de> for Top<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct TopVisitor;
        impl<'de> Visitor<'de> for TopVisitor {
            type Value = Top<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top<'de>, A::Error> {
                #[derive(Deserialize)]
                #[serde(transparent)]
                struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
                let mut top = Top { fields: Vec::with_capacity(16), known: FieldSet::EMPTY };
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    if let Some(field) = Field::from_name(&key)
                        && value.get() != "null"
                    {
                        top.known.insert(field);
                    }
                    top.fields.push((key, value));
                }
                Ok(top)
            }
        }
        d.deserialize_map(TopVisitor)
    }
}

/// Replaces the slice `old` of `body` by `new`: up to three pieces that share the body's memory.
///
/// `old` must be a slice of `body` (the text of a field found by [`Top`]); if it is not, nothing is replaced.
#[must_use]
pub fn splice(body: &Bytes, old: &str, new: Bytes) -> [Bytes; 3] {
    let at = (old.as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
    match at.checked_add(old.len()) {
        Some(end) if end <= body.len() => [body.slice(..at), new, body.slice(end..)],
        _ => [body.clone(), Bytes::new(), Bytes::new()],
    }
}

/// Writes `text` as a JSON string.
pub fn write_str(text: &str, out: &mut BytesMut) {
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.reserve(text.len() + 2);
        out.put_u8(b'"');
        out.put_slice(text.as_bytes());
        out.put_u8(b'"');
    } else {
        write_json(text, out);
    }
}

/// Writes a value as JSON. Values of this workspace cannot fail to be written; one that does becomes `null`.
pub fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut BytesMut) {
    let start = out.len();
    if serde_json::to_writer((&mut *out).writer(), value).is_err() {
        out.truncate(start);
        out.put_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_edits_do_what_few_do() {
        let names: Vec<String> = (0..2 * FEW).map(|at| format!("f{at}")).collect();
        let fields: Vec<String> = names.iter().map(|name| format!("\"{name}\":1")).collect();
        let body = format!("{{{},\"kept\":2}}", fields.join(","));
        let top = Top::parse(body.as_bytes()).unwrap();
        let mut edits: Vec<(&str, Option<&str>)> = names.iter().map(|name| (name.as_str(), None)).collect();
        edits.extend([("f1", Some("3")), ("new", Some("4")), ("new", Some("5")), ("kept", Some("6"))]);
        assert_eq!(&top.edited(&edits)[..], br#"{"f1":3,"kept":6,"new":5}"#);
    }

    #[test]
    fn edits_leave_the_rest_alone() {
        let body = br#"{ "model": "a", "x": [1, 2], "temperature": 1.0, "n": null }"#;
        let top = Top::parse(body).unwrap();
        assert!(top.known().has(Field::Temperature) && !top.known().has(Field::N));
        let out = top.edited(&[("model", Some("\"b\"")), ("temperature", None), ("stream", Some("true"))]);
        assert_eq!(&out[..], br#"{"model":"b","x":[1, 2],"n":null,"stream":true}"#);
    }

    #[test]
    fn splicing_shares_memory() {
        let body = Bytes::from_static(br#"{"a":1,"model":"x","b":2}"#);
        let top = Top::parse(&body).unwrap();
        let pieces = splice(&body, top.get("model").unwrap(), Bytes::from_static(b"\"yy\""));
        assert_eq!(pieces.concat(), br#"{"a":1,"model":"yy","b":2}"#);
        assert_eq!(splice(&body, "elsewhere", Bytes::new()).concat(), &body[..]);
    }

    #[test]
    fn only_objects_are_bodies() {
        for bad in [&b"[1]"[..], b"{", b"", b"{\"a\":1} x"] {
            assert_eq!(Top::parse(bad).unwrap_err().param.as_deref(), Some("request_body"));
        }
    }
}
