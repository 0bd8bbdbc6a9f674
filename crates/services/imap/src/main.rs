//! The process `postern-imap`.

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service_kit::run::<imap::Config, _, _>("imap", imap::run)
}
