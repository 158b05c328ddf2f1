//! Rerank, of both versions.

use crate::ranking::{Listing, results};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::fill;

use super::chat::id;
use super::{frames, json_reply};

const LISTING: Listing = Listing { row: frames::RANKED, limit: "top_n", shown: false, document: "{\"text\":@text@}" };

pub(super) fn reply(call: &Call<'_>) -> Reply {
    json_reply(fill(frames::RERANK, &[("id", &id(call)), ("results", &results(call, &LISTING))]))
}
