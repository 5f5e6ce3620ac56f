//! What the fuzz target of the policy loader does with its input. The tests of `adjutant-policies` do the same with the seeds.

pub mod case;
