//! Templates of families of models, by pieces of their names.

use std::borrow::Cow;

use llm_types::generate::Turn;

use super::said;
use super::template::Template;

type Roles = &'static [(&'static str, &'static str, &'static str)];

struct Family {
    /// All of these stand in the name.
    named: &'static [&'static str],
    roles: Roles,
    initial: &'static str,
    last: &'static str,
    bos: &'static str,
    eos: &'static str,
}

const LLAMA_2: Roles = &[
    ("system", "[INST] <<SYS>>\n", "\n<</SYS>>\n [/INST]\n"),
    ("user", "[INST] ", " [/INST]\n"),
    ("assistant", "", "\n"),
];

const LLAMA_3: Roles = &[
    ("system", "<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"),
    ("user", "<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
    ("assistant", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
    ("tool", "<|start_header_id|>ipython<|end_header_id|>\n\n", "<|eot_id|>"),
];

const MISTRAL: Roles =
    &[("system", "[INST] \n", " [/INST]\n"), ("user", "[INST] ", " [/INST]\n"), ("assistant", " ", "</s> ")];

const CHAT_ML: Roles = &[
    ("system", "<|im_start|>system\n", "<|im_end|>\n"),
    ("user", "<|im_start|>user\n", "<|im_end|>\n"),
    ("assistant", "<|im_start|>assistant\n", "<|im_end|>\n"),
];

const PHIND: Roles = &[
    ("system", "### System Prompt\n", "\n"),
    ("user", "### User Message\n", "\n"),
    ("assistant", "### Assistant\n", "\n"),
];

const ALPACA: Roles = &[
    ("system", "### Instruction:\n", "\n\n"),
    ("user", "### Instruction:\n", "\n\n"),
    ("assistant", "### Response:\n", "\n\n"),
];

const FAMILIES: &[Family] = &[
    Family { named: &["llama-2", "chat"], roles: LLAMA_2, initial: "", last: "", bos: "<s>", eos: "</s>" },
    Family {
        named: &["llama-3", "instruct"],
        roles: LLAMA_3,
        initial: "",
        last: "<|start_header_id|>assistant<|end_header_id|>\n\n",
        bos: "<|begin_of_text|>",
        eos: "",
    },
    Family { named: &["mistral", "instruct"], roles: MISTRAL, initial: "<s>", last: "", bos: "", eos: "" },
    Family { named: &["mixtral", "instruct"], roles: MISTRAL, initial: "<s>", last: "", bos: "", eos: "" },
    Family { named: &["mpt", "chat"], roles: CHAT_ML, initial: "", last: "", bos: "", eos: "" },
    Family { named: &["phind"], roles: PHIND, initial: "", last: "", bos: "", eos: "" },
    Family { named: &["mythomax"], roles: ALPACA, initial: "", last: "### Response:\n", bos: "", eos: "" },
];

/// The conversation by the template of the model's family; texts joined by spaces for models of none.
pub(super) fn render(turns: &[Turn], model: &str) -> String {
    let name = model.to_ascii_lowercase();
    match FAMILIES.iter().find(|f| f.named.iter().all(|piece| name.contains(piece))) {
        Some(f) => {
            let roles = Cow::Borrowed(f.roles);
            Template { roles, initial: f.initial, last: f.last, bos: f.bos, eos: f.eos }.render(turns)
        }
        None => turns.iter().map(said).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use llm_types::generate::Role;

    use super::*;

    #[test]
    fn names_choose_the_template() {
        let turns = [Turn::text(Role::System, "Be kind."), Turn::text(Role::User, "Hi")];
        assert_eq!(render(&turns, "some/model"), "Be kind. Hi");
        let llama = "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n [/INST]\n[INST] Hi [/INST]\n";
        assert_eq!(render(&turns, "meta-llama/Llama-2-70b-chat-hf"), llama);
        let three = render(&turns, "meta-llama/Meta-Llama-3-8B-Instruct");
        assert!(three.ends_with("<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"), "{three}");
    }
}
