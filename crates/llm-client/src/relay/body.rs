//! The bytes of a relayed answer: they go on as they come; the meter reads along.

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
}

impl RelayBody {
    pub(super) fn metered(upstream: ReplyBody, meter: Option<Meter>, tariff: Tariff, engine: &Engine) -> Self {
        Self::new(upstream, MeterReader { meter, biller: Biller::new(tariff, engine) })
    }
}

impl Reader for MeterReader {
    fn provider(&self) -> &str {
        &self.biller.tariff.provider
    }

    fn read(&mut self, bytes: &[u8]) {
        if let Some(meter) = &mut self.meter {
            meter.feed(bytes);
        }
    }

    fn book(&mut self, complete: bool, report: &mut Report) {
        let seen = self.meter.take().map_or_else(Metered::default, |meter| meter.finish(complete));
        if report.error.is_none() || seen.usage.is_some() || seen.written() > 0 {
            self.biller.book(seen, complete, report);
        }
    }
}
