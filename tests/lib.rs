//! End-to-end tests: `cargo build --workspace --bins`, then `cargo test -p end-to-end`; `make test` does both. The cases are in
//! `tests/`, one file a subject, the scripts that speak through Python's own mail libraries in `clients/`.
