//! Google Distributed Cloud: OpenAI's chat below a project and a location.

use llm_types::{Error, Format, Kind, Result};

use crate::endpoint::{no_base, no_key};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider, Want, not_served};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Gdc;

impl Provider for Gdc {
    fn row(&self) -> &'static ProviderRow {
        &generated::GDC
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let (row, params) = (self.row(), call.params);
        if call.format != Format::OpenAiChat {
            return Err(not_served(row, &Want { operation: call.operation, format: call.format, model: call.model }));
        }
        let base = row.base(call.api_base, params).ok_or_else(|| no_base(row))?;
        let needed = |field: &'static str| {
            let missing = || Error::bad_request(format!("provider gdc needs {field}")).with_param(field);
            params.str(field).ok_or_else(missing)
        };
        let (project, location) = (needed("vertex_project")?, needed("vertex_location")?);
        let base = base.trim_end_matches('/');
        out.url = format!("{base}/v1/projects/{project}/locations/{location}/chat/completions");
        let key = row.key(call.api_key, params).ok_or_else(|| no_key(row))?;
        if key.expose().trim_start().starts_with('{') {
            let text = "provider gdc: tokens of service accounts for an audience are not supported; give a token as \
                        api_key";
            return Err(Error::new(Kind::Authentication, text).with_param("api_key"));
        }
        out.set("authorization", &format!("Bearer {}", key.expose()))?;
        out.set("content-type", "application/json")?;
        out.set_extra(params)
    }
}
