//! The program: composes and supervises the roles.

fn main() {}
