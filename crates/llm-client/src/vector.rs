//! The vector of one text, for those who search with it.

use std::sync::Arc;

use bytes::Bytes;
use llm_http::Transport;
use llm_router::{Deployment, Router, RouterSettings};
use llm_types::record::Cost;
use llm_types::{Error, Format, Json, Kind, OperationKind, Result};

use crate::answer::Answer;
use crate::call::Call;
use crate::engine::{Engine, Open};
use crate::target::{Target, TargetConfig};

impl Engine {
    /// Makes the vector of a text, a JSON array, and says what it cost. A model group's deployments are asked where it has
    /// the model's name and no parameters of its own are given; else `model` is a `provider/model` name.
    ///
    /// # Errors
    /// As for every call.
    pub async fn vector(
        &self,
        http: &dyn Transport,
        model: &str,
        params: &[(String, Json)],
        text: &str,
    ) -> Result<(Json, Cost)> {
        let input = Json::Array(vec![Json::from(text)]);
        let body = Json::object([("model", Json::from(model)), ("input", input)]);
        let call = Call::new(OperationKind::Embed, Format::OpenAiEmbeddings, Bytes::from(body.to_string()), model);
        let answer = if params.is_empty() && self.router.has_group(model) {
            self.answer(http, &call, &Open).await
        } else {
            let mut config = TargetConfig::default();
            config.params.push(("model".to_owned(), Json::from(model)));
            config.params.extend(params.iter().cloned());
            let mut deployment = Deployment::new("vectors", model, model);
            deployment.payload = Some(Arc::new(Target::new(&config, &self.prices)?));
            let mut engine = self.clone();
            engine.router = Arc::new(Router::new(vec![deployment], RouterSettings::default()));
            engine.answer(http, &call, &Open).await
        };
        let Answer::Whole { body, report, .. } = answer.map_err(|failure| failure.error)? else {
            return Err(Error::internal("a stream for embeddings"));
        };
        let told: Json = serde_json::from_slice(&body)
            .map_err(|e| Error::new(Kind::InvalidReply, format!("the embeddings cannot be read: {e}")))?;
        let first = told.get("data").and_then(Json::as_array).and_then(<[Json]>::first);
        let vector = first.and_then(|one| one.get("embedding")).cloned();
        let vector = vector.ok_or_else(|| Error::new(Kind::InvalidReply, "the embeddings hold no vector"))?;
        Ok((vector, report.cost))
    }
}
