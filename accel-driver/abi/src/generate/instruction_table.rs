//! The table of instructions.

use core::fmt::{self, Write};

use super::markdown::table;
use super::text::plain;
use crate::engine::{EngineError, MEMORIES};
use crate::instructions::{
    DrainMode, FORMATS, Format, InstructionField, Kind, Mnemonic, OPCODE_BITS, PAYLOAD_LOW, REFERENCE_BITS,
    SEMAPHORES, Scalar, Unit, Values, When,
};

const INTRODUCTION: &str = "\
# Instructions of the engine

Generated from the crate `lockstep-accel-abi` by `make abi`; changes belong there. Numbers in
parentheses are equations of `wasm-module/arith/SPEC.md`; N is the side of the array.

A program is a list of instructions in card memory. Each takes 32 bytes, or N bytes where N is more.
The dispatcher reads them in order and gives each to the queue of its unit. Inside a queue the order
is kept. Between queues there are counting semaphores: an instruction waits for semaphores, and
signals others.

## What makes a program invalid

The engine ends a job with `ILLEGAL_INSTRUCTION` (status `BAD_INSTRUCTION`) when it comes to

- an opcode that is not in the list below. Zero is none, so a program of zeros ends at once;
- a field with a value outside the range that its table names;
- a reference to a semaphore that the instruction's unit does not look at, or a reference whose
  `When` is 3.

The instruction is not executed, and neither are those behind it. What earlier instructions have
written stays. The next job is not affected.

The engine does not check everything. A program with an address beyond a memory, with a `mac` and a
`drain` whose loops differ, or with a wait for a semaphore that nothing signals is wrong in a way
that only its compiler can know: it computes wrong numbers, or the watchdog ends it. The library
`accel-driver/program` makes no such program, and refuses a value that does not fit its field.

";

/// Writes `INSTRUCTIONS.md`.
pub fn instruction_table(out: &mut dyn Write) -> fmt::Result {
    out.write_str(INTRODUCTION)?;
    out.write_str("## Common part\n\n| bits | |\n|---|---|\n")?;
    writeln!(out, "| {}:0 | The opcode. |", OPCODE_BITS - 1)?;
    let mut low = OPCODE_BITS;
    for about in [
        "The first semaphore that it waits for.",
        "The second one.",
        "The first semaphore that it signals.",
        "The second one.",
    ] {
        writeln!(out, "| {}:{low} | {about} |", low + REFERENCE_BITS - 1)?;
        low += REFERENCE_BITS;
    }
    writeln!(out, "| 255:{PAYLOAD_LOW} | The payload: the fields of the instruction. |")?;
    writeln!(
        out,
        "\nA reference to a semaphore has `When` in bits 1:0, the number of one of the {SEMAPHORES} semaphores in\n\
         bits 6:2, and a one in bit 7. Zero is no reference."
    )?;
    table(out, "Opcodes", Mnemonic::CODES)?;
    table(out, "Units", Unit::CODES)?;
    table(out, "When", When::CODES)?;
    for format in FORMATS {
        instruction(out, format)?;
    }
    table(out, "Drain modes", DrainMode::CODES)?;
    table(out, "Scalar steps", Scalar::CODES)?;
    table(out, "Kinds of passes", Kind::CODES)?;
    table(out, "Errors of the engine", EngineError::CODES)?;
    out.write_str(
        "\n## Memories\n\nThe depths of the largest shape, which are the defaults. A board may have less; the capability\n\
         registers say what it has.\n\n| words | |\n|---|---|\n",
    )?;
    for memory in MEMORIES {
        match (memory.lane_words, memory.fixed_words) {
            (0, fixed) => write!(out, "| {fixed} | ")?,
            (lanes, 0) => write!(out, "| {lanes} / N | ")?,
            (lanes, fixed) => write!(out, "| {lanes} / N + {fixed} | ")?,
        }
        plain(out, memory.about)?;
        out.write_str(" |\n")?;
    }
    Ok(())
}

fn instruction(out: &mut dyn Write, format: &Format) -> fmt::Result {
    let Format { name, code, waits, signals, unit, .. } = format;
    writeln!(out, "\n## `{name}`, opcode {code}\n")?;
    plain(out, format.about)?;
    writeln!(out, "\n\nUnit: {unit:?}. Waits for up to {waits} semaphores, signals up to {signals}.")?;
    if format.fields.is_empty() {
        return Ok(());
    }
    out.write_str("\n| bits of the payload | field | values | |\n|---|---|---|---|\n")?;
    for field in format.fields {
        let InstructionField { low, bits, name, .. } = *field;
        if bits == 1 {
            write!(out, "| {low} | `{name}` | ")?;
        } else {
            write!(out, "| {}:{low} | `{name}` | ", low + bits - 1)?;
        }
        match field.values {
            Values::From(least) => write!(out, "{least} to {}", (1_u64 << bits) - 1)?,
            Values::Flag => out.write_str("flag")?,
            Values::Signed(1) => out.write_str("signed")?,
            Values::Signed(count) => write!(out, "{count} signed numbers")?,
            Values::Codes(_, prefix, _) => write!(out, "codes `{prefix}`")?,
        }
        out.write_str(" | ")?;
        plain(out, field.about)?;
        out.write_str(" |\n")?;
    }
    Ok(())
}
