//! Generates the gRPC types from `proto/` with protox, which needs no protoc.

use std::path::Path;

const FILES: &[&str] = &[
    "postern/actor/v1/actor.proto",
    "postern/message/v1/message.proto",
    "postern/queue/v1/queue.proto",
    "postern/queue/v1/refusals.proto",
    "postern/queue/v1/quarantine.proto",
    "postern/policy/v1/policy.proto",
    "postern/collection/v1/collection.proto",
    "postern/throttle/v1/throttle.proto",
    "postern/mailbox/v1/mailbox.proto",
    "postern/mailbox/v1/upkeep.proto",
    "postern/directory/v1/directory.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
