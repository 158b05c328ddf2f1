//! AWS Bedrock: one cloud, two interfaces. A model string says which, else the model does: see [`route`].

mod agents;
mod batches;
mod betas;
mod body;
mod houses;
mod native;
mod params;
mod route;
mod stores;

use std::borrow::Cow;

use bytes::Bytes;
use llm_types::{Error, FieldSet, Format, OperationKind, Result};
use llm_wire::bedrock::model::without_geo;
use llm_wire::framing::Framing;
use llm_wire::task::{TaskBody, TaskOut};
use llm_wire::{ModelCaps, ReplyView};
use route::{Model, Route};

use crate::aws::{self, escaped};
use crate::batches::BatchHouse;
use crate::endpoint::row_protocols;
use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint, Protocols, Provider, Want};
use crate::row::ProviderRow;
use crate::stores::StoreHouse;

/// The provider.
#[derive(Debug)]
pub struct Bedrock;

impl Provider for Bedrock {
    fn row(&self) -> &'static ProviderRow {
        &generated::BEDROCK
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        let mut out = Protocols::default();
        if Model::of(want.model).route == Route::Unserved {
            return out;
        }
        if want.operation != OperationKind::Generate {
            if want.operation != OperationKind::CountTokens {
                return row_protocols(self.row(), want);
            }
            if matches!(Model::of(want.model).route, Route::Converse | Route::Invoke(_)) {
                out.push(Format::BedrockConverse);
            }
            return out;
        }
        match Model::of(want.model).route {
            Route::Converse => out.push(Format::BedrockConverse),
            Route::Invoke(format) => out.push(format),
            Route::Agent => out.push(Format::BedrockAgent),
            Route::Runtime => out.push(Format::AgentCoreRuntime),
            Route::Mantle | Route::Platform => out.push(Format::AnthropicMessages),
            Route::Unserved => {}
        }
        if agents::is(out.best().unwrap_or(Format::BedrockConverse)) {
            return out;
        }
        // Clients of Claude's own language are served in it, unless the model string says otherwise.
        if want.format == Format::AnthropicMessages && speaks_messages(want.model) {
            out = Protocols::default();
            out.push(Format::AnthropicMessages);
        }
        out
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        if agents::is(call.format) {
            return agents::endpoint(call, out);
        }
        if houses::is(call.model) {
            return houses::endpoint(call, out);
        }
        let model = Model::of(call.model);
        let region = aws::region(call.params, model.region);
        let base = base(self.row(), call, &region);
        out.url = if call.operation == OperationKind::Rerank {
            let base = base.replacen("bedrock-runtime", "bedrock-agent-runtime", 1);
            format!("{}/rerank", base.trim_end_matches('/'))
        } else {
            format!("{}/model/{}/{}", base.trim_end_matches('/'), id_in_path(call, &model), action(call, &model))
        };
        if call.format != Format::BedrockConverse {
            guardrail(call.params, out)?;
        }
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)?;
        out.headers.remove("anthropic-beta"); // stands in the body
        if call.client_format == Format::AnthropicMessages && call.operation == OperationKind::Generate {
            betas::show(self.row(), call, out)?;
        }
        out.per_request = true; // streams have another path
        match self.row().key(call.api_key, call.params) {
            Some(key) => out.set("authorization", &format!("Bearer {}", key.expose())),
            None => {
                out.auth = Some(aws::auth("bedrock", region, call.params));
                Ok(())
            }
        }
    }

    fn batches(&self) -> Option<&'static dyn BatchHouse> {
        Some(&batches::Batches)
    }

    fn stores(&self, _model: &str) -> Option<&'static dyn StoreHouse> {
        Some(&stores::KnowledgeBases)
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        call.operation == OperationKind::Generate
            && (call.format != Format::BedrockConverse || is_invoked(call.model) || betas::any(call))
    }

    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        match call.format {
            Format::BedrockConverse if is_invoked(call.model) => body::nova(&body),
            Format::BedrockConverse => body::converse(&body, &betas::of(self.row(), call)),
            Format::AnthropicMessages => match Model::of(call.model).route {
                Route::Platform => houses::platform(call, &body),
                Route::Mantle => body::named_messages(call, &body, betas::of(self.row(), call)),
                _ => body::messages(call, &body, betas::of(self.row(), call)),
            },
            Format::OpenAiChat => body::chat(&body, call.model),
            _ => Ok(body),
        }
    }

    fn steers(&self, call: &Call<'_>) -> bool {
        agents::is(call.format)
    }

    fn steer(&self, call: &Call<'_>, body: Bytes, endpoint: &mut Endpoint) -> Result<Bytes> {
        agents::steer(call, &body, endpoint)
    }

    fn prepare_task(&self, call: &Call<'_>, _: &Endpoint, out: &mut TaskOut) {
        if call.operation == OperationKind::Rerank
            && let TaskBody::Json(bytes) = &out.body
            && let Some(named) = body::rerank(bytes, &aws::region(call.params, Model::of(call.model).region))
        {
            out.body = TaskBody::Json(named);
        }
    }

    fn wire_model<'a>(&self, model: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(Model::of(model).name)
    }

    fn supported(&self, model: &str, caps: &ModelCaps) -> FieldSet {
        params::supported(self.row(), model, caps)
    }

    fn fetches(&self, format: Format, _model: &str) -> bool {
        format == Format::AnthropicMessages
    }

    fn framing(&self, call: &Call<'_>) -> Option<Framing> {
        let own = houses::is(call.model) || call.format == Format::AgentCoreRuntime;
        (call.operation == OperationKind::Generate && !own).then(|| match call.format {
            Format::BedrockAgent => Framing::AwsEventStream,
            Format::BedrockConverse if !is_invoked(call.model) => Framing::AwsEventStream,
            _ => Framing::AwsChunks,
        })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
        Some(llm_wire::bedrock::error::decode(reply))
    }
}

