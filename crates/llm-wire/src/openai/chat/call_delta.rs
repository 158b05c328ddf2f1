//! Tool calls in deltas.

use crate::openai::object::Obj;

/// A call begins: all that is known of it.
pub(super) fn begin_call(delta: &mut Obj<'_>, index: u64, id: &str, name: &str, legacy: bool) {
    if legacy {
        let mut function = delta.obj("function_call");
        function.str("name", name);
        function.str("arguments", "");
        return;
    }
    let mut list = delta.arr("tool_calls");
    let mut call = list.obj();
    call.u64("index", index);
    call.str("id", id);
    call.str("type", "function");
    let mut function = call.obj("function");
    function.str("name", name);
    function.str("arguments", "");
    drop(function);
    super::gemini::call_begin(id, &mut call);
}

/// A piece of a call's arguments.
pub(super) fn grow_call(delta: &mut Obj<'_>, index: u64, arguments: &str, legacy: bool) {
    if legacy {
        delta.obj("function_call").str("arguments", arguments);
        return;
    }
    let mut list = delta.arr("tool_calls");
    let mut call = list.obj();
    call.u64("index", index);
    call.str("type", "function");
    call.obj("function").str("arguments", arguments);
}
