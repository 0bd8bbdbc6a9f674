//! The process `postern-smtp-server`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One verifies signatures while another answers.
const LEAST_THREADS: usize = 2;

fn main() -> std::process::ExitCode {
    service_kit::run_on::<smtp_server::Config, _, _>(LEAST_THREADS, "smtp-server", smtp_server::run)
}
