//! Hugging Face: a router before many hosts, and endpoints of one's own.

use bytes::Bytes;
use llm_types::{OperationKind, RawJson, Result};
use llm_wire::top::Top;

use crate::endpoint::row_endpoint;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Huggingface;

impl Provider for Huggingface {
    fn row(&self) -> &'static ProviderRow {
        &generated::HUGGINGFACE
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let own = own_base(self.row(), call);
        let asked = Call { api_base: own.as_deref(), ..*call };
        row_endpoint(self.row(), &asked, out)?;
        if let Some(own) = own.filter(|_| call.operation == OperationKind::Embed) {
            out.url = own; // an endpoint for vectors has no paths
        }
        Ok(())
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        call.operation == OperationKind::Generate
            && routed(call.model).is_some()
            && own_base(self.row(), call).is_none()
    }

    /// The router takes the host after the model's name. It also has addresses by host, but they want the name that
    /// the host gave the model, which only a look-up tells.
    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let Some(model) = routed(call.model) else { return Ok(body) };
        let model = RawJson::string(&model);
        Ok(Top::parse(&body)?.edited(&[("model", Some(model.get()))]))
    }
}

/// Where the deployment has an endpoint of its own: the base, the environment's base, or an address instead of a model.
fn own_base(row: &ProviderRow, call: &Call<'_>) -> Option<String> {
    let given = call.api_base.filter(|b| !b.is_empty()).map(str::to_owned);
    let address = || call.model.starts_with("http").then(|| call.model.to_owned());
    given.or_else(address).or_else(|| row.api_base_env.iter().find_map(|name| call.params.env(name)))
}

/// `host/owner/name` as the router calls it, `owner/name:host`.
fn routed(model: &str) -> Option<String> {
    let (host, name) = model.split_once('/')?;
    (name.contains('/') && !model.starts_with("http")).then(|| format!("{name}:{host}"))
}

#[cfg(test)]
mod tests {
    use llm_types::{Format, Json, Secret};

    use super::*;
    use crate::params::Params;

    fn url(model: &str, api_base: Option<&str>, operation: OperationKind) -> (String, bool) {
        let (params, key) = (Params::without_env(Vec::<(&str, Json)>::new()), Secret::new("k"));
        let embeds = operation == OperationKind::Embed;
        let call = Call {
            client_format: if embeds { Format::OpenAiEmbeddings } else { Format::OpenAiChat },
            api_base,
            api_key: Some(&key),
            ..Call::new(operation, if embeds { Format::TeiEmbed } else { Format::OpenAiChat }, model, &params)
        };
        let mut out = Endpoint::default();
        Huggingface.endpoint(&call, &mut out).unwrap();
        (out.url, Huggingface.prepares(&call))
    }

    #[test]
    fn endpoints_and_the_router() {
        let (chat, embed) = (OperationKind::Generate, OperationKind::Embed);
        let router = "https://router.huggingface.co";
        assert_eq!(url("o/m", None, chat), (format!("{router}/v1/chat/completions"), false));
        assert_eq!(url("together/o/m", None, chat), (format!("{router}/v1/chat/completions"), true));
        assert_eq!(url("a/o/m", Some("http://h"), chat), ("http://h/v1/chat/completions".into(), false));
        assert_eq!(url("https://h.test/v1/", None, chat).0, "https://h.test/v1/chat/completions");
        assert_eq!(url("o/m", Some("http://h/x"), embed).0, "http://h/x");
        let pipeline = format!("{router}/hf-inference/pipeline/feature-extraction/o/m");
        assert_eq!(url("o/m", None, embed).0, pipeline);
    }

    #[test]
    fn hosts_follow_the_name() {
        assert_eq!(routed("together/deepseek-ai/DeepSeek-R1").as_deref(), Some("deepseek-ai/DeepSeek-R1:together"));
        assert_eq!(routed("deepseek-ai/DeepSeek-R1"), None);
        assert_eq!(routed("https://h.test/v1/"), None);
    }
}
