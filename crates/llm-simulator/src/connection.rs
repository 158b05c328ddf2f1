//! One accepted connection: hyper above, and below it the means to break it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// How a connection is broken.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// These bytes, not framed by anyone, then FIN.
    RawThenClose(Bytes),
    /// These bytes, then FIN of our direction only; the socket stays until the client closes it.
    RawThenHalfClose(Bytes),
}

/// Lets the answer to a request break the connection it came on.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    ending: Mutex<Option<Ending>>,
    asked: Notify,
}

impl Breaker {
    /// Asks for the connection to be broken. It happens after hyper wrote what it was given before.
    pub(crate) fn pull(&self, ending: Ending) {
        *self.ending.lock() = Some(ending);
        self.asked.notify_one();
    }

    /// Waits until someone asks.
    pub(crate) async fn pulled(&self) -> Ending {
        loop {
            self.asked.notified().await;
            if let Some(ending) = self.ending.lock().take() {
                return ending;
            }
        }
    }
}

/// Does to the socket what was asked. hyper no longer uses it.
pub(crate) async fn perform(ending: Ending, socket: &TcpStream) {
    // the peer may be gone already: then there is nothing left to break
    match ending {
        Ending::Close => {}
        Ending::Reset => drop(socket.set_zero_linger()),
        Ending::RawThenClose(bytes) => drop(write_all(socket, &bytes).await),
        Ending::RawThenHalfClose(bytes) => {
            drop(write_all(socket, &bytes).await);
            drop(SockRef::from(socket).shutdown(std::net::Shutdown::Write));
            drain(socket).await;
        }
    }
}

async fn write_all(socket: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        socket.writable().await?;
        match socket.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads until the peer closes.
async fn drain(socket: &TcpStream) {
    let mut scratch = [0_u8; 1024];
    while socket.readable().await.is_ok() {
        match socket.try_read(&mut scratch) {
            Ok(0) => return,
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

/// A socket that hyper uses while the connection task keeps a hold of it too.
#[derive(Debug)]
pub(crate) struct SharedSocket(pub(crate) Arc<TcpStream>);

impl AsyncRead for SharedSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buf.initialize_unfilled()) {
                Ok(count) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl AsyncWrite for SharedSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match SockRef::from(&*self.0).shutdown(std::net::Shutdown::Write) {
            Err(e) if e.kind() != io::ErrorKind::NotConnected => Poll::Ready(Err(e)),
            _ => Poll::Ready(Ok(())),
        }
    }
}
