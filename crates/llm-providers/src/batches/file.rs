//! Files that a house keeps in buckets.

use std::fmt;

use llm_types::{Error, Json, Result};
use llm_wire::ReplyView;

use crate::provider::Endpoint;
use crate::resource::Resource;

/// A file that is put into a bucket.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The model of its requests; none for files that hold none.
    pub model: Option<&'a str>,
    /// A text that no other upload has.
    pub unique: &'a str,
    /// As the client calls it.
    pub filename: &'a str,
}

/// What is wanted of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// What it is.
    Facts,
    /// Its bytes.
    Content,
    /// Its end.
    Removal,
}

/// A house with buckets.
pub trait FileHouse: Send + Sync + fmt::Debug {
    /// Where a file goes; its id.
    ///
    /// # Errors
    /// `BadRequest` without a bucket, or when its model cannot be asked in batches.
    fn put(&self, upload: &Upload<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<String>;

    /// Where a file is. Sets the method.
    ///
    /// # Errors
    /// `BadRequest` without a bucket; 404 for ids of what the gateway did not put there.
    fn at(&self, id: &str, want: Want, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()>;

    /// OpenAI's object of a file, from the answer to its upload or to [`Want::Facts`].
    fn facts(&self, id: &str, reply: &ReplyView<'_>) -> Json;
}

/// A bucket, and the folder in it that is used.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    scheme: &'static str,
    /// Its name.
    pub(crate) name: String,
    folder: String,
}

impl Bucket {
    /// Reads a setting: `bucket` or `bucket/folder`. `settings` are the names of those that say it.
    pub(crate) fn of(scheme: &'static str, setting: Option<&str>, settings: &str) -> Result<Self> {
        let setting = setting.map(|s| s.trim_start_matches(&format!("{scheme}://")).trim_matches('/'));
        let setting = setting
            .filter(|s| !s.is_empty())
            .ok_or_else(|| Error::bad_request(format!("files of this provider need a bucket: set {settings}")))?;
        let (name, folder) = setting.split_once('/').unwrap_or((setting, ""));
        Ok(Self { scheme, name: name.to_owned(), folder: folder.to_owned() })
    }

    /// An object's name in the folder.
    pub(crate) fn below(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }

    /// The address of an object.
    pub(crate) fn uri(&self, name: &str) -> String {
        format!("{}://{}/{name}", self.scheme, self.name)
    }

    /// The name of an object that stands below one of these prefixes. Everything else in the bucket is nobody's business:
    /// ids come from clients, and the gateway's credential may reach more.
    pub(crate) fn object<'i>(&self, id: &'i str, prefixes: &[&str]) -> Result<&'i str> {
        let name = id.strip_prefix(&self.uri(""));
        let ours = name.filter(|name| {
            let relative = name.split('/').any(|piece| matches!(piece, "." | ".."));
            !relative && prefixes.iter().any(|prefix| name.starts_with(&self.below(prefix)))
        });
        ours.ok_or_else(|| Error::new(llm_types::Kind::NotFound, format!("No such File object: {id}")).with_param("id"))
    }
}

/// What is known of a file.
pub(crate) struct Facts<'a> {
    pub(crate) id: &'a str,
    pub(crate) bytes: Option<u64>,
    /// Seconds since 1970.
    pub(crate) created: Option<i64>,
}

impl Facts<'_> {
    /// OpenAI's object.
    pub(crate) fn json(&self) -> Json {
        Json::object([
            ("id", Json::from(self.id)),
            ("object", Json::from("file")),
            ("bytes", self.bytes.into()),
            ("created_at", self.created.into()),
            ("filename", Json::from(self.id.rsplit('/').next())),
            ("purpose", Json::from("batch")),
            ("status", Json::from("uploaded")),
        ])
    }
}

/// The last part of a client's name for a file, in letters that are safe everywhere.
pub(crate) fn plain(filename: &str) -> String {
    let last = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let legal = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = last.chars().map(legal).take(100).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}
