//! TLS settings, made at the first TLS connect: reading the system's certificates costs milliseconds and megabytes that
//! a gateway in front of plain-HTTP models never pays.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use crate::error::chain;
use crate::io::Io;
use crate::{ErrorKind, Phase, Roots, TlsConfig, TransportError};

#[derive(Debug)]
pub(crate) struct Tls {
    settings: Arc<TlsConfig>,
    ready: OnceCell<Ready>,
}

/// The two configurations differ in what they check; each again in the protocols it offers.
#[derive(Debug)]
struct Ready {
    checked: Offers,
    /// Made only when some host is marked insecure.
    unchecked: Option<Offers>,
}

#[derive(Debug)]
struct Offers {
    http1: Arc<ClientConfig>,
    both: Arc<ClientConfig>,
}

impl Offers {
    fn new(config: ClientConfig) -> Self {
        let with = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            Arc::new(config)
        };
        Offers { http1: with(&[b"http/1.1"]), both: with(&[b"h2", b"http/1.1"]) }
    }
}

impl Tls {
    pub(crate) fn new(settings: TlsConfig) -> Self {
        Tls { settings: Arc::new(settings), ready: OnceCell::new() }
    }

    /// Shakes hands over `io` as a client of `name`. The flag says whether HTTP/2 was agreed on.
    pub(crate) async fn connect(&self, io: Io, name: &str, offer_h2: bool) -> Result<(Io, bool), TransportError> {
        let config = self.config(name, offer_h2).await?;
        let server = ServerName::try_from(name.to_owned()).map_err(|error| failed(name, &error))?;
        let stream = TlsConnector::from(config).connect(server, io).await.map_err(|error| failed(name, &error))?;
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Io::Tls(Box::new(stream)), h2))
    }

    async fn config(&self, name: &str, offer_h2: bool) -> Result<Arc<ClientConfig>, TransportError> {
        let settings = self.settings.clone();
        let load = || async {
            tokio::task::spawn_blocking(move || load(&settings))
                .await
                .unwrap_or_else(|error| Err(format!("loading certificates: {error}")))
                .map_err(|message| TransportError::unsent(Phase::Tls, ErrorKind::Tls, message))
        };
        let ready = self.ready.get_or_try_init(load).await?;
        let insecure = self.settings.insecure_hosts.iter().any(|host| host == "*" || host.eq_ignore_ascii_case(name));
        let offers = ready.unchecked.as_ref().filter(|_| insecure).unwrap_or(&ready.checked);
        Ok(if offer_h2 { offers.both.clone() } else { offers.http1.clone() })
    }
}

fn failed(name: &str, error: &dyn std::error::Error) -> TransportError {
    TransportError::unsent(Phase::Tls, ErrorKind::Tls, format!("{name}: {}", chain(error)))
}

fn load(settings: &TlsConfig) -> Result<Ready, String> {
    // Named explicitly: with two providers in the tree rustls would refuse to choose.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = roots(settings)?;
    let identity = identity(settings)?;
    let build = |verify: bool| -> Result<ClientConfig, String> {
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if verify {
            builder.with_root_certificates(roots.clone())
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(NoCheck(provider.clone())))
        };
        match &identity {
            Some((chain, key)) => {
                builder.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(|error| error.to_string())
            }
            None => Ok(builder.with_no_client_auth()),
        }
    };
    let unchecked = if settings.insecure_hosts.is_empty() { None } else { Some(Offers::new(build(false)?)) };
    Ok(Ready { checked: Offers::new(build(true)?), unchecked })
}

fn roots(settings: &TlsConfig) -> Result<Arc<RootCertStore>, String> {
    let mut store = RootCertStore::empty();
    match &settings.roots {
        Roots::System => system_roots(&mut store),
        Roots::File(path) => add_file(&mut store, path)?,
    }
    if let Some(path) = &settings.extra_ca {
        add_file(&mut store, path)?;
    }
    Ok(Arc::new(store))
}

fn system_roots(store: &mut RootCertStore) {
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "cannot read a system certificate");
    }
    let (added, ignored) = store.add_parsable_certificates(native.certs);
    if added == 0 {
        tracing::warn!("no system certificates; using the built-in list of authorities");
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    } else {
        tracing::debug!(added, ignored, "loaded system certificates");
    }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let before = store.len();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if store.len() == before {
        return Err(format!("{}: no certificate in it", path.display()));
    }
    Ok(())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{}: {error}", path.display()))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(settings: &TlsConfig) -> Result<Option<Identity>, String> {
    let Some(path) = &settings.client_cert else { return Ok(None) };
    let key_path = settings.client_key.as_ref().unwrap_or(path);
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|error| format!("{}: {error}", key_path.display()))?;
    Ok(Some((certificates(path)?, key)))
}

/// Accepts any certificate, but still wants the handshake to be signed by its key.
#[derive(Debug)]
struct NoCheck(Arc<CryptoProvider>);

impl ServerCertVerifier for NoCheck {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
