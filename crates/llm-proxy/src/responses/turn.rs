//! One turn of a conversation that goes on: what stands before it, and what is kept of it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use llm_accounts::Identity;
use llm_client::{Head, Target};
use llm_providers::{Quirk, Want};
use llm_router::Scope;
use llm_types::{Error, Format, OperationKind, RawJson, Result};
use llm_wire::top::Top;

use super::book::{Book, Record};
use super::history::{Books, history, items, joined};
use super::id::{IdKey, ResponseId, forbidden};
use super::rewrite::Rewriter;
use crate::flow::Context;
use crate::scope;
use crate::snapshot::Snapshot;
use crate::usable;
use crate::wish::Wish;

/// What has to be remembered of a request until its answer is there.
#[derive(Debug)]
pub struct Turn {
    book: Arc<Book>,
    /// The book of the client's connection, for answers that are not to be stored.
    beside: Option<Arc<Book>>,
    key: IdKey,
    who: Arc<Identity>,
    previous: Option<String>,
    input: RawJson,
    /// The upstream is sent the whole conversation.
    joined: bool,
    store: bool,
    lasting: bool,
    /// Its host answers before it is made.
    background: bool,
    /// Where is remembered who made encrypted content, when requests follow it.
    makers: Option<Arc<llm_router::RouterState>>,
}

/// A request that is ready to be sent, and its turn.
#[derive(Debug)]
pub struct Prepared {
    /// The body.
    pub body: Bytes,
    /// What has to be remembered.
    pub turn: Turn,
    /// `background: true` for a provider that has no such thing.
    pub background: bool,
}

