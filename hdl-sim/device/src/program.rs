//! The program of a descriptor, as the functional model takes it.

use lockstep_accel_abi::Descriptor;
use lockstep_accel_model::Job;

/// The job of a `Run` descriptor, whose verdict has bounded the length of the program.
pub(crate) fn job_of(d: &Descriptor) -> Job {
    Job {
        program: d.card_address,
        length: d.program_length as u16,
        runs: d.runs,
        input: (d.host_address, d.input_stride),
        output: (d.output_address, d.output_stride),
    }
}
