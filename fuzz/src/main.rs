//! The targets as a program. `fuzz/run` builds it around libFuzzer, which calls the target that `FUZZ_TARGET` names;
//! without libFuzzer it plays files: `fuzz TARGET FILE...`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
static RUN: std::sync::OnceLock<fn(&[u8])> = std::sync::OnceLock::new();

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let target = llm_fuzz::target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: {name}"));
        llm_fuzz::seeds::plant(&name);
        RUN.get_or_init(|| target.run);
    },
    |data: &[u8]| if let Some(run) = RUN.get() { run(data) }
);

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    use std::io::Write as _;

    let mut args = std::env::args_os().skip(1);
    let target = args.next().and_then(|name| llm_fuzz::target(name.to_str()?));
    let Some(target) = target else {
        let names = llm_fuzz::TARGETS.iter().map(|t| t.name).collect::<Vec<_>>().join(" ");
        let _ = writeln!(std::io::stderr(), "fuzz TARGET FILE...\ntargets: {names}");
        return std::process::ExitCode::FAILURE;
    };
    for path in args {
        match std::fs::read(&path) {
            Ok(data) => (target.run)(&data),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "{}: {error}", path.display());
                return std::process::ExitCode::FAILURE;
            }
        }
    }
    std::process::ExitCode::SUCCESS
}
