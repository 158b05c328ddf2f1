//! Amazon Polly: text becomes speech.

use llm_types::{Error, Result};
use llm_wire::ReplyView;

use crate::aws;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct AwsPolly;

impl Provider for AwsPolly {
    fn row(&self) -> &'static ProviderRow {
        &generated::AWS_POLLY
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let region = aws::region(call.params, None);
        let base = call.api_base.map_or_else(|| aws::host("polly", &region), str::to_owned);
        out.url = format!("{}/v1/speech", base.trim_end_matches('/'));
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)?;
        out.auth = Some(aws::auth("polly", region, call.params));
        Ok(())
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
        Some(llm_wire::bedrock::error::decode(reply))
    }
}
