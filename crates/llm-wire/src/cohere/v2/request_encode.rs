//! Requests: messages and tools as chat writes them, parameters by Cohere's names.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, Tool};

use crate::codec::EncodeContext;
use crate::cohere::options;
use crate::openai::chat;
use crate::openai::object::Obj;
use crate::turns::unmarked;

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    obj.str("model", ctx.model);
    chat::conversation(&unmarked(&req.turns), ctx, &mut obj.arr("messages"));
    options::write(req, ctx, &mut obj);
    if !req.tools.is_empty() {
        let mut list = obj.arr("tools");
        for tool in &req.tools {
            chat::write_tool(&Tool { cache_control: None, ..tool.clone() }, ctx, &mut list);
        }
    }
}
