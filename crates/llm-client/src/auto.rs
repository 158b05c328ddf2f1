//! Groups that stand for others: which one is read off the conversation. A semantic router asks a group for vectors.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use llm_http::Transport;
use llm_router::{Asked, AutoChoice, AutoRouter, RouteRequest, Semantic};
use llm_types::generate::{Role, Turn};
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::top::Top;

use crate::answer::Answer;
use crate::call::Call;
use crate::engine::{Engine, Gate, Open};
use crate::errand::{Doorway, Purpose};

impl Engine {
    /// The group that an auto router chooses for a call; nothing when the model is none.
    ///
    /// # Errors
    /// The conversation cannot be read; the router has no group to choose.
    pub(crate) async fn chosen(
        &self,
        http: &dyn Transport,
        call: &Call,
        gate: &dyn Gate,
    ) -> Result<Option<AutoChoice>> {
        let mut request = RouteRequest::new(Arc::clone(&call.model));
        request.who.team_id.clone_from(&call.controls.team);
        request.settings.clone_from(&call.controls.settings);
        let Some(auto) = self.router.auto(&request) else { return Ok(None) };
        let asked = asked(call)?;
        match &**auto {
            AutoRouter::Complexity(router) => match router.choose(&asked, None) {
                Some(choice) => Ok(Some(choice)),
                None => Err(Error::internal(format!("{} has no model to choose", call.model))),
            },
            AutoRouter::Semantic(router) => Ok(Some(self.alike(http, router, &asked.user, gate).await)),
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
                AutoChoice { model: Arc::clone(&router.default_model), tier: None, score: 0.0 }
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

/// The user's last words and the system prompt.
fn asked(call: &Call) -> Result<Asked> {
    if call.operation != OperationKind::Generate {
        return Ok(Asked::default());
    }
    let turns = &call.decoded()?.turns;
    let text = |turn: &Turn| turn.parts.iter().filter_map(|p| p.as_text()).collect::<Vec<_>>().join(" ");
    let user = turns.iter().rev().find(|t| t.role == Role::User).map(text).unwrap_or_default();
    let system = turns.iter().filter(|t| matches!(t.role, Role::System | Role::Developer)).map(text);
    Ok(Asked { user, system: system.collect::<Vec<_>>().join(" ") })
}
