//! Semantic caches: the vector of a question comes from one of the gateway's own models.

use std::time::SystemTime;

use bytes::Bytes;
use llm_cache::semantic::{Embed, Spot};
use llm_cache::{BoxFuture, CacheError, SemanticCache};
use llm_client::{Answer, Call, Errand as _, Purpose};
use llm_types::{Format, OperationKind, RawJson};
use llm_wire::top::Top;
use serde::Deserialize;

use super::ask::{Asked, known};
use super::{Memory, Ticket, What, tell};
use crate::beside::Side;

/// Characters per token, when a text has to be cut: on the short side.
const CHARACTERS: usize = 3;

pub(super) async fn lookup(asked: &Asked<'_>, semantic: &SemanticCache) -> Memory {
    let how = semantic.meaning();
    let longest = how.most_tokens.map(|tokens| tokens * CHARACTERS);
    let Some(question) = asked.cache.question(asked.top.iter(), &asked.options, longest) else {
        return Memory::default();
    };
    let embedder = Embedder { asked, model: &how.model };
    let vector = match semantic.vector(&embedder, &question.text).await {
        Ok(vector) => vector,
        Err(error) => {
            tracing::warn!(model = how.model, %error, "no vector for the semantic cache; the call goes on without it");
            return Memory::default();
        }
    };
    let key = asked.cache.key(asked.top.iter(), &asked.options);
    let spot = Spot { bucket: question.bucket.into(), vector };
    let found = known(semantic.get(&spot, &asked.plan, SystemTime::now()).await);
    let hit = found.and_then(|found| tell::hit(asked, &key, &found));
    let what = What::Meaning { key, spot, text: question.text };
    let ticket = (hit.is_none() && asked.plan.store).then(|| Ticket::new(asked.cache, asked.plan, what));
    Memory { hit, ticket, ..Memory::default() }
}

/// Asks a model group of this gateway for vectors.
struct Embedder<'a> {
    asked: &'a Asked<'a>,
    model: &'a str,
}

#[derive(Deserialize)]
struct Vector {
    embedding: Vec<f32>,
}

impl Embed for Embedder<'_> {
    fn embed<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<f32>, CacheError>> {
        Box::pin(self.ask(text))
    }
}

impl Embedder<'_> {
    async fn ask(&self, text: &str) -> Result<Vec<f32>, CacheError> {
        let (model, input) = (RawJson::string(self.model), RawJson::string(text));
        let body = format!("{{\"model\":{},\"input\":{}}}", model.get(), input.get());
        let (core, ctx) = (self.asked.core, self.asked.ctx);
        let (operation, format) = (OperationKind::Embed, Format::OpenAiEmbeddings);
        let mut call = Call::new(operation, format, Bytes::from(body), self.model);
        call.route = "/v1/embeddings";
        let side = Side::begin(core, ctx, &call, self.model, Purpose::Vectors);
        let side = Box::new(side.ok_or_else(|| CacheError::Backend("nobody pays for the vector".to_owned()))?);
        let engine = ctx.snapshot.engine.clone();
        let (head, body, report) = match engine.answer(&core.http, &call, &*side).await {
            Ok(Answer::Whole { head, body, report }) => (head, body, report),
            Ok(_) => return Err(CacheError::Backend("a stream came instead of a vector".to_owned())),
            Err(failure) => {
                side.void();
                return Err(CacheError::Backend(failure.error.message));
            }
        };
        side.done(&head, &report);
        let top = Top::parse(&body).map_err(|error| CacheError::Value(error.message))?;
        let vectors = top.read::<Vec<Vector>>("data").unwrap_or_default();
        vectors.into_iter().next().map(|v| v.embedding).ok_or_else(|| CacheError::Value("no vector".to_owned()))
    }
}
