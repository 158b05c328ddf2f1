//! Forms with a file, and rows of spend: what several test files ask for.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::call::{Live, Reply};
use crate::config::MASTER_KEY;
use crate::gateway::Gateway;

/// A form: text fields, and perhaps a file (its field, its name, its bytes).
#[derive(Debug, Clone, Default)]
pub struct Form {
    body: Vec<u8>,
}

impl Form {
    /// The content type of such a form.
    pub const KIND: &'static str = "multipart/form-data; boundary=b";

    /// A form of texts.
    pub fn of(fields: &[(&str, &str)]) -> Self {
        fields.iter().fold(Self::default(), |form, (name, text)| form.text(name, text))
    }

    /// With a text.
    #[must_use]
    pub fn text(self, name: &str, text: &str) -> Self {
        self.part(&format!("name=\"{name}\""), text.as_bytes())
    }

    /// With a file.
    #[must_use]
    pub fn file(self, field: &str, filename: &str, data: &[u8]) -> Self {
        self.part(&format!("name=\"{field}\"; filename=\"{filename}\""), data)
    }

    /// The bytes.
    pub fn bytes(&self) -> Bytes {
        [self.body.as_slice(), b"--b--\r\n"].concat().into()
    }

    fn part(mut self, disposition: &str, data: &[u8]) -> Self {
        let head = format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(data);
        self.body.extend_from_slice(b"\r\n");
        self
    }
}

impl Gateway {
    /// POST of a form.
    ///
    /// # Errors
    /// As [`Gateway::post`].
    pub async fn post_form(&self, path: &str, form: &Form, key: &str) -> Result<Reply> {
        self.open_form(path, form, key).await?.rest().await
    }

    /// POST of a form, with the body of the reply still to come.
    ///
    /// # Errors
    /// No response came.
    pub async fn open_form(&self, path: &str, form: &Form, key: &str) -> Result<Live> {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", Form::KIND)];
        self.open_any(Method::POST, path, &headers, form.bytes()).await
    }

    /// A new virtual key with these fields: the key and its hash.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn new_key(&self, fields: &Value) -> Result<(String, String)> {
        let reply = self.ask("/key/generate", fields).await?;
        let made = reply.json();
        let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned);
        text("key").zip(text("token")).with_context(|| format!("no key: {}", reply.text()))
    }

    /// The rows of spend of a key, once there are as many as `wanted`.
    ///
    /// # Errors
    /// There are fewer after 20 seconds.
    pub async fn spend_rows(&self, token: &str, wanted: usize) -> Result<Vec<Value>> {
        let mut seen = Value::Null;
        for _ in 0..100 {
            seen = self.get(&format!("/spend/logs?api_key={token}"), MASTER_KEY).await?.json();
            if let Some(rows) = seen.as_array().filter(|rows| rows.len() >= wanted) {
                return Ok(rows.clone());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("no {wanted} rows within 20 seconds: {seen}")
    }
}
