use std::borrow::Cow;
use std::collections::HashMap;

use bytes::{BufMut, BytesMut};
use llm_types::{Error, Field, FieldSet, Json, Result};
use llm_wire::top::{Top, write_str};

use super::{Edited, client_headers};
use crate::rules::Values;

/// A body while it is edited: its fields in order, and what became of them.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    changed: bool,
    lost: Vec<String>,
    headers: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(top: &'a Top<'a>) -> Self {
        let fields = top.iter().map(|(k, v)| (Cow::Borrowed(k), Cow::Borrowed(v))).collect();
        Self { fields, changed: false, lost: Vec::new(), headers: Vec::new() }
    }

    /// The JSON text of a field that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(k, _)| k == name).map(|(_, v)| v.as_ref()).filter(|v| *v != "null")
    }

    /// The content of a string field.
    pub(super) fn str(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).and_then(llm_types::json::raw_str)
    }

    /// A field as a tree.
    pub(super) fn json(&self, name: &str) -> Option<Json> {
        serde_json::from_str(self.get(name)?).ok()
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// The known fields that are there and not null.
    pub(super) fn known(&self) -> FieldSet {
        self.fields.iter().filter(|(_, v)| v != "null").filter_map(|(k, _)| Field::from_name(k)).collect()
    }

    /// Sets a field, in place when it is there, else last.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Cow<'a, str>>) {
        self.changed = true;
        let value = value.into();
        match self.fields.iter_mut().find(|(k, _)| k == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((Cow::Owned(name.to_owned()), value)),
        }
    }

    /// Takes a field out; true when it was there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.remove_where(|k| k == name)
    }

    /// Takes fields out; true when one was there.
    pub(super) fn remove_where(&mut self, is: impl Fn(&str) -> bool) -> bool {
        let before = self.fields.len();
        self.fields.retain(|(k, _)| !is(k));
        self.changed |= self.fields.len() < before;
        self.fields.len() < before
    }

    /// Takes a parameter out and remembers that the client wanted it.
    pub(super) fn lose(&mut self, name: &str) {
        if self.remove(name) {
            self.lost.push(name.to_owned());
        }
    }

    /// Calls a field by another name, unless that name is taken.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if self.get(from).is_none() {
            return;
        }
        if self.get(to).is_some() {
            self.remove(from);
            return;
        }
        self.fields.retain(|(k, _)| k != to);
        for (key, _) in self.fields.iter_mut().filter(|(k, _)| k == from) {
            *key = Cow::Owned(to.to_owned());
        }
        self.changed = true;
    }

    /// Takes known parameters that are null out: they mean the default, and many providers refuse them.
    pub(super) fn drop_nulls(&mut self) {
        let before = self.fields.len();
        self.fields.retain(|(k, v)| v != "null" || Field::from_name(k).is_none());
        self.changed |= self.fields.len() < before;
    }

    /// `metadata` of the Responses interface is the provider's own; only an empty one goes.
    pub(super) fn drop_null_metadata(&mut self) {
        let before = self.fields.len();
        self.fields.retain(|(k, v)| k != "metadata" || v != "null");
        self.changed |= self.fields.len() < before;
    }

    /// Takes `extra_headers` out of the body: they are headers. Those that are not the client's to say are left out.
    pub(super) fn take_headers(&mut self) -> Result<()> {
        let Some(headers) = self.json("extra_headers") else {
            self.remove("extra_headers");
            return Ok(());
        };
        let object = headers.as_object().ok_or_else(|| {
            Error::bad_request("extra_headers must be an object of texts").with_param("extra_headers")
        })?;
        let bytes: usize = object.iter().map(|(k, v)| k.len() + v.as_str().map_or(0, str::len)).sum();
        if object.len() > client_headers::MOST || bytes > client_headers::MOST_BYTES {
            let (most, size) = (client_headers::MOST, client_headers::MOST_BYTES);
            let why = format!("extra_headers may have {most} names and {size} bytes at the most");
            return Err(Error::bad_request(why).with_param("extra_headers"));
        }
        for (name, value) in object {
            match value.as_str() {
                Some(value) if client_headers::may_be_said(name) => self.headers.push((name.clone(), value.to_owned())),
                Some(_) => self.lost.push(format!("extra_headers.{name}")),
                None => {}
            }
        }
        self.remove("extra_headers");
        Ok(())
    }

    /// Puts the fields of `extra_body` beside the others.
    pub(super) fn merge_extra_body(&mut self) -> Result<()> {
        let Some(raw) = self.get("extra_body").map(str::to_owned) else {
            self.remove("extra_body");
            return Ok(());
        };
        let extra = Top::parse(raw.as_bytes())
            .map_err(|_| Error::bad_request("extra_body must be an object").with_param("extra_body"))?;
        let mut places: HashMap<String, usize> = HashMap::new();
        for (at, (key, _)) in self.fields.iter().enumerate() {
            places.entry(key.to_string()).or_insert(at);
        }
        for (key, value) in extra.iter().filter(|(k, _)| *k != "model") {
            let value = Cow::Owned(value.to_owned());
            match places.get(key).and_then(|at| self.fields.get_mut(*at)) {
                Some((_, old)) => *old = value,
                None => {
                    places.insert(key.to_owned(), self.fields.len());
                    self.fields.push((Cow::Owned(key.to_owned()), value));
                }
            }
        }
        self.changed = true;
        self.remove("extra_body");
        Ok(())
    }

    /// The body, when it changed.
    pub(super) fn finish(self) -> Option<Edited> {
        if !self.changed && self.headers.is_empty() {
            return None;
        }
        let size = self.fields.iter().map(|(k, v)| k.len() + v.len() + 4).sum::<usize>();
        let mut out = BytesMut::with_capacity(size + 2);
        out.put_u8(b'{');
        for (at, (key, value)) in self.fields.iter().enumerate() {
            if at > 0 {
                out.put_u8(b',');
            }
            write_str(key, &mut out);
            out.put_u8(b':');
            out.put_slice(value.as_bytes());
        }
        out.put_u8(b'}');
        Some(Edited { body: out.freeze(), lost: self.lost, headers: self.headers })
    }
}

impl Values for Draft<'_> {
    fn raw(&self, field: Field) -> Option<Cow<'_, str>> {
        self.get(field.name()).map(Cow::Borrowed)
    }
}
