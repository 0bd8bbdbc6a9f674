//! The command line of Postern, and `postern up`: the whole system on one machine.

pub mod up;
