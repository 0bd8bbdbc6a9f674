//! The process `postern-delivery`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service_kit::run::<delivery::Config, _, _>("delivery", delivery::run)
}
