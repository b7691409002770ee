//! The `minhu` program.

fn main() -> std::process::ExitCode {
    minhu::cli::main()
}
