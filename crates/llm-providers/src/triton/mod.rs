//! NVIDIA Triton: the base is the whole address; its end says whether texts or tensors are asked for.

use bytes::Bytes;
use llm_types::{OperationKind, Result};

use crate::endpoint::no_base;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Triton;

impl Provider for Triton {
    fn row(&self) -> &'static ProviderRow {
        &generated::TRITON
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        let base = base.trim_end_matches('/');
        let streams = call.operation == OperationKind::Generate && call.stream && base.ends_with("/generate");
        out.url = format!("{base}{}", if streams { "_stream" } else { "" });
        out.per_request = true; // streams have another path
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        let base = self.row().base(call.api_base, call.params);
        call.operation == OperationKind::Generate && base.is_some_and(|b| b.trim_end_matches('/').ends_with("/infer"))
    }

    fn prepare(&self, _: &Call<'_>, body: Bytes) -> Result<Bytes> {
        llm_wire::text::as_tensors(&body)
    }
}
