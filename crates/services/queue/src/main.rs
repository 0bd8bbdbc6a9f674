//! The process `queue`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service_kit::run::<queue::Config, _, _>("queue", queue::run)
}
