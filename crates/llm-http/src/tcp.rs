//! TCP connects: guard, socket options, and a second address when the first one is slow.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::dns::Dns;
use crate::{EgressPolicy, ErrorKind, Phase, TransportError};

/// How long one address may take before the next one is tried beside it (RFC 8305, section 8).
const STAGGER: Duration = Duration::from_millis(250);

/// Looks `name` up, lets the guard judge every address found, and connects to one of exactly those.
pub(crate) async fn connect(
    dns: &Dns,
    name: &str,
    port: u16,
    guard: Option<&EgressPolicy>,
    keepalive: Option<Duration>,
) -> Result<TcpStream, TransportError> {
    let addresses = checked(dns, name, port, guard).await?;
    let stream = match addresses.as_slice() {
        [only] => TcpStream::connect(only).await.map_err(|error| failed(*only, &error)),
        several => race(several).await,
    };
    let stream = stream.inspect_err(|_| dns.forget(name))?;
    // Small writes (a streamed request's last piece) must not wait 40 ms for an acknowledgement.
    stream.set_nodelay(true).map_err(|error| TransportError::from_io(&error, Phase::Connect))?;
    if let Some(time) = keepalive
        && let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(time))
    {
        tracing::debug!(%error, "cannot set TCP keep-alive");
    }
    Ok(stream)
}

/// The addresses of a name; an error when the guard refuses one of them (a mixed answer is how rebinding looks).
pub(crate) async fn checked(
    dns: &Dns,
    name: &str,
    port: u16,
    guard: Option<&EgressPolicy>,
) -> Result<Vec<SocketAddr>, TransportError> {
    let addresses = dns.resolve(name, port).await?;
    if let Some(guard) = guard {
        for address in &addresses {
            guard.check_ip(address.ip())?;
        }
    }
    Ok(addresses)
}

/// Tries the addresses in order, each beside the ones before it when those take longer than the stagger.
async fn race(addresses: &[SocketAddr]) -> Result<TcpStream, TransportError> {
    let attempt =
        |address: SocketAddr| async move { TcpStream::connect(address).await.map_err(|error| failed(address, &error)) };
    let mut waiting = addresses.iter().copied();
    let mut running = FuturesUnordered::new();
    let mut last = TransportError::unsent(Phase::Connect, ErrorKind::Dns, "no address");
    running.extend(waiting.next().map(attempt));
    loop {
        let done = if waiting.len() == 0 {
            running.next().await
        } else {
            match tokio::time::timeout(STAGGER, running.next()).await {
                Ok(done) => done,
                Err(_) => {
                    running.extend(waiting.next().map(attempt));
                    continue;
                }
            }
        };
        match done {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => {
                last = error;
                running.extend(waiting.next().map(attempt));
            }
            None => match waiting.next() {
                Some(address) => running.push(attempt(address)),
                None => return Err(last),
            },
        }
    }
}

fn failed(address: SocketAddr, error: &std::io::Error) -> TransportError {
    let plain = TransportError::from_io(error, Phase::Connect);
    TransportError::unsent(Phase::Connect, plain.kind(), format!("{address}: {}", plain.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_living_one() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = race(&[closed, open.local_addr().unwrap()]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open.local_addr().unwrap());
        assert_eq!(race(&[closed, closed]).await.unwrap_err().kind(), ErrorKind::Refused);
    }
}