/// Reads a request. `previous_response_id` becomes what the provider understands.
///
/// # Errors
/// 403 for answers of others, 400 for answers that nobody knows (any more).
pub async fn prepare(
    book: &Arc<Book>,
    ctx: &Context,
    who: &Arc<Identity>,
    wish: &mut Wish,
    (body, top): (&Bytes, &Top<'_>),
) -> Result<Prepared> {
    let snapshot = &ctx.snapshot;
    let keeps = keeps_answers(snapshot, &scope::of(who), &wish.group);
    let mut turn = Turn {
        book: Arc::clone(book),
        beside: ctx.book.clone(),
        key: snapshot.response_key,
        who: Arc::clone(who),
        previous: top.str("previous_response_id").map(Cow::into_owned).filter(|p| !p.is_empty()),
        input: items(top.get("input")),
        joined: false,
        store: top.get("store") != Some("false"),
        lasting: snapshot.settings.store_prompts,
        background: keeps && top.is_true("background"),
        makers: Some(&snapshot.engine.router).filter(|r| r.follows_encrypted_content()).map(|r| Arc::clone(r.state())),
    };
    let mut edits: Vec<(&str, Option<String>)> = Vec::new();
    if let Some(previous) = &turn.previous {
        let books = Books { beside: turn.beside.as_deref(), book };
        edits = go_on(&books, snapshot, who, wish, previous, &turn.input, keeps).await?;
        turn.joined = edits.iter().any(|(name, value)| *name == "previous_response_id" && value.is_none());
    }
    let background = top.is_true("background") && !keeps;
    if background {
        edits.push(("background", None));
        edits.push(("stream", None));
    }
    let edits: Vec<_> = edits.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    let body = if edits.is_empty() { body.clone() } else { top.edited(&edits) };
    Ok(Prepared { body, turn, background })
}

/// What becomes of the request so that it goes on where the answer `previous` ended.
async fn go_on(
    books: &Books<'_>,
    snapshot: &Snapshot,
    who: &Identity,
    wish: &mut Wish,
    previous: &str,
    input: &RawJson,
    keeps: bool,
) -> Result<Vec<(&'static str, Option<String>)>> {
    let settings = &snapshot.settings;
    let Some(id) = ResponseId::shown(previous, snapshot, who)? else {
        if settings.response_id_security && !settings.unmanaged_response_ids && !who.is_admin() {
            return Err(forbidden("Forbidden. The response id was not given out by this gateway."));
        }
        return if keeps { Ok(Vec::new()) } else { Err(unknown(previous)) };
    };
    if settings.response_id_security {
        id.check(who)?;
    }
    let history = history(books, previous, speaks_responses(snapshot, &scope::of(who), &wish.group)).await;
    let deployment = snapshot.engine.router.deployment(&id.deployment);
    let kept_there = deployment.map_or(keeps, |d| d.payload::<Target>().is_some_and(|t| keeps_here(t, &t.model)));
    if history.is_none() && !kept_there {
        return Err(unknown(previous));
    }
    // The answer lives where it was made, and only there its thoughts can be read: the same deployment goes on, if the
    // model is served there.
    if kept_there
        && let Some(deployment) = deployment
        && usable::is_shared(who, deployment)
        && in_group(snapshot, &scope::of(who), &wish.group, &deployment.id)
    {
        wish.group = Arc::clone(&deployment.id);
    }
    if let Some(history) = history {
        let input = joined(&history, input);
        return Ok(vec![("input", Some(input)), ("previous_response_id", None)]);
    }
    Ok(vec![("previous_response_id", Some(RawJson::string(&id.upstream).get().to_owned()))])
}

fn unknown(previous: &str) -> Error {
    let mut error = Error::bad_request(format!("Previous response with id '{previous}' not found."));
    error.code = Some("previous_response_not_found".to_owned());
    error.with_param("previous_response_id")
}

fn in_group(snapshot: &Snapshot, who: &Scope, group: &str, deployment: &str) -> bool {
    let router = &snapshot.engine.router;
    let resolved = router.resolve(group, who);
    resolved.is_ok_and(|r| router.members(&r.group).any(|d| &*d.id == deployment))
}

/// True when the provider of a group speaks Responses itself.
fn speaks_responses(snapshot: &Snapshot, who: &Scope, group: &str) -> bool {
    let format = Format::OpenAiResponses;
    snapshot.engine.language(group, who, OperationKind::Generate, format).is_none_or(|f| f == format)
}

/// True when it keeps its answers itself, as most that speak Responses do.
fn keeps_answers(snapshot: &Snapshot, who: &Scope, group: &str) -> bool {
    let first = || snapshot.engine.router.first(group, who)?.payload::<Target>();
    speaks_responses(snapshot, who, group) && !first().is_some_and(forgets)
}

fn forgets(target: &Target) -> bool {
    target.provider.row().quirks.has(Quirk::ForgetsAnswers)
}

fn keeps_here(target: &Target, model: &str) -> bool {
    let want = Want { operation: OperationKind::Generate, format: Format::OpenAiResponses, model };
    target.protocols(&want).best() == Some(Format::OpenAiResponses) && !forgets(target)
}

impl Turn {
    /// The writer of ids for the answer of a deployment.
    #[must_use]
    pub fn rewriter(&self, head: &Head) -> Rewriter {
        let id = ResponseId::of(Some(&self.who), head.provider, &head.deployment.id, "");
        let ours = self.previous.as_deref().filter(|id| ResponseId::decode(id, &self.key).is_some());
        let rewriter = Rewriter::new(self.key, id, ours.map(str::to_owned)).joining(self.joined);
        rewriter.remembering(self.makers.clone())
    }

    /// Who keeps the answer; nobody when its provider does, or the client wants it forgotten.
    #[must_use]
    pub fn keeper(&self, head: &Head) -> Option<Keeper> {
        let kept = head.deployment.payload::<Target>().is_some_and(|t| keeps_here(t, &head.model));
        if self.store { (!kept).then(|| self.always()) } else { self.beside() }
    }

    /// A keeper for as long as the client's connection stands.
    fn beside(&self) -> Option<Keeper> {
        let book = Arc::clone(self.beside.as_ref()?);
        Some(Keeper { book, lasting: false, ..self.always() })
    }

    /// Keeps an answer for as long as the client's connection stands.
    pub fn kept_beside(&self, id: &str, response: Bytes) {
        if let Some(keeper) = self.beside() {
            keeper.keep(id, response);
        }
    }

    /// True for an answer that may be made behind the client's back, by its host.
    #[must_use]
    pub const fn in_background(&self) -> bool {
        self.background
    }

    /// A keeper whatever the provider.
    #[must_use]
    pub fn always(&self) -> Keeper {
        Keeper {
            book: Arc::clone(&self.book),
            previous: self.previous.clone(),
            input: self.input.clone(),
            lasting: self.lasting,
        }
    }

    /// A whole answer with our ids; it is kept where its provider keeps nothing.
    #[must_use]
    pub fn whole(&self, head: &Head, body: Bytes) -> Bytes {
        let Some((body, id)) = self.rewriter(head).object(&body) else { return body };
        if let Some(keeper) = self.keeper(head) {
            keeper.keep(&id, body.clone());
        }
        body
    }

    /// Our id for an answer that is still to be made.
    #[must_use]
    pub fn promised(&self, upstream: &str) -> String {
        ResponseId::of(Some(&self.who), "", "", upstream).encode(&self.key)
    }

    /// What the client gave as `previous_response_id`.
    #[must_use]
    pub fn previous(&self) -> Option<&str> {
        self.previous.as_deref()
    }
}

/// Keeps an answer.
#[derive(Debug, Clone)]
pub struct Keeper {
    book: Arc<Book>,
    previous: Option<String>,
    input: RawJson,
    lasting: bool,
}

impl Keeper {
    /// Keeps it under our id.
    pub fn keep(&self, id: &str, response: Bytes) {
        self.keep_running(id, response, None);
    }

    /// Keeps it while it is being made; `running` stops that.
    pub fn keep_running(&self, id: &str, response: Bytes, running: Option<tokio::task::AbortHandle>) {
        let record = Record { previous: self.previous.clone(), input: self.input.clone(), response };
        self.book.put(id, record, self.lasting, running);
    }
}
