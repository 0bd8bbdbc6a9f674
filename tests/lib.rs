//! End-to-end tests: `cargo build --workspace --bins`, then `cargo test -p end-to-end`; `make test` does
//! both. The cases are in `tests/`, one file per subject; the scripts that use Python's mail libraries are in
//! `clients/`.
