//! Groups that stand for others: which one is read off the conversation. A semantic router asks a group for vectors.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use llm_http::Transport;
use llm_router::{AffinityKey, Asked, AutoChoice, AutoRouter, History, RouteRequest, Semantic};
use llm_types::generate::{Part, PartKind, Role, Turn};
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::top::Top;

use crate::answer::Answer;
use crate::call::Call;
use crate::engine::{Engine, Gate, Open};
use crate::errand::{Doorway, Purpose};

impl Engine {
    /// The group that an auto router chooses for a call; nothing when the model is none. With `learn` an adaptive one hears
    /// how the conversation went on.
    ///
    /// # Errors
    /// The conversation cannot be read; the router has no group to choose.
    pub(crate) async fn chosen(
        &self,
        http: &dyn Transport,
        call: &Call,
        gate: &dyn Gate,
        learn: bool,
    ) -> Result<Option<AutoChoice>> {
        let mut request = RouteRequest::new(Arc::clone(&call.model));
        request.who.team_id.clone_from(&call.controls.team);
        request.settings.clone_from(&call.controls.settings);
        let Some(auto) = self.router.auto(&request) else { return Ok(None) };
        let asked = asked(call, learn && matches!(**auto, AutoRouter::Adaptive(_)))?;
        if let AutoRouter::Semantic(router) = &**auto {
            return Ok(Some(self.alike(http, router, &asked.user, gate).await));
        }
        match self.router.choose(auto, &asked, learn.then(Instant::now), None) {
            Some(choice) => Ok(Some(choice)),
            None => Err(Error::bad_request(match asked.min_quality_tier {
                Some(least) => format!("{}: no model meets min_quality_tier={least}", call.model),
                None => format!("{} has no model to choose", call.model),
            })),
        }
    }

    /// The route that a text resembles. Without vectors it is the default.
    async fn alike(&self, http: &dyn Transport, router: &Semantic, text: &str, gate: &dyn Gate) -> AutoChoice {
        let outcome = async {
            if !router.is_ready() {
                // The examples are the operator's, not those of whoever happens to come first.
                router.learn(self.vectors(http, &router.embedding_model, &router.examples(), &Open).await?);
            }
            let query = self.vectors(http, &router.embedding_model, &[text], gate).await?;
            query.into_iter().next().ok_or_else(|| Error::internal("no vector came back"))
        };
        match outcome.await {
            Ok(query) => router.choose(&query),
            Err(error) => {
                tracing::warn!(error = %error.message, "no vectors for the auto router; its default model answers");
                router.usual()
            }
        }
    }

    /// The vectors of texts.
    fn vectors<'a>(
        &'a self,
        http: &'a dyn Transport,
        model: &'a Arc<str>,
        texts: &'a [&'a str],
        gate: &'a dyn Gate,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>>> + Send + 'a>> {
        Box::pin(async move {
            let input = Json::Array(texts.iter().map(|t| Json::from(*t)).collect());
            let body = Json::object([("model", Json::from(&**model)), ("input", input)]);
            let call = Call::new(
                OperationKind::Embed,
                Format::OpenAiEmbeddings,
                Bytes::from(body.to_string()),
                Arc::clone(model),
            );
            let unpaid = || Error::internal("nobody pays for the vectors");
            let errand = gate.errand(&call, model, Purpose::Vectors).ok_or_else(unpaid)?;
            match self.answer(http, &call, &Doorway(&*errand)).await {
                Ok(Answer::Whole { head, body, report }) => {
                    errand.done(&head, &report);
                    read(&body)
                }
                Ok(_) => Err(Error::internal("a stream came instead of vectors")),
                Err(failure) => {
                    errand.void();
                    Err(failure.error)
                }
            }
        })
    }
}

#[derive(serde::Deserialize)]
struct Vector {
    embedding: Vec<f32>,
}

fn read(body: &[u8]) -> Result<Vec<Vec<f32>>> {
    let list = Top::parse(body)?.read::<Vec<Vector>>("data");
    let list = list.ok_or_else(|| Error::internal("the vectors cannot be read"))?;
    Ok(list.into_iter().map(|v| v.embedding).collect())
}

/// What an auto router wants to know of a call: the user's last words, the system prompt, with `history` the conversation.
pub(crate) fn asked(call: &Call, history: bool) -> Result<Asked> {
    let min_quality_tier = call.controls.min_quality_tier;
    if call.operation != OperationKind::Generate {
        return Ok(Asked { min_quality_tier, ..Asked::default() });
    }
    let turns = &call.decoded()?.turns;
    let user = turns.iter().rev().find(|t| t.role == Role::User).map(said).unwrap_or_default();
    let system = turns.iter().filter(|t| matches!(t.role, Role::System | Role::Developer)).map(said);
    let system = system.collect::<Vec<_>>().join(" ");
    Ok(Asked { user, system, history: history.then(|| conversation(call, turns)), min_quality_tier })
}

fn said(turn: &Turn) -> String {
    turn.parts.iter().filter_map(|p| p.as_text()).collect::<Vec<_>>().join(" ")
}

/// Messages by which a conversation is known again, where the client names no session.
const ANCHOR: usize = 4;

fn conversation(call: &Call, turns: &[Turn]) -> History {
    let controls = &call.controls;
    let [key_hash, team] = [&controls.key_hash, &controls.team].map(|id| id.as_deref().unwrap_or_default().as_bytes());
    let key = match controls.session.as_deref() {
        Some(session) => AffinityKey::of([key_hash, session.as_bytes()]),
        None => {
            let anchor: Vec<String> = turns.iter().take(ANCHOR).map(|t| format!("{:?} {}", t.role, said(t))).collect();
            AffinityKey::of([key_hash, team].into_iter().chain(anchor.iter().map(String::as_bytes)))
        }
    };
    let mut history = History { key: key.0, messages: turns.len(), ..History::default() };
    for turn in turns.iter().rev() {
        match turn.role {
            Role::User if turn.parts.iter().any(|part| part.as_text().is_some_and(|text| !text.is_empty())) => {
                history.user(|| said(turn));
            }
            Role::Assistant => history.answer(|| said(turn), turn.parts.iter().filter_map(signature)),
            _ => {}
        }
    }
    let results = turns.last().map(|last| last.parts.as_slice()).unwrap_or_default();
    history.failed =
        results.iter().any(|part| matches!(&part.kind, PartKind::ToolResult(r) if r.is_error == Some(true)));
    history
}

fn signature(part: &Part) -> Option<String> {
    match &part.kind {
        PartKind::ToolCall(call) => Some(format!("{}({})", call.name, call.arguments)),
        _ => None,
    }
}
