//! The tap: reads a copy of a relayed stream beside it, for those who want the content.

use bytes::Bytes;
use llm_types::generate::GenerateResponse;
use llm_types::stream::{Assembler, Event, EventSink};
use llm_wire::codec::StreamDecoder;
use llm_wire::sse::{Item, Splitter};

/// Puts a relayed answer together. A frame that cannot be read ends the tap, never the stream.
#[derive(Debug)]
pub(crate) struct Tap {
    splitter: Splitter,
    decoder: Box<dyn StreamDecoder>,
    assembler: Assembler,
    broken: bool,
}

impl Tap {
    pub(crate) fn new(decoder: Box<dyn StreamDecoder>) -> Self {
        let splitter = Splitter::new(crate::stream::EVENT_LIMIT);
        Self { splitter, decoder, assembler: Assembler::default(), broken: false }
    }

    /// Reads what the upstream sent.
    pub(crate) fn chunk(&mut self, chunk: &Bytes) {
        if self.broken {
            return;
        }
        let Self { splitter, decoder, assembler, .. } = self;
        let fed = splitter.feed(chunk, |item| {
            if let Item::Frame(frame) = item {
                decoder.frame(&frame, &mut |e: Event<'_>| assembler.event(e));
            }
        });
        self.broken = fed.is_err();
    }

    /// The answer, once the stream is over.
    pub(crate) fn finish(mut self) -> Box<GenerateResponse> {
        let Self { splitter, decoder, assembler, broken } = &mut self;
        if !*broken {
            // The last event may lack its empty line. What is too long was not forwarded either.
            let _too_long = splitter.finish(|item| {
                if let Item::Frame(frame) = item {
                    decoder.frame(&frame, &mut |e: Event<'_>| assembler.event(e));
                }
            });
        }
        decoder.end(&mut |e: Event<'_>| assembler.event(e));
        Box::new(self.assembler.finish().0)
    }
}

#[cfg(test)]
mod tests {
    use llm_types::Format;
    use llm_wire::codec::ReplyContext;

    use super::*;

    #[test]
    fn the_last_event_may_lack_its_empty_line() {
        let codec = llm_wire::registry::upstream_generate(Format::OpenAiChat).unwrap();
        let mut tap = Tap::new(codec.stream_decoder(&ReplyContext::default()).unwrap());
        let event = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n";
        tap.chunk(&Bytes::from_static(event.as_bytes()));
        assert_eq!(tap.finish().text(), "Hi");
    }
}
