//! The requests and tokens of a batch count against the limits of who makes it, before it is made: its file is read for that.

use std::borrow::Cow;

use bytes::Bytes;
use llm_accounts::Reservation;
use llm_types::{Error, Kind, Result};
use llm_wire::top::Top;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ask::keeper;
use super::{Asked, translated};
use crate::core::Core;
use crate::flow::Context;

/// A line of an input file.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// Takes what the requests of the batch that `body` asks for use from the limits.
///
/// # Errors
/// 429 beyond a limit, 400 for a file that cannot be had or counted. Nothing is taken then.
pub(super) async fn count(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    body: Option<Bytes>,
    reservation: &mut Reservation,
) -> Result<()> {
    let settings = &ctx.snapshot.settings.batches;
    let home = asked.home;
    let among = |list: &[String], name: Option<&str>| name.is_some_and(|name| list.iter().any(|known| known == name));
    let free = settings.uncounted
        || among(&settings.uncounted_models, home.group.as_deref())
        || among(&settings.uncounted_models, home.model.as_deref())
        || among(&settings.uncounted_providers, Some(home.target.provider_id()));
    if free || !reservation.counts_batches() {
        return Ok(());
    }
    // What cannot be read has no file: the provider says so.
    let Some(id) = body.as_ref().and_then(|body| Top::parse(body).ok()?.str("input_file_id").map(Cow::into_owned))
    else {
        return Ok(());
    };
    let file = content(core, ctx, asked, &id, settings.max_file_bytes).await?;
    let (requests, tokens) = counted(&file);
    reservation.take_batch(requests, tokens).await
}

/// Requests and estimated prompt tokens of a file. A line that is none is the provider's to refuse; it counts all the same.
fn counted(file: &[u8]) -> (u64, u64) {
    let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.fold((0, 0), |(requests, tokens), line| {
        let body = serde_json::from_slice::<Line<'_>>(line).ok().and_then(|line| line.body);
        let bytes = body.map_or(line.len(), |body| body.get().len());
        (requests + 1, tokens + (bytes / 4) as u64)
    })
}

/// The file's bytes, wherever it is kept.
async fn content(core: &Core, ctx: &Context, asked: &Asked<'_>, id: &str, limit: usize) -> Result<Bytes> {
    let path = format!("/files/{id}/content");
    let bytes = match translated::file(core, ctx, asked.home, &path).await? {
        Some(bytes) => bytes,
        None => {
            // It becomes a part of a path.
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
            if id.contains("..") || !id.chars().all(plain) {
                return Err(no_file(id));
            }
            keeper(core, ctx, asked.home).download(id, limit).await?
        }
    };
    if bytes.len() > limit {
        let why = format!("The file of a batch may have {} MB at the most", limit >> 20);
        return Err(Error::new(Kind::TooLarge, why).with_param("input_file_id"));
    }
    Ok(bytes)
}

fn no_file(id: &str) -> Error {
    Error::bad_request(format!("No such File object: {id}")).with_param("input_file_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_requests_and_bodies_are_tokens() {
        let file = b"{\"custom_id\":\"a\",\"body\":{\"a\":\"12345678901\"}}\n\n{\"body\":{}}\r\nbroken!!\n";
        // 19 bytes, 2 bytes, and 8 of the line that is none.
        assert_eq!(counted(file), (3, 4 + 2));
        assert_eq!(counted(b""), (0, 0));
    }
}
