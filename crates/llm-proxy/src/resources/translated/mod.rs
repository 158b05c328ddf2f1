//! Files and batches of houses that keep them in another way than OpenAI: requests, jobs and results are told in
//! OpenAI's words.
//!
//! | file | what |
//! |---|---|
//! | here | which of them it is |
//! | `files` | what is put there, looked at, fetched |
//! | `jobs` | batches |

mod files;
mod jobs;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::response::Parts;
use http_body_util::BodyExt;
use llm_client::resources::{Batches, Told};
use llm_client::{RelayHead, Report};
use llm_providers::batches::BatchHouse;
use llm_providers::passthrough::unescaped;
use llm_types::{Error, Json, Result};

use super::Asked;
use super::ask::keeper;
use super::choose::Home;
use super::kept::Shelf;
use super::request::Sent;
use super::table::Family;
use crate::core::Core;
use crate::flow::Context;

/// What became of a request.
pub(super) enum Outcome {
    /// It was answered.
    Served(Box<Served>),
    /// It is the provider's as it is.
    Relay(Sent),
}

impl From<Told> for Outcome {
    fn from(told: Told) -> Self {
        Self::Served(Served::of(told))
    }
}

/// An answer.
pub(super) struct Served {
    /// Status and headers.
    pub(super) parts: Parts,
    /// All of it.
    pub(super) body: Bytes,
    /// Who answered.
    pub(super) from: RelayHead,
    /// What is settled.
    pub(super) report: Box<Report>,
}

/// A house, asked for somebody.
#[derive(Clone, Copy)]
pub(super) struct House<'a> {
    pub(super) core: &'a Core,
    pub(super) ctx: &'a Context,
    pub(super) home: &'a Home,
    pub(super) house: &'static dyn BatchHouse,
}

/// Answers where a house keeps files or batches in its own way.
///
/// # Errors
/// What the client did wrong, what the house refuses.
pub(super) async fn serve(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let Some(house) = asked.home.target.provider.batches() else { return Ok(Outcome::Relay(sent)) };
    let house = House { core, ctx, home: asked.home, house };
    match asked.what.family {
        Family::Files => house.file(asked.what.call_type, asked.tail, sent).await,
        Family::Batches => house.batch(asked.what.call_type, asked.tail, sent).await.map(Outcome::from),
        _ => Ok(Outcome::Relay(sent)),
    }
}

/// The content of a file of such a house; nothing where the provider keeps files as OpenAI does.
///
/// # Errors
/// As [`serve`].
pub(super) async fn file(core: &Core, ctx: &Context, home: &Home, path: &str) -> Result<Option<Bytes>> {
    let Some(house) = home.target.provider.batches() else { return Ok(None) };
    let house = House { core, ctx, home, house };
    Ok(match house.file("afile_content", path, Sent::Whole(Bytes::new())).await? {
        Outcome::Served(served) => Some(served.body),
        Outcome::Relay(_) => None,
    })
}

impl<'a> House<'a> {
    fn shelf(&self) -> Result<Shelf<'a>> {
        let who = self.ctx.who.as_ref().ok_or_else(|| Error::internal("a caller that nobody knows"))?;
        Ok(Shelf { core: self.core, who })
    }

    /// The house's batches, with the models that the caller may use.
    fn batches<'b>(&self, may_use: &'b (dyn Fn(&str) -> bool + Sync)) -> Batches<'b>
    where
        'a: 'b,
    {
        Batches { keeper: keeper(self.core, self.ctx, self.home), house: self.house, may_use }
    }

    /// True for a model that the caller may use.
    fn may_use(&self, model: &str) -> bool {
        self.ctx.who.as_ref().is_none_or(|who| who.may_use(model))
    }
}

/// Who answers what the gateway answers itself.
pub(super) fn here(core: &Core, ctx: &Context, home: &Home) -> RelayHead {
    keeper(core, ctx, home).here()
}

impl Served {
    fn of(told: Told) -> Box<Self> {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(told.content_type));
        Box::new(Self { parts, body: told.body, from: told.from, report: told.report })
    }

    /// An answer in JSON.
    pub(super) fn json(tree: &Json, from: RelayHead, report: Box<Report>) -> Box<Self> {
        Self::of(Told::json(tree, from, report))
    }
}

/// The id in a path: behind `before`, without what stands behind it.
pub(super) fn id_in<'p>(path: &'p str, before: &str, behind: &str) -> std::borrow::Cow<'p, str> {
    let id = path.strip_prefix(before).unwrap_or(path);
    unescaped(id.strip_suffix(behind).unwrap_or(id))
}

/// All of a body.
///
/// # Errors
/// When it breaks off.
pub(super) async fn whole(sent: Sent) -> Result<Bytes> {
    match sent {
        Sent::Whole(bytes) => Ok(bytes),
        Sent::Stream(body) => {
            let read = body.collect().await.map_err(|e| Error::bad_request(format!("the body broke off: {e}")))?;
            Ok(read.to_bytes())
        }
    }
}
