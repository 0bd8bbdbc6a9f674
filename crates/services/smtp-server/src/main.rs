//! The process `postern-smtp-server`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service_kit::run::<smtp_server::Config, _, _>("smtp-server", smtp_server::run)
}
