//! Amazon Textract: documents are read.

use llm_types::{Error, Result};
use llm_wire::ReplyView;

use crate::aws;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct AwsTextract;

impl Provider for AwsTextract {
    fn row(&self) -> &'static ProviderRow {
        &generated::AWS_TEXTRACT
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        aws::endpoint("textract", "/", call, out)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
        Some(llm_wire::bedrock::error::decode(reply))
    }
}
