//! The process `postern-mailbox-store`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service_kit::run::<mailbox_store::Config, _, _>("mailbox-store", mailbox_store::run)
}
