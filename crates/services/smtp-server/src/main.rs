//! The process `postern-smtp-server`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Signatures are verified on one while others answer.
const LEAST_LANES: usize = 2;

fn main() -> std::process::ExitCode {
    service_kit::run_in_lanes::<smtp_server::Config, _, _>(
        LEAST_LANES,
        "smtp-server",
        smtp_server::run,
    )
}
