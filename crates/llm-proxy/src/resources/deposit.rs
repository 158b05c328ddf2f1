//! A document is put into a vector store of a house that is not OpenAI's kind. It is one row, however many requests it takes.

use std::sync::Arc;

use llm_accounts::Identity;
use llm_client::resources::{Question, Said};
use llm_client::{RelayHead, Report, Tail as _};
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::stores::{Came, Document, Embedder, Step, StoreHouse};
use llm_types::{Error, Json, Kind, Result};

use super::ask::keeper;
use super::choose::{self, Home};
use super::table::Family;
use super::translated::here;
use super::{admit, told};
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass::tail::{Facts, RelayTail};
use crate::searched;

/// Requests that an ingestion may take; jobs are polled among them.
const STEPS: usize = 500;
/// Texts whose vectors are asked for at once.
const AT_ONCE: usize = 100;

/// Where a document went.
#[derive(Debug)]
pub struct Deposited {
    /// The store.
    pub store: String,
    /// What the house calls the document.
    pub file: Option<String>,
}

/// Puts a document into a store; nothing where the provider's stores are of OpenAI's kind.
///
/// # Errors
/// What the call is refused for, and what the house refuses.
pub async fn deposit(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    provider: &str,
    document: Document<'_>,
) -> Result<Option<Deposited>, Refused> {
    let asked = told(ctx, Some(provider), None);
    let path = document.store.map_or_else(|| "/vector_stores".to_owned(), |id| format!("/vector_stores/{id}/files"));
    let home = choose::home(ctx, who, Family::VectorStores, &asked, &path)?;
    let Some(house) = home.target.provider.stores(&home.target.model) else { return Ok(None) };
    if let Some(store) = document.store {
        searched::one(who, store)?;
    }
    let named = |id: &str| ctx.snapshot.relays.settings.vector_stores.iter().any(|(known, _)| known == id);
    if house.is_account() && !who.is_admin() && !document.store.is_some_and(named) {
        let why = "only administrators put documents into stores that the configuration (vector_store_registry) does not name";
        return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").into());
    }
    let route = ctx.route;
    let reservation = admit(core, ctx, who, route, &asked, &home).await?;
    let mut work = Work { core, ctx, home: &home, house, from: here(core, ctx, &home), report: Box::default() };
    match work.run(document).await {
        Ok(deposited) => {
            let facts = Facts {
                provider: Arc::from(home.target.provider_id()),
                model: Arc::from(home.model.as_deref().unwrap_or_default()),
                call_type: "aingest",
                agent: None,
            };
            let Work { from, report, .. } = work;
            Box::new(RelayTail::new(core, ctx, from, facts, Some(reservation))).done(report);
            Ok(Some(deposited))
        }
        Err(error) => Err(Refused::after(error, reservation)),
    }
}

struct Work<'a> {
    core: &'a Core,
    ctx: &'a Context,
    home: &'a Home,
    house: &'static dyn StoreHouse,
    from: RelayHead,
    report: Box<Report>,
}

impl Work<'_> {
    async fn run(&mut self, document: Document<'_>) -> Result<Deposited> {
        let mut ingestion = self.house.ingest(document, keeper(self.core, self.ctx, self.home).resource())?;
        let mut endpoint = Endpoint::default();
        let mut step = ingestion.next(Came::Nothing, &mut endpoint)?;
        for _ in 0..STEPS {
            let asked = std::mem::take(&mut endpoint);
            step = match step {
                Step::Done { store, file } => return Ok(Deposited { store, file }),
                Step::Vectors(embedder, texts) => {
                    let vectors = self.vectors(&embedder, &texts).await?;
                    ingestion.next(Came::Vectors(vectors), &mut endpoint)?
                }
                Step::Ask(body) => self.ask(&mut *ingestion, asked, body, &mut endpoint).await?,
                Step::Later(pause, body) => {
                    tokio::time::sleep(pause).await;
                    self.ask(&mut *ingestion, asked, body, &mut endpoint).await?
                }
            };
        }
        Err(Error::new(Kind::Timeout, "the document is not in the vector store in time"))
    }

    async fn ask(
        &mut self,
        ingestion: &mut dyn llm_providers::stores::Ingestion,
        endpoint: Endpoint,
        body: bytes::Bytes,
        out: &mut Endpoint,
    ) -> Result<Step> {
        let limit = self.ctx.snapshot.engine.settings.max_reply_bytes;
        let body = if body.is_empty() { Body::empty() } else { Body::from(body) };
        let question = Question { endpoint, body, limit, model: None };
        let keeper = keeper(self.core, self.ctx, self.home);
        let said = keeper.ask(question, |view| self.house.decode_error(view)).await;
        match said {
            Ok(said) => {
                let provider = self.home.target.provider_id();
                let step = said.viewed(provider, |view| ingestion.next(Came::Said(*view), out));
                let Said { from, mut report, .. } = said;
                report.cost.add_errand(&self.report.cost);
                (self.from, self.report) = (from, report);
                step
            }
            Err(error) => ingestion.next(Came::Refused(error), out),
        }
    }

    async fn vectors(&mut self, embedder: &Embedder, texts: &[String]) -> Result<Vec<Json>> {
        let mut out = Vec::with_capacity(texts.len());
        for some in texts.chunks(AT_ONCE) {
            let some: Vec<&str> = some.iter().map(String::as_str).collect();
            let engine = &self.ctx.snapshot.engine;
            let (vectors, cost) = engine.vectors_of(&self.core.http, &embedder.model, &embedder.params, &some).await?;
            out.extend(vectors);
            self.report.cost.add_errand(&cost);
        }
        Ok(out)
    }
}
