//! OCI Generative AI: signed requests, a compartment and a serving mode in the body, a language per family of models.

use bytes::Bytes;
use llm_types::auth::OciAuth;
use llm_types::{AuthNeed, Error, Format, Kind, OperationKind, RawJson, Result, Secret};
use llm_wire::top::Top;

use crate::endpoint::{join, no_base};
use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint, Protocols, Provider, Want, not_served};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Oci;

impl Provider for Oci {
    fn row(&self) -> &'static ProviderRow {
        &generated::OCI
    }

    /// Cohere's models have a language of their own.
    fn protocols(&self, want: &Want<'_>) -> Protocols {
        let mut out = Protocols::default();
        match want.operation {
            OperationKind::Generate if want.model.starts_with("cohere.") => out.push(Format::OciCohere),
            OperationKind::Generate => out.push(Format::OciChat),
            OperationKind::Embed => out.push(Format::OciEmbed),
            _ => {}
        }
        out
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let path = match call.format {
            Format::OciChat | Format::OciCohere => row.paths.chat,
            Format::OciEmbed => row.paths.embeddings,
            _ => None,
        };
        let want = Want { operation: call.operation, format: call.format, model: call.model };
        let path = path.ok_or_else(|| not_served(row, &want))?;
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = join(&base, path, row);
        out.set("content-type", "application/json")?;
        out.auth = Some(AuthNeed::Oci(Box::new(signer(call.params)?)));
        out.set_extra(call.params)
    }

    fn prepares(&self, _: &Call<'_>) -> bool {
        true
    }

    /// Adds who pays and what serves.
    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let params = call.params;
        let compartment = said(params, "oci_compartment_id", "OCI_COMPARTMENT_ID")?;
        let dedicated = params.str("oci_serving_mode").is_some_and(|mode| mode.eq_ignore_ascii_case("dedicated"));
        let mode = if dedicated {
            let endpoint = RawJson::string(params.str("oci_endpoint_id").unwrap_or(call.model));
            format!(r#"{{"servingType":"DEDICATED","endpointId":{}}}"#, endpoint.get())
        } else {
            format!(r#"{{"servingType":"ON_DEMAND","modelId":{}}}"#, RawJson::string(call.model).get())
        };
        let compartment = RawJson::string(&compartment);
        let edits = [("compartmentId", Some(compartment.get())), ("servingMode", Some(mode.as_str()))];
        Ok(Top::parse(&body)?.edited(&edits))
    }
}

/// A field of the deployment, else a variable of the environment.
fn said(params: &Params, field: &str, name: &str) -> Result<String> {
    params.str(field).map(str::to_owned).or_else(|| params.env(name)).ok_or_else(|| {
        Error::new(Kind::Authentication, format!("provider oci needs {field}: give it or set {name}")).with_param(field)
    })
}

/// Whose key signs. The key is a text or a file.
fn signer(params: &Params) -> Result<OciAuth> {
    let file = params.str("oci_key_file").map(str::to_owned);
    let key = params.str("oci_key").map(str::to_owned).or(file);
    let key = key.or_else(|| params.env("OCI_KEY")).or_else(|| params.env("OCI_KEY_FILE"));
    let missing = || {
        let text = "provider oci needs a private key: give oci_key or oci_key_file, or set OCI_KEY or OCI_KEY_FILE";
        Error::new(Kind::Authentication, text).with_param("oci_key")
    };
    Ok(OciAuth {
        tenancy: said(params, "oci_tenancy", "OCI_TENANCY")?,
        user: said(params, "oci_user", "OCI_USER")?,
        fingerprint: said(params, "oci_fingerprint", "OCI_FINGERPRINT")?,
        key: Secret::new(key.ok_or_else(missing)?),
    })
}