fn is_invoked(model: &str) -> bool {
    matches!(Model::of(model).route, Route::Invoke(_))
}

fn speaks_messages(model: &str) -> bool {
    let said = model.split('/').any(|s| s.starts_with("converse"));
    !said && model.contains("claude") && !route::is_first_claude(model)
}

fn base(row: &ProviderRow, call: &Call<'_>, region: &str) -> String {
    let own = call.api_base.or_else(|| call.params.str("aws_bedrock_runtime_endpoint"));
    let base = row.base(own, call.params).map(Cow::into_owned);
    base.unwrap_or_else(|| aws::host("bedrock-runtime", region))
}

/// The id as the path has it. `Converse` wants it encoded whatever it is, the other interface as it comes, as long as it
/// is no path itself.
fn id_in_path(call: &Call<'_>, model: &Model<'_>) -> String {
    match call.params.str("model_id") {
        Some(id) => escaped(id),
        // tokens are counted by the model itself, wherever it stands
        None if call.operation == OperationKind::CountTokens => escaped(without_geo(model.id)),
        None if call.format == Format::BedrockConverse && model.route == Route::Converse => escaped(model.id),
        None if call.operation == OperationKind::Embed || model.id.starts_with("arn:") => escaped(model.id),
        None => model.id.to_owned(),
    }
}

fn action(call: &Call<'_>, model: &Model<'_>) -> &'static str {
    match (call.format == Format::BedrockConverse && model.route == Route::Converse, call.stream) {
        (true, true) => "converse-stream",
        (true, false) => "converse",
        (false, true) => "invoke-with-response-stream",
        (false, false) => "invoke",
    }
}

/// The guardrail of a deployment, which this interface takes as headers.
fn guardrail(params: &Params, out: &mut Endpoint) -> Result<()> {
    let Some(config) = params.get("guardrailConfig") else { return Ok(()) };
    for (field, header) in [
        ("guardrailIdentifier", "x-amzn-bedrock-guardrailidentifier"),
        ("guardrailVersion", "x-amzn-bedrock-guardrailversion"),
        ("trace", "x-amzn-bedrock-trace"),
    ] {
        if let Some(value) = config.text(field) {
            let upper = if field == "trace" { value.to_uppercase() } else { value.to_owned() };
            out.set(header, &upper)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
