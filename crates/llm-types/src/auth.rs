//! Credentials that cannot be printed, and how they are shown to an upstream.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A secret text: an API key, a password, a token. It has no `Display`, its `Debug` shows nothing, it is wiped when
/// dropped, and it is not serialised.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Call it where the secret leaves the process, nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True for an empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self::new)
    }
}

/// How an upstream wants to be shown the credential. Schemes that need a computation (request signatures, token
/// exchange) are resolved by `llm-credentials` into headers before the call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthScheme {
    /// Nothing is sent.
    None,
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `Authorization: Bearer KEY` when a key is known, nothing otherwise (local servers).
    BearerOptional,
    /// The key alone in a header of this name.
    Header(Arc<str>),
    /// The key in a query parameter of this name.
    Query(Arc<str>),
    /// `Authorization: Basic base64(KEY)`.
    Basic,
    /// Any other fixed shape of a header: name and a template in which `{key}` stands for the key.
    Template {
        /// Header name
        name: Arc<str>,
        /// Value with `{key}` in it
        value: Arc<str>,
    },
}

/// What has to be computed just before a request is sent: the provider knows the facts, `llm-credentials` does it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AuthNeed {
    /// AWS Signature 4.
    Aws(Box<AwsAuth>),
    /// A Google access token.
    Google(Box<GoogleAuth>),
    /// A Microsoft Entra token.
    Azure(Box<AzureAuth>),
    /// A token by OAuth 2 client credentials.
    OAuth(Box<OAuthClient>),
    /// An IBM IAM token of an API key.
    Ibm(Box<IbmAuth>),
    /// A request signature of Oracle's cloud.
    Oci(Box<OciAuth>),
    /// A token that we sign ourselves with a key pair (Snowflake).
    KeyPair(Box<KeyPairAuth>),
    /// A token that a person granted on a device page.
    Device(DeviceLogin),
}

/// Facts for AWS Signature 4. What is absent is looked up in AWS's usual order.
#[derive(Debug, Clone, Default)]
pub struct AwsAuth {
    /// The service that is signed for (`bedrock`).
    pub service: String,
    /// The region that is signed for.
    pub region: String,
    /// Static key id.
    pub access_key_id: Option<Secret>,
    /// Static key.
    pub secret_access_key: Option<Secret>,
    /// Session token of temporary keys.
    pub session_token: Option<Secret>,
    /// Profile of the shared configuration files.
    pub profile: Option<String>,
    /// ARN of a role to assume.
    pub role: Option<String>,
    /// Name of the session of an assumed role.
    pub session_name: Option<String>,
    /// External id of an assumed role.
    pub external_id: Option<String>,
    /// Session tags of an assumed role.
    pub session_tags: Vec<(String, String)>,
    /// Web identity token: the token, a file's path, a variable's name, `os.environ/NAME` or `oidc/...`.
    pub web_identity_token: Option<Secret>,
    /// Where STS is, when not at its usual place.
    pub sts_endpoint: Option<String>,
    /// A Bedrock API key: shown as a bearer token, nothing is signed.
    pub bearer: Option<Secret>,
}

/// Stands in the path of a request for the project that the Google credentials belong to, which only who reads the
/// credentials knows: `.../projects/{project}/locations/...`.
pub const GOOGLE_PROJECT: &str = "{project}";

/// Facts for a Google access token.
#[derive(Debug, Clone, Default)]
pub struct GoogleAuth {
    /// The credentials: JSON text or a file's path. Absent: the application default credentials.
    pub credentials: Option<Secret>,
    /// Scopes; empty: cloud-platform.
    pub scopes: Vec<String>,
    /// Another header that shows the token, bare.
    pub also: Option<&'static str>,
}

/// Facts for a Microsoft Entra token. What is absent is looked up in the environment.
#[derive(Debug, Clone, Default)]
pub struct AzureAuth {
    /// Scope; empty: Cognitive Services.
    pub scope: String,
    /// Where the directory is; absent: `AZURE_AUTHORITY_HOST`, or Azure's public cloud.
    pub authority: Option<String>,
    /// Directory.
    pub tenant_id: Option<String>,
    /// Application.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// Its certificate: a file's path.
    pub certificate: Option<String>,
    /// A person's name.
    pub username: Option<String>,
    /// A person's password.
    pub password: Option<Secret>,
    /// Token of somebody whom the directory trusts, to be exchanged: the token, or `oidc/...`.
    pub assertion: Option<Secret>,
    /// File of a federated token.
    pub federated_token_file: Option<String>,
    /// Only the managed identity may be used.
    pub managed_identity: bool,
}

/// A caller's token that is exchanged for one that a host takes.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The token.
    pub token: Secret,
    /// What it is, as RFC 8693 names types of tokens.
    pub kind: String,
    /// In Microsoft Entra's words (on-behalf-of, RFC 7523) in place of RFC 8693's.
    pub on_behalf: bool,
}

/// Facts for a token by OAuth 2 client credentials (RFC 6749 section 4.4), or in exchange for a caller's.
#[derive(Debug, Clone, Default)]
pub struct OAuthClient {
    /// Where tokens are issued.
    pub token_url: String,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Scope.
    pub scope: Option<String>,
    /// Shown as HTTP basic authentication instead of form fields.
    pub basic: bool,
    /// The whole `Authorization` of the token request, when it is given ready (`Basic ...`); `client_id` and
    /// `client_secret` are not shown then.
    pub authorization: Option<Secret>,
    /// Only the fields given here are sent, no `grant_type` (GigaChat).
    pub bare: bool,
    /// The token that is exchanged; none: the client asks for itself.
    pub subject: Option<Subject>,
    /// Further form fields.
    pub form: Vec<(String, String)>,
    /// Further headers of the token request; `{uuid}` in a value becomes a new one each time.
    pub headers: Vec<(String, String)>,
}

/// Facts for an IBM IAM token.
#[derive(Debug, Clone)]
pub struct IbmAuth {
    /// The API key.
    pub api_key: Secret,
    /// Where tokens are issued; absent: IBM's public address.
    pub url: Option<String>,
}

/// Facts for a signature of Oracle's cloud.
#[derive(Debug, Clone)]
pub struct OciAuth {
    /// OCID of the tenancy.
    pub tenancy: String,
    /// OCID of the user.
    pub user: String,
    /// Fingerprint of the key.
    pub fingerprint: String,
    /// The private key, PEM text or a file's path.
    pub key: Secret,
}

/// Facts for a token that is signed with a key pair.
#[derive(Debug, Clone)]
pub struct KeyPairAuth {
    /// The account.
    pub account: String,
    /// The user whose public key the account knows.
    pub user: String,
    /// The private key, PEM text or a file's path.
    pub key: Secret,
}

/// Services whose tokens a person grants on a device page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceLogin {
    /// GitHub Copilot.
    GitHubCopilot,
    /// ChatGPT subscriptions.
    ChatGpt,
}
