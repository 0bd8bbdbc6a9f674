//! The process `postern-smtp-server`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Signatures are verified on one while others answer.
const LEAST_SHARDS: usize = 2;

fn main() -> std::process::ExitCode {
    service_kit::run_in_shards::<smtp_server::Config, _, _>(
        LEAST_SHARDS,
        "smtp-server",
        smtp_server::run,
    )
}
