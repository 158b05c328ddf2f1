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
        aws::endpoint("polly", "/v1/speech", call, out)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
        Some(llm_wire::bedrock::error::decode(reply))
    }
}
