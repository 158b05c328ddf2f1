//! An answer with images, as LiteLLM writes it for its clients whatever the upstream: every field is there, null where
//! nothing is known.

use bytes::{Bytes, BytesMut};
use llm_types::generate::UsageReport;
use llm_types::{Format, RawJson, Usage, UsageSource};
use serde_json::value::RawValue;

use super::usage;
use crate::openai::object::{Arr, Obj};
use crate::task::{Sizing, TaskReply};

/// An answer to be written.
#[derive(Debug, Default)]
pub(crate) struct Answer<'a> {
    /// Seconds since 1970.
    pub created: u64,
    /// The images.
    pub data: Vec<Image<'a>>,
    /// What LiteLLM tells of the images.
    pub background: Option<&'a str>,
    pub output_format: Option<&'a str>,
    pub quality: Option<&'a str>,
    pub size: Option<&'a str>,
    /// The upstream's usage object.
    pub usage: Option<&'a RawValue>,
    /// What was counted where there is no such object.
    pub counted: Option<UsageReport>,
    /// What came out is told by kinds.
    pub detailed: bool,
    /// Fields that nobody knows.
    pub more: Vec<(&'a str, &'a str)>,
}

/// One image.
#[derive(Debug, Default, Clone)]
pub(crate) struct Image<'a> {
    /// Its bytes, base64.
    pub b64_json: Option<&'a str>,
    /// Where it is.
    pub url: Option<&'a str>,
    /// The prompt that was drawn.
    pub revised_prompt: Option<&'a str>,
    /// What only its provider tells of it, as JSON.
    pub provider_specific_fields: Option<&'a str>,
    /// Fields that nobody knows, values as JSON.
    pub more: Vec<(&'a str, &'a str)>,
}

impl Answer<'_> {
    /// Writes the answer and counts its images.
    pub(crate) fn reply(&self, sizing: Sizing) -> TaskReply {
        let mut report = self.usage.map(|raw| UsageReport {
            usage: usage::decode(raw),
            raw: Some((Format::OpenAiImages, RawJson::borrowed(raw))),
        });
        let counted = report.get_or_insert_with(|| self.counted.clone().unwrap_or_default());
        counted.usage.images_out = self.data.len() as u64;
        counted.usage.source = UsageSource::Reported;
        TaskReply { sizing, ..TaskReply::json(self.write(&counted.usage), report.clone()) }
    }

    fn write(&self, counted: &Usage) -> Bytes {
        let mut out = BytesMut::new();
        let mut obj = Obj::open(&mut out);
        obj.u64("created", self.created);
        nullable(&mut obj, "background", self.background);
        let mut list = obj.arr("data");
        self.data.iter().for_each(|image| image.write(&mut list));
        drop(list);
        nullable(&mut obj, "output_format", self.output_format);
        nullable(&mut obj, "quality", self.quality);
        nullable(&mut obj, "size", self.size);
        match self.usage {
            Some(raw) if !raw.get().starts_with('n') => obj.text("usage", raw.get()),
            _ => usage::encode(counted, self.detailed, &mut obj),
        }
        for (key, value) in &self.more {
            obj.any_key(key).extend_from_slice(value.as_bytes());
        }
        drop(obj);
        out.freeze()
    }
}

impl Image<'_> {
    fn write(&self, list: &mut Arr<'_>) {
        let mut item = list.obj();
        nullable(&mut item, "b64_json", self.b64_json);
        nullable(&mut item, "revised_prompt", self.revised_prompt);
        nullable(&mut item, "url", self.url);
        item.text("provider_specific_fields", self.provider_specific_fields.unwrap_or("null"));
        for (key, value) in &self.more {
            item.any_key(key).extend_from_slice(value.as_bytes());
        }
    }
}

fn nullable(obj: &mut Obj<'_>, key: &'static str, value: Option<&str>) {
    match value {
        Some(value) => obj.str(key, value),
        None => obj.text(key, "null"),
    }
}
