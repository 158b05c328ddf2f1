//! What the parameters and the environment say, in one place.

use llm_types::auth::AzureAuth;
use llm_types::{Result, Secret};

use crate::Ambient;
use crate::flow::denied;

const AUTHORITY: &str = "https://login.microsoftonline.com";
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";

/// Facts of a token request.
pub(super) struct Facts {
    pub(super) scope: String,
    pub(super) authority: String,
    pub(super) tenant: Option<String>,
    pub(super) client: Option<String>,
    /// Nothing: the machine's identity.
    pub(super) proof: Option<Proof>,
}

/// What is shown to the directory.
pub(super) enum Proof {
    /// The application's secret.
    Secret(Secret),
    /// A PEM file with the application's certificate and key.
    Certificate(String),
    /// A person's name and password.
    Password(String, Secret),
    /// A file with the token of somebody whom the directory trusts.
    TokenFile(String),
    /// That token, or a reference to it.
    Token(Secret),
}

impl Facts {
    /// The parameters decide which proof is shown; only without one among them the environment does. In either, a
    /// secret comes before a certificate, a password and a federated token, as in Azure's own libraries.
    pub(super) fn of(ambient: &Ambient, need: &AzureAuth) -> Result<Self> {
        let or_var = |text: &Option<String>, name| text.clone().filter(|t| !t.is_empty()).or_else(|| ambient.var(name));
        let scope = Some(need.scope.clone()).filter(|scope| !scope.is_empty());
        let authority = or_var(&need.authority, "AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned());
        let proof = match need.managed_identity {
            true => None,
            false => given(need).or_else(|| environment(ambient)),
        };
        let facts = Facts {
            scope: scope.or_else(|| ambient.var("AZURE_SCOPE")).unwrap_or_else(|| SCOPE.to_owned()),
            authority: with_scheme(authority.trim_end_matches('/')),
            tenant: or_var(&need.tenant_id, "AZURE_TENANT_ID"),
            client: or_var(&need.client_id, "AZURE_CLIENT_ID"),
            proof,
        };
        facts.checked()
    }

    fn checked(self) -> Result<Self> {
        match &self.proof {
            None => {}
            Some(_) if self.client.is_none() => {
                return Err(denied("Azure credentials need a client_id (AZURE_CLIENT_ID)"));
            }
            // People may be looked up in whichever directory knows them.
            Some(Proof::Password(..)) => {}
            Some(_) if self.tenant.is_none() => {
                return Err(denied("Azure credentials need a tenant_id (AZURE_TENANT_ID)"));
            }
            Some(_) => {}
        }
        if let Some(tenant) = &self.tenant
            && !tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        {
            return Err(denied("the Azure tenant_id has characters that none has"));
        }
        Ok(self)
    }

    /// Where the directory issues tokens.
    pub(super) fn token_url(&self) -> String {
        let tenant = self.tenant.as_deref().unwrap_or("organizations");
        format!("{}/{tenant}/oauth2/v2.0/token", self.authority)
    }

    /// The scope as managed identities name it.
    pub(super) fn resource(&self) -> &str {
        self.scope.strip_suffix("/.default").unwrap_or(&self.scope)
    }
}

fn with_scheme(authority: &str) -> String {
    match authority.contains("://") {
        true => authority.to_owned(),
        false => format!("https://{authority}"),
    }
}

fn given(need: &AzureAuth) -> Option<Proof> {
    let text = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
    let secret = |field: &Option<Secret>| field.clone().filter(|secret| !secret.is_empty());
    let person = || text(&need.username).zip(secret(&need.password));
    (secret(&need.client_secret).map(Proof::Secret))
        .or_else(|| text(&need.certificate).map(Proof::Certificate))
        .or_else(|| person().map(|(name, password)| Proof::Password(name, password)))
        .or_else(|| secret(&need.assertion).map(Proof::Token))
        .or_else(|| text(&need.federated_token_file).map(Proof::TokenFile))
}

fn environment(ambient: &Ambient) -> Option<Proof> {
    let person = || ambient.var("AZURE_USERNAME").zip(ambient.var("AZURE_PASSWORD"));
    (ambient.var("AZURE_CLIENT_SECRET").map(|secret| Proof::Secret(Secret::new(secret))))
        .or_else(|| ambient.var("AZURE_CLIENT_CERTIFICATE_PATH").map(Proof::Certificate))
        .or_else(|| person().map(|(name, password)| Proof::Password(name, Secret::new(password))))
        .or_else(|| ambient.var("AZURE_FEDERATED_TOKEN_FILE").map(Proof::TokenFile))
}
