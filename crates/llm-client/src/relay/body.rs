//! The bytes of a relayed answer: they go on as they come; the meter reads along.

use std::fmt;

use llm_http::ReplyBody;
use llm_wire::meter::{Meter, Metered};

use super::tariff::{Biller, Tariff};
use crate::answer::Report;
use crate::carried::{Carried, Reader};
use crate::engine::Engine;

/// The bytes of a relayed answer.
pub type RelayBody = Carried<MeterReader>;

/// Knows what a relay consumed: its meter saw it.
#[derive(Debug)]
pub struct MeterReader {
    meter: Option<Meter>,
    biller: Biller,
    named: Option<Named>,
}

/// Who is told the answer's id.
struct Named(Box<dyn FnOnce(&str) + Send>);

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Named")
    }
}

impl RelayBody {
    pub(super) fn metered(upstream: ReplyBody, meter: Option<Meter>, tariff: Tariff, engine: &Engine) -> Self {
        Self::new(upstream, MeterReader { meter, biller: Biller::new(tariff, engine), named: None })
    }

    /// Who is told the upstream's id of a metered stream before the event that has it goes on. At most once.
    pub fn on_id(&mut self, tell: impl FnOnce(&str) + Send + 'static) {
        self.reader_mut().named = Some(Named(Box::new(tell)));
    }
}

impl Reader for MeterReader {
    fn provider(&self) -> &str {
        &self.biller.tariff.provider
    }

    fn read(&mut self, bytes: &[u8]) {
        if let Some(meter) = &mut self.meter {
            meter.feed(bytes);
            if let Some(id) = meter.id()
                && let Some(Named(tell)) = self.named.take()
            {
                tell(id);
            }
        }
    }

    fn book(&mut self, complete: bool, report: &mut Report) {
        let seen = self.meter.take().map_or_else(Metered::default, |meter| meter.finish(complete));
        if report.error.is_none() || seen.usage.is_some() || seen.written() > 0 {
            self.biller.book(seen, complete, report);
        }
    }
}
