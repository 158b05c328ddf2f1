//! HTTP/2 connections of a host: shared by many requests, as few as the streams allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hyper::client::conn::http2::SendRequest;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::Body;

#[derive(Debug)]
pub(crate) struct Multiplex {
    connections: Mutex<Vec<Arc<Connection>>>,
    /// Held while connecting, as long as the host may speak HTTP/2: a burst of requests then opens one connection, not
    /// one each.
    pub(crate) dialling: tokio::sync::Mutex<()>,
    /// False once the host has shown that it speaks HTTP/1.1 only.
    possible: AtomicBool,
    max_streams: usize,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Body>,
    streams: AtomicUsize,
    unused_since: Mutex<Instant>,
}

/// One stream's share of a connection; counted until dropped.
#[derive(Debug)]
pub(crate) struct Stream(Arc<Connection>);

impl Multiplex {
    pub(crate) fn new(possible: bool, max_streams: usize) -> Self {
        Multiplex {
            connections: Mutex::default(),
            dialling: tokio::sync::Mutex::default(),
            possible: AtomicBool::new(possible),
            max_streams: max_streams.max(1),
        }
    }

    pub(crate) fn is_possible(&self) -> bool {
        self.possible.load(Ordering::Relaxed)
    }

    pub(crate) fn rule_out(&self) {
        self.possible.store(false, Ordering::Relaxed);
    }

    /// A stream on the first connection that has room.
    pub(crate) fn take(&self) -> Option<Stream> {
        if !self.is_possible() {
            return None;
        }
        let mut connections = self.connections.lock();
        connections.retain(|connection| !connection.sender.is_closed());
        connections.iter().find(|connection| connection.has_room(self.max_streams)).map(Stream::on)
    }

    /// Stores a new connection and takes its first stream.
    pub(crate) fn add(&self, sender: SendRequest<Body>) -> Stream {
        let connection =
            Arc::new(Connection { sender, streams: AtomicUsize::new(0), unused_since: Mutex::new(Instant::now()) });
        let stream = Stream::on(&connection);
        self.connections.lock().push(connection);
        stream
    }

    /// Gives no more streams on the connection of `stream`: it took no request.
    pub(crate) fn discard(&self, stream: &Stream) {
        self.connections.lock().retain(|connection| !Arc::ptr_eq(connection, &stream.0));
    }

    /// Lets go of connections that nobody used for `idle`. True when none is left.
    pub(crate) fn sweep(&self, now: Instant, idle: Duration) -> bool {
        let mut connections = self.connections.lock();
        connections.retain(|connection| {
            !connection.sender.is_closed()
                && (connection.streams.load(Ordering::Acquire) > 0 || *connection.unused_since.lock() + idle > now)
        });
        connections.is_empty()
    }
}

impl Connection {
    fn has_room(&self, max_streams: usize) -> bool {
        self.streams.load(Ordering::Acquire) < max_streams
    }
}

impl Stream {
    fn on(connection: &Arc<Connection>) -> Self {
        connection.streams.fetch_add(1, Ordering::AcqRel);
        Stream(connection.clone())
    }

    pub(crate) fn sender(&self) -> SendRequest<Body> {
        self.0.sender.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.0.streams.fetch_sub(1, Ordering::AcqRel) == 1 {
            *self.0.unused_since.lock() = Instant::now();
        }
    }
}
