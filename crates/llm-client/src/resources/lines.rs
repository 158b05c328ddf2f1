//! Requests and results of batches, line by line.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use llm_providers::batches::BatchHouse;
use llm_types::{Error, Kind, RawJson, Result, Usage};
use llm_wire::batches::{Failed, Line, failure, lines, success};

use super::Batches;
use crate::engine::Engine;
use crate::target::Target;

/// The requests of a file, in a house's language.
#[derive(Debug, Default)]
pub struct Requests {
    /// Each as the house writes it down.
    pub all: Vec<RawJson>,
    /// `anthropic-beta` values that they need.
    pub betas: String,
    /// The model of the first one.
    pub model: Option<String>,
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
#[derive(Debug, Default)]
pub struct Results {
    /// A line for each.
    pub lines: Bytes,
    /// What they consumed, by model.
    pub usage: BTreeMap<String, Usage>,
}

/// Others have their turn after so many requests.
const TURN: usize = 32;

impl Batches<'_> {
    /// Writes the requests of a file in the house's language.
    ///
    /// # Errors
    /// A line that cannot be written so, with its number; 403 for a model that the caller may not use.
    pub async fn requests(&self, file: &[u8]) -> Result<Requests> {
        let mut out = Requests::default();
        let mut betas: Vec<String> = Vec::new();
        for (number, text) in lines(file) {
            let line = Line::read(number, text)?;
            let model = self.model_of(&line)?;
            let (keeper, codec) = (&self.keeper, self.house.codec());
            let wanted = self.house.model(&model, line.operation);
            let drop = codec.drops_params();
            let written = keeper
                .engine
                .batch_request(keeper.http, keeper.target, &wanted, line.operation, line.body, drop)
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
        if let Some(model) = self.keeper.model {
            return Ok(model.to_owned());
        }
        let bad = |why: &str| at_line(line.number, Error::bad_request(why).with_param("model"));
        let named = line.model.as_deref().ok_or_else(|| bad("its body names no model"))?;
        if !(self.may_use)(named) {
            let why = format!("line {} of the file: the model {named} may not be used", line.number + 1);
            return Err(Error::new(Kind::PermissionDenied, why).with_param("model"));
        }
        let resolved = llm_providers::resolve(named, Some(self.keeper.target.provider_id()), None)?;
        Ok(resolved.model.into_owned())
    }
}

/// Tells results of a house in OpenAI's words.
pub(super) fn results(
    engine: &Engine,
    target: &Target,
    house: &dyn BatchHouse,
    model: &str,
    results: &[u8],
) -> Result<Results> {
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
    Ok(Results { lines: out.freeze(), usage })
}

fn at_line(number: usize, mut error: Error) -> Error {
    error.message = format!("line {} of the file: {}", number + 1, error.message);
    error
}
