//! Letters over SMTP.

use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use llm_http::error::chain;
use llm_types::Secret;

use super::Mail;
use crate::callback::SinkError;

/// The port where TLS comes first.
const TLS_FIRST: u16 = 465;

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// `SMTP_HOST`.
    pub host: String,
    /// `SMTP_PORT`.
    pub port: u16,
    /// `SMTP_USERNAME` and `SMTP_PASSWORD`.
    pub login: Option<(String, Secret)>,
    /// TLS is asked for after the first words (`SMTP_TLS`); a server that has none gets no letter.
    pub starttls: bool,
    /// TLS from the first byte (`SMTP_USE_SSL`); always at port 465.
    pub tls_first: bool,
    /// How long one attempt may take (`SMTP_TIMEOUT`).
    pub timeout: Duration,
}

impl Smtp {
    /// Sends a letter over a connection of its own: letters are rare.
    pub(super) async fn send(&self, from: &str, mail: &Mail) -> Result<(), SinkError> {
        let message = message(from, mail)?;
        let transport = self.transport()?;
        // The library limits each step; a server that drips may not hold the letters behind this one.
        match tokio::time::timeout(self.timeout, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                Err(SinkError { message: chain(&error), retryable: !error.is_permanent() && !error.is_client() })
            }
            Err(_) => Err(SinkError::passing(format!("no answer within {} s", self.timeout.as_secs_f64()))),
        }
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SinkError> {
        let tls = || TlsParameters::new_rustls(self.host.clone()).map_err(|error| SinkError::lasting(chain(&error)));
        let tls = if self.tls_first || self.port == TLS_FIRST {
            Tls::Wrapper(tls()?)
        } else if self.starttls {
            Tls::Required(tls()?)
        } else {
            Tls::None
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::default())
            .timeout(Some(self.timeout));
        if let Some((name, password)) = &self.login {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
        }
        Ok(builder.build())
    }
}

fn message(from: &str, mail: &Mail) -> Result<Message, SinkError> {
    let address = |text: &str, whose: &str| {
        text.parse::<Mailbox>().map_err(|error| SinkError::lasting(format!("the address of the {whose}: {error}")))
    };
    Message::builder()
        .from(address(from, "sender")?)
        .to(address(&mail.to, "recipient")?)
        .subject(mail.subject.clone())
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| SinkError::lasting(error.to_string()))
}
