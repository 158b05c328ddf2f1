//! What streams of agents have in common: texts come, models behind the agent are counted, and nothing but the end of the
//! connection marks the end.

use llm_types::generate::{GenerateResponse, UsageReport};
use llm_types::stream::{Event, EventSink, Start};
use llm_types::{Error, Json, Kind, Usage, UsageSource};

use super::{answer, failed};
use crate::brackets::Brackets;
use crate::codec::ReplyContext;

/// A stream that is told to a client.
#[derive(Debug)]
pub(super) struct Talk {
    brackets: Brackets,
    provider: String,
    usage: Option<Usage>,
    pub came: bool,
}

impl Talk {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self { brackets: Brackets::default(), provider: ctx.provider.clone(), usage: None, came: false }
    }

    pub(super) fn over(&self) -> bool {
        self.brackets.over()
    }

    pub(super) fn provider(&self) -> &str {
        &self.provider
    }

    pub(super) fn text(&mut self, text: String, sink: &mut dyn EventSink) {
        if !text.is_empty() {
            self.came = true;
            self.brackets.start(Start::default, sink);
            self.brackets.text(text.into(), sink);
        }
    }

    pub(super) fn count(&mut self, more: &Usage) {
        self.usage.get_or_insert_with(Usage::default).merge(more);
    }

    pub(super) fn fail(&mut self, error: Error, sink: &mut dyn EventSink) {
        self.brackets.fail(error, sink);
    }

    pub(super) fn end(&mut self, sink: &mut dyn EventSink) {
        if self.brackets.over() {
            return;
        }
        if !self.came {
            let text = "the stream ended before the agent answered";
            return self.brackets.fail(failed(Kind::MidStream, &self.provider, text), sink);
        }
        self.brackets.close(sink);
        if let Some(usage) = self.usage.take() {
            sink.event(Event::Usage(Box::new(UsageReport { usage, raw: None })));
        }
        self.brackets.complete(sink);
    }
}

/// A whole answer.
pub(super) fn whole(text: &str, usage: Option<Usage>) -> GenerateResponse {
    GenerateResponse { usage: usage.map(|usage| UsageReport { usage, raw: None }), ..answer(text) }
}

/// What a model call reports, its counts under the first of these names.
pub(super) fn counted(usage: &Json, input: &[&str], output: &[&str]) -> Usage {
    let count = |names: &[&str]| {
        let number = names.iter().find_map(|name| usage.get(name)?.as_i64());
        number.and_then(|n| u64::try_from(n).ok()).unwrap_or_default()
    };
    Usage { input_text: count(input), output_text: count(output), source: UsageSource::Reported, ..Usage::default() }
}
