//! LangGraph: runs that are waited for and runs that stream have addresses of their own.

use llm_types::Result;

use crate::endpoint::row_endpoint;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Langgraph;

impl Provider for Langgraph {
    fn row(&self) -> &'static ProviderRow {
        &generated::LANGGRAPH
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        row_endpoint(self.row(), call, out)?;
        out.per_request = true;
        if call.stream
            && let Some(runs) = out.url.strip_suffix("/wait")
        {
            out.url = format!("{runs}/stream");
        }
        Ok(())
    }
}
