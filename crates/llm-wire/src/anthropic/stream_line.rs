//! The JSON of stream events, borrowed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A string, borrowed from the event where nothing in it is escaped.
#[derive(Debug, Deserialize, Default)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// One event. What does not belong to its type is absent.
#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(rename = "type", borrow, default)]
    pub kind: Text<'a>,
    #[serde(default)]
    pub index: u32,
    #[serde(borrow, default)]
    pub delta: Option<DeltaIn<'a>>,
    #[serde(borrow, default)]
    pub content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
}

/// What is added, of a block or of the message.
#[derive(Debug, Deserialize)]
pub(super) struct DeltaIn<'a> {
    #[serde(rename = "type", borrow, default)]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub text: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub partial_json: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub citation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub stop_sequence: Option<Text<'a>>,
}
