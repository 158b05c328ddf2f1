//! Which call it is, under which key; what the cache knows.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use llm_cache::{Cache, CacheError, CallType, Controls, Hit as Found, KeyOptions, Place, Plan, Seat};
use llm_client::Call;
use llm_types::{Format, OperationKind};
use llm_wire::top::Top;
use sha2::{Digest as _, Sha256};

use super::{Memory, Ticket, What, items, meaning, tell};
use crate::core::Core;
use crate::flow::Context;

/// How long a request waits for an identical one before it asks by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// A call that takes part in caching.
pub(super) struct Asked<'a> {
    pub core: &'a Core,
    pub ctx: &'a Context,
    pub call: &'a Call,
    pub cache: &'a Arc<Cache>,
    pub plan: Plan,
    pub top: Top<'a>,
    pub options: KeyOptions<'a>,
    /// An answer is wanted whole, also where the client wants a stream.
    pub whole: bool,
}

/// Looks a call up. `whole`: what is found is JSON, also where the client wants a stream.
pub async fn lookup(core: &Core, ctx: &Context, call: &Call, whole: bool) -> Memory {
    // What comes from an address of a client's is nobody else's answer.
    let Some(cache) = ctx.cache.as_ref().filter(|_| call.controls.own.is_none()) else { return Memory::default() };
    let Some(kind) = call_type(call) else { return Memory::default() };
    let Ok(top) = Top::parse(&call.body) else { return Memory::default() };
    let header = ctx.parts.headers.get("cache-control").and_then(|v| v.to_str().ok());
    let of_key = ctx.who.as_ref().and_then(|who| who.cache_controls());
    let controls = Controls::read(top.get("cache"), top.get("caching"), header, of_key.as_ref().map(|c| c.get()));
    let plan = cache.plan(kind, &controls);
    if plan.idle() || asks_for_more(&top, call) {
        return Memory::default();
    }
    let model = ctx.wish.as_ref().map_or(&call.model, |w| &w.model);
    let tenant = tenant(ctx, cache);
    let file = checksum(call);
    let space = namespace(&top);
    let options = KeyOptions {
        namespace: controls.namespace.as_deref().or(space.as_deref()),
        tenant: tenant.as_deref(),
        file: file.as_deref(),
        ..KeyOptions::new(kind, model)
    };
    let asked = Asked { core, ctx, call, cache, plan, top, options, whole };
    let memory = match (kind, cache.place()) {
        (CallType::Embedding, Place::Exact(_)) => items::lookup(&asked).await,
        (_, Place::Exact(_)) => Box::pin(exact(&asked)).await,
        (_, Place::Semantic(semantic)) => Box::pin(meaning::lookup(&asked, semantic)).await,
    };
    let ticket = memory.ticket.map(|ticket| ticket.under(ctx.guard_log.get().cloned()));
    Memory { asked: true, ticket, ..memory }
}

/// Calls whose answers are remembered.
fn call_type(call: &Call) -> Option<CallType> {
    if call.beside.is_some() {
        return None;
    }
    Some(match (call.operation, call.format) {
        (OperationKind::Embed, Format::OpenAiEmbeddings) => CallType::Embedding,
        (OperationKind::Generate, Format::OpenAiChat) => CallType::Completion,
        (OperationKind::Generate, Format::OpenAiCompletions) => CallType::TextCompletion,
        (OperationKind::Generate, Format::AnthropicMessages) => CallType::AnthropicMessages,
        (OperationKind::Generate, Format::OpenAiResponses) => CallType::Responses,
        // Of an upload that is still coming nobody knows yet whether it came before.
        (OperationKind::Transcribe, _) if !call.stream && call.upload.is_none() => CallType::Transcription,
        (OperationKind::Rerank, _) => CallType::Rerank,
        _ => return None,
    })
}

/// Background work has no answer yet.
fn asks_for_more(top: &Top<'_>, call: &Call) -> bool {
    call.format == Format::OpenAiResponses && top.is_true("background")
}

/// Whose answers these are, where that matters.
fn tenant(ctx: &Context, cache: &Cache) -> Option<String> {
    let key = ctx.who.as_ref().and_then(|w| w.caller().key_hash)?;
    let by_user = cache.settings().semantic_cache_scope == llm_cache::Scope::EndUser;
    match ctx.wish.as_ref().and_then(|w| w.end_user.as_deref()).filter(|_| by_user) {
        Some(user) => Some(format!("{key}\0{user}")),
        None => Some(key.to_string()),
    }
}

/// The digest of an uploaded file.
fn checksum(call: &Call) -> Option<String> {
    let mut hash = Sha256::new();
    for file in call.files.iter() {
        hash.update(&file.data);
    }
    (!call.files.is_empty()).then(|| hex::encode(hash.finalize()))
}

/// `metadata.redis_namespace`.
fn namespace(top: &Top<'_>) -> Option<String> {
    let metadata = Top::parse(top.get("metadata")?.as_bytes()).ok()?;
    metadata.str("redis_namespace").map(std::borrow::Cow::into_owned)
}

async fn exact(asked: &Asked<'_>) -> Memory {
    let (cache, plan) = (asked.cache, &asked.plan);
    let key = cache.key(asked.top.iter(), &asked.options);
    if let Some(hit) = stored(asked, &key).await {
        return Memory { hit: Some(hit), ..Memory::default() };
    }
    let mut lead = None;
    // Whoever waited in vain takes a seat again: one of them asks, the others go on waiting.
    while lead.is_none() {
        match cache.board(&key, plan) {
            None => break,
            Some(Seat::Lead(seat)) => lead = Some(seat),
            Some(Seat::Follow(seat)) => match tokio::time::timeout(PATIENCE, seat.answer()).await {
                Err(_) => break,
                Ok(None) => {}
                Ok(Some(body)) => match tell::hit(asked, &key, &fresh(body)) {
                    Some(hit) => return Memory { hit: Some(hit), ..Memory::default() },
                    None => break,
                },
            },
        }
    }
    let what = What::Whole { key, lead };
    let ticket = plan.store.then(|| Ticket::new(cache, *plan, what));
    Memory { ticket, ..Memory::default() }
}

fn fresh(response: Bytes) -> Found {
    Found { response, age: Duration::ZERO, similarity: None }
}

async fn stored(asked: &Asked<'_>, key: &str) -> Option<super::Hit> {
    let now = SystemTime::now();
    let found = match asked.cache.get_now(key, &asked.plan, now) {
        Some(found) => found,
        None => known(asked.cache.get(key, &asked.plan, now).await),
    };
    tell::hit(asked, key, &found?)
}

/// What a look-up gave. Failures were told to logs and metrics where they came up.
pub(super) fn known<T: Default>(found: Result<T, CacheError>) -> T {
    found.unwrap_or_else(|error| {
        tracing::debug!(%error, "the call goes on without the cache");
        T::default()
    })
}
