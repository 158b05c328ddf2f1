//! Conversations as the text that a family continues.

use std::borrow::Cow;

use llm_types::generate::{GenerateRequest, Role, Turn};

use crate::bedrock::model::Family;
use crate::prompt::{self, Template, said};

/// The prompt of a request.
pub(super) fn of(req: &GenerateRequest, family: Family, model: &str) -> String {
    let turns = &req.turns;
    match family {
        _ if prompt::is_prompt(req) => prompt::of(req, model),
        // names by which the families go elsewhere
        Family::Llama if model.contains("llama2") => prompt::of(req, "llama-2-chat"),
        Family::Llama => prompt::of(req, "llama-3-instruct"),
        Family::Mistral => prompt::of(req, "mistral-instruct"),
        _ => prompt::own(req).unwrap_or_else(|| match family {
            Family::Titan => spoken(turns, "\n\nUser: ", "\n\nBot: "),
            Family::Claude => spoken(turns, "\n\nHuman: ", "\n\nAssistant: "),
            Family::DeepSeekR1 => DEEPSEEK.render(turns),
            Family::Qwen => QWEN.render(turns),
            Family::Command => turns.iter().map(said).collect(),
            _ => turns.iter().map(said).collect::<Vec<_>>().join(" "),
        }),
    }
}

const DEEPSEEK: Template<'static> = Template {
    roles: Cow::Borrowed(&[
        ("user", "<｜User｜>", ""),
        ("tool", "<｜User｜>", ""),
        ("assistant", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
    ]),
    initial: "<｜begin▁of▁sentence｜>",
    last: "<｜Assistant｜><think>\n",
    bos: "",
    eos: "",
};

const QWEN: Template<'static> = Template {
    roles: Cow::Borrowed(&[
        ("system", "<|im_start|>system\n", "<|im_end|>\n"),
        ("user", "<|im_start|>user\n", "<|im_end|>\n"),
        ("tool", "<|im_start|>user\n", "<|im_end|>\n"),
        ("assistant", "<|im_start|>assistant\n", "<|im_end|>\n"),
    ]),
    initial: "",
    last: "<|im_start|>assistant\n",
    bos: "",
    eos: "",
};

/// Two speakers; the model's turn is next, unless it spoke last.
fn spoken(turns: &[Turn], person: &str, model: &str) -> String {
    let mut out = String::new();
    if turns.first().is_some_and(|t| t.role == Role::Assistant) {
        out.push_str(person);
    }
    for turn in turns {
        let text = said(turn);
        match turn.role {
            Role::Assistant => out.extend([model, &text]),
            Role::System | Role::Developer => out.extend([person, "<admin>", &text, "</admin>"]),
            Role::User | Role::Tool => out.extend([person, &text]),
        }
    }
    if turns.last().is_none_or(|t| t.role != Role::Assistant) {
        out.push_str(model);
    }
    out
}
