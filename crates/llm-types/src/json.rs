//! JSON that keeps what it was given: raw text for what is only carried, an ordered tree for what is edited.

mod fields;

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;

use fields::Fields;

/// Valid JSON text that nobody looks into: tool schemas, arguments, metadata. Cloning copies the text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Checks `text` and keeps it as it is.
    ///
    /// # Errors
    /// When `text` is not one JSON value.
    pub fn parse(text: impl Into<String>) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text.into()).map(Self)
    }

    /// Keeps the text of a borrowed value.
    #[must_use]
    pub fn borrowed(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    /// Writes a value as JSON text.
    ///
    /// # Errors
    /// When the value cannot be written as JSON (a map with keys that are not strings).
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// A JSON string.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::of(text).unwrap_or_default()
    }

    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// The text as a value of serde's.
    #[must_use]
    pub fn value(&self) -> &RawValue {
        &self.0
    }

    /// Reads the text as a typed value.
    ///
    /// # Errors
    /// When the text has another shape than `T`.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.get())
    }

    /// The content of a JSON string, borrowed where nothing is escaped; nothing for other kinds of values.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        raw_str(self.get())
    }

    /// True for `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.get() == "null"
    }
}

impl Default for RawJson {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

/// Equal as JSON values: white space does not count, the order of keys does.
impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get() || matches!((self.read::<Json>(), other.read::<Json>()), (Ok(a), Ok(b)) if a == b)
    }
}

/// The content of the JSON string `text`, borrowed where nothing is escaped; nothing for other kinds of values.
#[must_use]
pub fn raw_str(text: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.bytes().all(|b| b != b'\\' && b != b'"') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<Text<'_>>(text).ok().map(|t| t.0)
}

/// A JSON tree that keeps the order of keys. For configuration and for edits; the data path carries [`RawJson`].
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; whole numbers stay whole.
    Number(Number),
    /// A string
    String(String),
    /// An array
    Array(Vec<Json>),
    /// An object, keys in the order in which they came
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value below `key` of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value below `key` of an object, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Object(o) => o.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Sets `key` of an object, in place when it is there, else last. Nothing happens to other kinds of values.
    pub fn set(&mut self, key: &str, value: impl Into<Self>) {
        if let Self::Object(o) = self {
            match o.iter_mut().find(|(k, _)| k == key) {
                Some((_, v)) => *v = value.into(),
                None => o.push((key.to_owned(), value.into())),
            }
        }
    }

    /// Sets many fields, each as [`Self::set`] does: there may be as many as a body has.
    pub fn extend(&mut self, fields: impl IntoIterator<Item = (String, Self)>) {
        if let Self::Object(o) = self {
            let mut all = Fields::of(std::mem::take(o));
            fields.into_iter().for_each(|(name, value)| all.put(name, value));
            *o = all.into_list();
        }
    }

    /// Takes `key` out of an object.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let Self::Object(o) = self else { return None };
        let at = o.iter().position(|(k, _)| k == key)?;
        Some(o.remove(at).1)
    }

    /// The string below `key` of an object.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// The strings of the list below `key` of an object; other items are passed over.
    pub fn texts(&self, key: &str) -> impl Iterator<Item = &str> {
        self.get(key).and_then(Self::as_array).unwrap_or_default().iter().filter_map(Self::as_str)
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(s) = self { Some(s) } else { None }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// The number as f64, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(n) = self { n.as_f64() } else { None }
    }

    /// The number as i64, if it is a whole one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(n) = self { n.as_i64() } else { None }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(a) = self { Some(a) } else { None }
    }

    /// The fields of an object, in order.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        if let Self::Object(o) = self { Some(o) } else { None }
    }

    /// True for `null`.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The tree as raw JSON text.
    #[must_use]
    pub fn to_raw(&self) -> RawJson {
        RawJson::of(self).unwrap_or_default()
    }

    /// An object of the given fields.
    pub fn object<K: Into<String>, V: Into<Self>>(fields: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Object(fields.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

macro_rules! from {
    ($($t:ty => $e:expr),* $(,)?) => { $(impl From<$t> for Json { fn from(v: $t) -> Self { let f: fn($t) -> Json = $e; f(v) } })* };
}
from! {
    bool => Json::Bool, String => Json::String, &str => |v| Json::String(v.to_owned()),
    i64 => |v| Json::Number(v.into()), u64 => |v| Json::Number(v.into()), u32 => |v| Json::Number(v.into()),
    f64 => |v| Number::from_f64(v).map_or(Json::Null, Json::Number),
    Vec<Json> => Json::Array, Number => Json::Number,
    &RawJson => |v| v.read().unwrap_or_default(),
}

impl<T: Into<Self>> From<Option<T>> for Json {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => s.serialize_unit(),
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Number(n) => n.serialize(s),
            Self::String(t) => s.serialize_str(t),
            Self::Array(a) => {
                let mut seq = s.serialize_seq(Some(a.len()))?;
                a.iter().try_for_each(|v| seq.serialize_element(v))?;
                seq.end()
            }
            Self::Object(o) => {
                let mut map = s.serialize_map(Some(o.len()))?;
                o.iter().try_for_each(|(k, v)| map.serialize_entry(k, v))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_none<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Json, D::Error> {
        Json::deserialize(d)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Json, E> {
        Ok(Json::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Json, E> {
        Ok(Json::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Json, E> {
        Ok(Json::Number(v.into()))
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Json, E> {
        Number::from_f64(v).map(Json::Number).ok_or_else(|| E::custom("not a finite number"))
    }
    fn visit_str<E>(self, v: &str) -> Result<Json, E> {
        Ok(Json::String(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Json, E> {
        Ok(Json::String(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut out = Vec::new();
        while let Some(v) = seq.next_element()? {
            out.push(v);
        }
        Ok(Json::Array(out))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut out = Fields::default();
        while let Some((name, value)) = map.next_entry()? {
            out.put(name, value);
        }
        Ok(Json::Object(out.into_list()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_number_text_survive() {
        let text = r#"{"z":1,"a":[1.0,2,-3,1e3],"m":{"k":null,"b":true},"s":"é\n"}"#;
        let tree: Json = serde_json::from_str(text).unwrap();
        assert_eq!(tree.to_string(), r#"{"z":1,"a":[1.0,2,-3,1000.0],"m":{"k":null,"b":true},"s":"é\n"}"#);
    }

    #[test]
    fn strings_of_objects_are_found_by_name() {
        let tree: Json = serde_json::from_str(r#"{"a":"x","l":["y",1,"z"],"n":2}"#).unwrap();
        assert_eq!((tree.text("a"), tree.text("n"), tree.text("gone")), (Some("x"), None, None));
        assert_eq!(tree.texts("l").collect::<Vec<_>>(), ["y", "z"]);
        assert_eq!((tree.texts("a").count(), tree.texts("gone").count()), (0, 0));
    }

    #[test]
    fn raw_strings_are_borrowed_where_possible() {
        assert!(matches!(raw_str(r#""plain""#), Some(Cow::Borrowed("plain"))));
        assert_eq!(raw_str(r#""a\nb""#).unwrap(), "a\nb");
        assert_eq!(raw_str("12"), None);
        assert_eq!(raw_str(r#"""#), None);
    }

    #[test]
    fn raw_equality_ignores_white_space_only() {
        let raw = |t: &str| RawJson::parse(t).unwrap();
        assert_eq!(raw("{\"a\": 1}"), raw("{\"a\":1}"));
        assert_ne!(raw("{\"a\":1,\"b\":2}"), raw("{\"b\":2,\"a\":1}"));
    }
}
