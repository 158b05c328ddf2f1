//! A bill, by what it is for.

/// What a call costs, in USD. [`CostBreakdown::total`] is input, output and tools; the other fields are parts of those
/// three and shown for information.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CostBreakdown {
    /// Everything that went in, cached tokens and units included: LiteLLM's prompt cost.
    pub input: f64,
    /// Everything that came out, reasoning and units included: LiteLLM's completion cost.
    pub output: f64,
    /// Hosted tools: web search, file search, code interpreter ...
    pub tools: f64,
    /// The sum.
    pub total: f64,
    /// Part of the input: text tokens, not cached.
    pub input_text: f64,
    /// Part of the input: tokens read from a cache.
    pub cache_read: f64,
    /// Part of the input: tokens written to a cache.
    pub cache_write: f64,
    /// Part of the input: audio tokens.
    pub input_audio: f64,
    /// Part of the input: image tokens.
    pub input_image: f64,
    /// Part of the output: text tokens.
    pub output_text: f64,
    /// Part of the output: reasoning tokens.
    pub reasoning: f64,
    /// Part of the output: audio tokens.
    pub output_audio: f64,
    /// Part of the output: image tokens.
    pub output_image: f64,
    /// The upstream named this price; nothing was computed.
    pub reported: bool,
}

impl CostBreakdown {
    /// Multiplies every part.
    pub(crate) fn scale(&mut self, factor: f64) {
        if factor == 1.0 {
            return;
        }
        for part in [
            &mut self.input,
            &mut self.output,
            &mut self.input_text,
            &mut self.cache_read,
            &mut self.cache_write,
            &mut self.input_audio,
            &mut self.input_image,
            &mut self.output_text,
            &mut self.reasoning,
            &mut self.output_audio,
            &mut self.output_image,
        ] {
            *part *= factor;
        }
    }

    /// Multiplies every part but cache reads and writes.
    pub(crate) fn scale_uncached(&mut self, factor: f64) {
        let (read, write) = (self.cache_read, self.cache_write);
        self.input -= read + write;
        self.scale(factor);
        (self.cache_read, self.cache_write) = (read, write);
        self.input += read + write;
    }
}
