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
        let (vectors, cost) = self.vectors_of(http, model, params, &[text]).await?;
        let vector = vectors.into_iter().next();
        Ok((vector.ok_or_else(|| Error::new(Kind::InvalidReply, "the embeddings hold no vector"))?, cost))
    }

    /// The vectors of texts, one for each, as far as the answer has them.
    ///
    /// # Errors
    /// As [`Self::vector`].
    pub async fn vectors_of(
        &self,
        http: &dyn Transport,
        model: &str,
        params: &[(String, Json)],
        texts: &[&str],
    ) -> Result<(Vec<Json>, Cost)> {
        let input = Json::Array(texts.iter().map(|text| Json::from(*text)).collect());
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
        let mut data: Vec<&Json> = told.get("data").and_then(Json::as_array).unwrap_or_default().iter().collect();
        data.sort_by_key(|one| one.get("index").and_then(Json::as_i64));
        let vectors = data.into_iter().filter_map(|one| one.get("embedding").cloned()).collect();
        Ok((vectors, report.cost))
    }
}
