//! The way out: directly, through an HTTP proxy (CONNECT), or through SOCKS5.

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::io::Io;
use crate::{ErrorKind, Phase, ProxyConfig, TransportError};

/// A proxy's answer to CONNECT is read up to this length.
const MAX_HEAD: usize = 8 * 1024;

#[derive(Debug)]
pub(crate) enum Route {
    Direct,
    Http(HttpProxy),
    Socks(SocksProxy),
}

#[derive(Debug)]
pub(crate) struct HttpProxy {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    /// `Proxy-Authorization`, marked sensitive.
    pub(crate) auth: Option<HeaderValue>,
}

pub(crate) struct SocksProxy {
    pub(crate) name: String,
    pub(crate) port: u16,
    /// The proxy looks the name up (`socks5h`).
    pub(crate) remote_dns: bool,
    pub(crate) login: Option<(String, String)>,
}

impl std::fmt::Debug for SocksProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SocksProxy").field("name", &self.name).field("port", &self.port).finish_non_exhaustive()
    }
}

/// Decides the route per target.
#[derive(Debug)]
pub(crate) struct Proxies(Option<Matcher>);

impl Proxies {
    pub(crate) fn new(config: &ProxyConfig) -> Self {
        Proxies(match config {
            ProxyConfig::Off => None,
            ProxyConfig::Env => Some(Matcher::from_env()),
            ProxyConfig::Fixed { http, https, no_proxy } => {
                Some(Matcher::builder().http(http.as_str()).https(https.as_str()).no(no_proxy.as_str()).build())
            }
        })
    }

    /// The route to `target`, an absolute `http` or `https` URI.
    pub(crate) fn route(&self, target: &Uri) -> Result<Route, TransportError> {
        match self.0.as_ref().and_then(|matcher| matcher.intercept(target)) {
            Some(proxy) => route_through(&proxy),
            None => Ok(Route::Direct),
        }
    }
}

fn route_through(proxy: &Intercept) -> Result<Route, TransportError> {
    let uri = proxy.uri();
    let name = bare(uri.host().unwrap_or_default()).to_owned();
    let scheme = uri.scheme_str().unwrap_or("http");
    match scheme {
        "http" | "https" => {
            let tls = scheme == "https";
            let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
            let auth = proxy.basic_auth().cloned().map(|mut value| {
                value.set_sensitive(true);
                value
            });
            Ok(Route::Http(HttpProxy { name, port, tls, auth }))
        }
        "socks5" | "socks5h" => {
            let login = proxy.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
            let remote_dns = scheme == "socks5h";
            Ok(Route::Socks(SocksProxy { name, port: uri.port_u16().unwrap_or(1080), remote_dns, login }))
        }
        other => Err(refused(format!("proxies of kind {other} are not supported"))),
    }
}

/// A host without the brackets of an IPv6 literal.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn refused(message: String) -> TransportError {
    TransportError::unsent(Phase::Connect, ErrorKind::Protocol, message)
}

fn broken(error: std::io::Error) -> TransportError {
    TransportError::from_io(&error, Phase::Connect)
}

/// Asks an HTTP proxy for a tunnel to `authority` (`name:port`).
pub(crate) async fn connect_tunnel(
    io: &mut Io,
    authority: &str,
    auth: Option<&HeaderValue>,
) -> Result<(), TransportError> {
    let mut head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    if let Some(auth) = auth {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(auth.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    io.write_all(&head).await.map_err(broken)?;
    io.flush().await.map_err(broken)?;

    let mut answer = Vec::with_capacity(256);
    let end = loop {
        if answer.len() > MAX_HEAD {
            return Err(refused("the proxy's answer is too long".to_owned()));
        }
        if io.read_buf(&mut answer).await.map_err(broken)? == 0 {
            return Err(TransportError::unsent(Phase::Connect, ErrorKind::Closed, "the proxy closed the connection"));
        }
        if let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    match words.next() {
        Some(status) if is_http && status.len() == 3 && status.starts_with('2') => {
            // The host behind the tunnel speaks only after we did.
            if answer.len() > end { Err(refused("bytes after the proxy's answer".to_owned())) } else { Ok(()) }
        }
        _ => Err(refused(format!("the proxy refused the tunnel: {line}"))),
    }
}

/// Where a SOCKS proxy shall connect to.
pub(crate) enum SocksTarget<'a> {
    Name(&'a str),
    Ip(std::net::IpAddr),
}

/// SOCKS5 (RFC 1928) with no login or user and password (RFC 1929).
pub(crate) async fn socks5(
    io: &mut Io,
    target: SocksTarget<'_>,
    port: u16,
    login: Option<&(String, String)>,
) -> Result<(), TransportError> {
    let method = if login.is_some() { 2 } else { 0 };
    io.write_all(&[5, 1, method]).await.map_err(broken)?;
    if read::<2>(io).await? != [5, method] {
        return Err(refused("the SOCKS proxy wants another login method".to_owned()));
    }
    if let Some((user, password)) = login {
        let mut message = vec![1];
        push_short(&mut message, user)?;
        push_short(&mut message, password)?;
        io.write_all(&message).await.map_err(broken)?;
        if read::<2>(io).await? != [1, 0] {
            return Err(refused("the SOCKS proxy refused the login".to_owned()));
        }
    }
    let mut message = vec![5, 1, 0];
    match target {
        SocksTarget::Name(name) => {
            message.push(3);
            push_short(&mut message, name)?;
        }
        SocksTarget::Ip(std::net::IpAddr::V4(ip)) => {
            message.push(1);
            message.extend_from_slice(&ip.octets());
        }
        SocksTarget::Ip(std::net::IpAddr::V6(ip)) => {
            message.push(4);
            message.extend_from_slice(&ip.octets());
        }
    }
    message.extend_from_slice(&port.to_be_bytes());
    io.write_all(&message).await.map_err(broken)?;
    let [_, status, _, kind] = read::<4>(io).await?;
    if status != 0 {
        return Err(refused(format!("the SOCKS proxy could not connect (code {status})")));
    }
    // The address the proxy uses itself, which nobody needs.
    match kind {
        1 => drop(read::<6>(io).await?),
        4 => drop(read::<18>(io).await?),
        3 => {
            let [length] = read::<1>(io).await?;
            let mut rest = vec![0; usize::from(length) + 2];
            io.read_exact(&mut rest).await.map_err(broken)?;
        }
        _ => return Err(refused("the SOCKS proxy sent an unknown address kind".to_owned())),
    }
    Ok(())
}

async fn read<const N: usize>(io: &mut Io) -> Result<[u8; N], TransportError> {
    let mut buffer = [0; N];
    io.read_exact(&mut buffer).await.map_err(broken)?;
    Ok(buffer)
}

fn push_short(message: &mut Vec<u8>, text: &str) -> Result<(), TransportError> {
    let length = u8::try_from(text.len()).map_err(|_| refused("a name is too long for SOCKS".to_owned()))?;
    message.push(length);
    message.extend_from_slice(text.as_bytes());
    Ok(())
}
