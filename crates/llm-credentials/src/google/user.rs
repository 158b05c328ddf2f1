//! A person's refresh token, as `gcloud auth application-default login` leaves it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use llm_types::{Result, Secret};

use super::file::{ExternalUser, User};
use super::service_account::TOKEN_URI;
use crate::flow::{Flow, form, show};
use crate::reply::TokenReply;
use crate::shelf::Issued;

const WHO: &str = "Google's token endpoint";

/// The token of a Google account.
pub(super) async fn token(flow: Flow<'_>, user: &User) -> Result<Issued<Secret>> {
    let url = user.token_uri.as_deref().filter(|url| !url.is_empty()).unwrap_or(TOKEN_URI);
    let (secret, refresh) = (user.client_secret.expose(), user.refresh_token.expose());
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &user.client_id),
        ("client_secret", secret),
        ("refresh_token", refresh),
    ];
    let reply: TokenReply = flow.ask(WHO, form(url, &fields)?, &[secret, refresh]).await?;
    reply.issued(WHO, flow.ambient.now())
}

/// The token of a member of a workforce pool.
pub(super) async fn external_token(flow: Flow<'_>, user: &ExternalUser) -> Result<Issued<Secret>> {
    let (secret, refresh) = (user.client_secret.expose(), user.refresh_token.expose());
    let mut request = form(&user.token_url, &[("grant_type", "refresh_token"), ("refresh_token", refresh)])?;
    let basic = STANDARD.encode(format!("{}:{secret}", user.client_id));
    show(&mut request, AUTHORIZATION, &format!("Basic {basic}"))?;
    let reply: TokenReply = flow.ask(WHO, request, &[secret, refresh]).await?;
    reply.issued(WHO, flow.ambient.now())
}
