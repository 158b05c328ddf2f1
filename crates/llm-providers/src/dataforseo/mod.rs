//! DataForSEO: a login and a password instead of a key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm_types::Result;

use crate::endpoint::{no_base, no_key};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Dataforseo;

impl Provider for Dataforseo {
    fn row(&self) -> &'static ProviderRow {
        &generated::DATAFORSEO
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        out.url = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?.into_owned();
        // A key of the deployment is `login:password`.
        let given = call.api_key.map(|k| k.expose().to_owned()).filter(|k| k.contains(':'));
        let of_env =
            || Some(format!("{}:{}", call.params.env("DATAFORSEO_LOGIN")?, call.params.env("DATAFORSEO_PASSWORD")?));
        let pair = given.or_else(of_env).ok_or_else(|| no_key(row))?;
        out.set("authorization", &format!("Basic {}", STANDARD.encode(pair)))?;
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)
    }
}
