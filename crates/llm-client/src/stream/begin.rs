//! The beginning of a stream: openings are held back until the first content, so that another deployment may still answer.

use std::pin::Pin;
use std::time::{Duration, Instant};

use http_body::Body;
use llm_types::{Error, Kind};

use super::StreamBody;
use crate::transport::transport_error;

/// Bytes of openings that are held back until the first content, and for how long: an error behind them can still be
/// answered by another deployment.
pub(super) const HELD_BYTES: usize = 64 << 10;
const HELD_FOR: Duration = Duration::from_secs(15);

impl StreamBody {
    /// Reads until there is something to send that cannot be taken back, or the upstream failed.
    ///
    /// # Errors
    /// The upstream's error, when it came before anything was sent: the call may be tried elsewhere.
    /// A timeout, when the first content was not there at `late`.
    pub(crate) async fn prime(&mut self, late: Option<Instant>) -> Result<(), Error> {
        let Some(late) = late else { return self.begin(true).await };
        match tokio::time::timeout_at(late.into(), self.begin(false)).await {
            Ok(begun) => begun,
            Err(_) => {
                self.over = true;
                let provider = self.counter.provider();
                let why = format!("litellm.Timeout: {provider}Exception - the first content did not come in time");
                let mut error = Error::new(Kind::Timeout, why);
                error.side = llm_types::Side::Upstream;
                Err(error)
            }
        }
    }

    /// `bounded`: openings are not held back for long.
    async fn begin(&mut self, bounded: bool) -> Result<(), Error> {
        let mut held: Option<tokio::time::Instant> = None;
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut self.upstream).poll_frame(cx));
            let frame = match held {
                None => next.await,
                Some(until) => match tokio::time::timeout_at(until, next).await {
                    Ok(frame) => frame,
                    Err(_) => break,
                },
            };
            let ended = frame.is_none();
            match frame {
                None => self.upstream_end(),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.report.first_byte.get_or_insert_with(Instant::now);
                    self.chunk(data);
                }
                Some(Err(e)) => return Err(transport_error(&e, self.counter.provider())),
            }
            if !self.committed()
                && let Some(error) = self.broke.take()
            {
                self.over = true;
                return Err(error);
            }
            if ended || self.committed() {
                break;
            }
            if bounded && held.is_none() && self.holds() {
                held = Some(tokio::time::Instant::now() + HELD_FOR);
            }
        }
        self.commit();
        Ok(())
    }
}
