//! The process `postern-smtp-server`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One shard verifies signatures while the others respond.
const LEAST_SHARDS: usize = 2;

fn main() -> std::process::ExitCode {
    service_kit::run_in_shards::<smtp_server::Config, _, _>(
        LEAST_SHARDS,
        "smtp-server",
        smtp_server::run,
    )
}
