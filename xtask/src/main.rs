//! `scripts/xtask COMMAND...`

fn main() -> std::process::ExitCode {
    xtask::main()
}
