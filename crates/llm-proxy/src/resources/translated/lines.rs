//! Requests and results, line by line.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use llm_client::{Engine, Target};
use llm_providers::batches::BatchHouse;
use llm_types::{Error, Kind, RawJson, Result, Usage};
use llm_wire::batches::{Failed, Line, failure, lines, success};

use super::House;

/// The requests of a file, in a house's language.
#[derive(Default)]
pub(super) struct Requests {
    /// Each as the house writes it down.
    pub(super) all: Vec<RawJson>,
    /// `anthropic-beta` values that they need.
    pub(super) betas: String,
    /// The model of the first one.
    pub(super) model: Option<String>,
}

impl Requests {
    /// As lines.
    pub(super) fn file(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.all.iter().map(|one| one.get().len() + 1).sum());
        for one in &self.all {
            out.extend_from_slice(one.get().as_bytes());
            out.extend_from_slice(b"\n");
        }
        out.freeze()
    }
}

/// Results in OpenAI's words.
#[derive(Default)]
pub(super) struct Told {
    /// A line for each.
    pub(super) lines: Bytes,
    /// What they consumed, by model.
    pub(super) usage: BTreeMap<String, Usage>,
}

/// Others have their turn after so many requests.
const TURN: usize = 32;

impl House<'_> {
    /// Writes the requests of a file in the house's language.
    ///
    /// # Errors
    /// A line that cannot be written so, with its number; 403 for a model that the caller may not use.
    pub(super) async fn requests(&self, file: &[u8]) -> Result<Requests> {
        let mut out = Requests::default();
        let mut betas: Vec<String> = Vec::new();
        for (number, text) in lines(file) {
            let line = Line::read(number, text)?;
            let model = self.model_of(&line)?;
            let (engine, codec) = (&self.ctx.snapshot.engine, self.house.codec());
            let wanted = self.house.model(&model, line.operation);
            let drop = codec.drops_params();
            let written = engine
                .batch_request(&self.core.http, &self.home.target, &wanted, line.operation, line.body, drop)
                .await
                .map_err(|e| at_line(number, e))?;
            for beta in written.betas.split(',').filter(|b| !b.is_empty()) {
                if !betas.iter().any(|known| known == beta) {
                    betas.push(beta.to_owned());
                }
            }
            let mut one = BytesMut::new();
            codec.request(&line, &written.body, &mut one);
            let one = String::from_utf8_lossy(&one).into_owned();
            out.all.push(RawJson::parse(one).map_err(|e| Error::internal(e.to_string()))?);
            out.model.get_or_insert(model);
            if number % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        out.betas = betas.join(",");
        Ok(out)
    }

    /// The model that a request is for: that of the deployment, else its own.
    fn model_of(&self, line: &Line<'_>) -> Result<String> {
        if let Some(model) = &self.home.model {
            return Ok(model.clone());
        }
        let bad = |why: &str| at_line(line.number, Error::bad_request(why).with_param("model"));
        let named = line.model.as_deref().ok_or_else(|| bad("its body names no model"))?;
        if self.ctx.who.as_ref().is_some_and(|who| !who.may_use(named)) {
            let why = format!("line {} of the file: the model {named} may not be used", line.number + 1);
            return Err(Error::new(Kind::PermissionDenied, why).with_param("model"));
        }
        let resolved = llm_providers::resolve(named, Some(self.home.target.provider_id()), None)?;
        Ok(resolved.model.into_owned())
    }

    /// Tells results in OpenAI's words, away from those who answer requests: there may be a hundred thousand.
    ///
    /// # Errors
    /// `InvalidReply` for lines that are no results.
    pub(super) async fn tell(&self, results: Bytes, model: Option<&str>) -> Result<Told> {
        let (engine, target) = (self.ctx.snapshot.engine.clone(), Arc::clone(&self.home.target));
        let (house, model) = (self.house, model.unwrap_or_default().to_owned());
        let told = self.core.app.background.spawn_blocking(move || told(&engine, &target, house, &model, &results));
        told.await.map_err(|e| Error::internal(e.to_string()))?
    }

    /// What a finished batch consumed, by model.
    ///
    /// # Errors
    /// As [`Self::tell`], and what the house refuses.
    pub(in crate::resources) async fn consumed(
        &self,
        output: &str,
        model: Option<&str>,
    ) -> Result<BTreeMap<String, Usage>> {
        let model = self.home.model.as_deref().or(model);
        match self.results(output).await? {
            Some(said) => Ok(self.tell(said.body, model).await?.usage),
            None => Ok(BTreeMap::new()),
        }
    }
}

fn told(engine: &Engine, target: &Target, house: &dyn BatchHouse, model: &str, results: &[u8]) -> Result<Told> {
    let mut out = BytesMut::with_capacity(results.len());
    let mut usage = BTreeMap::new();
    for (_, line) in lines(results) {
        let outcome = house.codec().outcome(line)?;
        let name = outcome.custom_id;
        let answered = match outcome.answer {
            Ok(answered) => answered,
            Err(failed) => {
                failure(&name, &failed, &mut out);
                continue;
            }
        };
        match engine.batch_answer(target, model, &name, &answered) {
            Ok(answer) => {
                if let Some(seen) = answer.usage {
                    usage.entry(answer.model).and_modify(|sum: &mut Usage| sum.merge(&seen)).or_insert(seen);
                }
                success(&name, &answer.id, &answer.body, &mut out);
            }
            Err(error) => {
                let code = "transformation_error".to_owned();
                failure(&name, &Failed { code, message: error.message, ..Failed::default() }, &mut out);
            }
        }
    }
    Ok(Told { lines: out.freeze(), usage })
}

fn at_line(number: usize, mut error: Error) -> Error {
    error.message = format!("line {} of the file: {}", number + 1, error.message);
    error
}
