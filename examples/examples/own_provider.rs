//! A provider of your own: what a row cannot say, because it is control flow. This house wants every request signed and
//! tells errors in its own words. The program puts it before a simulated host and asks it once.

use std::io::Write as _;

use anyhow::Result;
use bytes::Bytes;
use http::StatusCode;
use llm_client::Client;
use llm_providers::{Call, Endpoint, Paths, Provider, ProviderRow};
use llm_simulator::{Fault, Match, Script, Simulator, SimulatorConfig};
use llm_types::{Error, Field, FieldSet, error::Kind};
use llm_wire::ReplyView;

/// What a row can say: where it is, what it takes.
static ROW: ProviderRow = ProviderRow {
    id: "house",
    display_name: "The house",
    api_key_env: &["HOUSE_KEY"],
    supported: FieldSet::of(&[Field::MaxTokens, Field::Temperature, Field::Stream, Field::StreamOptions]),
    paths: Paths { chat: Some("/v1/chat/completions"), ..Paths::NONE },
    ..ProviderRow::BLANK
};

#[derive(Debug)]
struct House;

impl Provider for House {
    fn row(&self) -> &'static ProviderRow {
        &ROW
    }

    /// The address, and a signature over the model's name.
    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> llm_types::Result<()> {
        let missing = |what: &str| Error::new(Kind::Authentication, format!("the house needs {what}"));
        let base = self.row().base(call.api_base, call.params).ok_or_else(|| missing("api_base"))?;
        let key = self.row().key(call.api_key, call.params).ok_or_else(|| missing("api_key"))?;
        out.url = format!("{base}{}", ROW.paths.chat.unwrap_or_default());
        let sum =
            call.model.bytes().chain(key.expose().bytes()).fold(7_u32, |sum, b| sum.wrapping_mul(31) ^ u32::from(b));
        out.set("x-house-signature", &format!("{sum:08x}"))?;
        out.set("content-type", "application/json")
    }

    fn prepares(&self, _call: &Call<'_>) -> bool {
        true
    }

    /// The house wants to know whose guest this is.
    fn prepare(&self, call: &Call<'_>, body: Bytes) -> llm_types::Result<Bytes> {
        let top = llm_wire::top::Top::parse(&body)?;
        let guest = llm_types::RawJson::string(&format!("guest of the {}", call.model));
        Ok(top.edited(&[("user", Some(guest.get()))]))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
        let full = reply.status == StatusCode::TOO_MANY_REQUESTS.as_u16();
        full.then(|| Error::new(Kind::RateLimit, "the house is full"))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    llm_providers::declare(&House);
    let host = Simulator::start(SimulatorConfig::default()).await?;
    let base = host.base_url();
    let params = [("api_base", base.as_str()), ("api_key", "sk-house")];
    let mut out = std::io::stdout().lock();

    let client = Client::from_env();
    let answer = client.completion_with("house/parlour", "Who is there?", &params).await?;
    writeln!(out, "answer: {}", answer.text())?;
    for asked in host.requests() {
        writeln!(out, "signed: {}", asked.header("x-house-signature").unwrap_or("not at all"))?;
        writeln!(out, "sent: {}", String::from_utf8_lossy(&asked.body))?;
    }
    host.script(Match::any(), Script::fault(Fault::Status(429)));
    if let Err(error) = client.completion_with("house/parlour", "And now?", &params).await {
        writeln!(out, "error: {}", error.message)?;
    }
    Ok(())
}
