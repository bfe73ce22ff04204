//! The SystemVerilog package.

use core::fmt::{self, Write};

use super::text::camel;
use crate::codes::{self, CompletionFlags, DescriptorFlags, ErrorBits, InterruptBits};
use crate::engine::{self, EngineError, MEMORIES};
use crate::events::{self, Event};
use crate::registers::{self, REGISTERS};
use crate::{Code, Completion, Constant, Descriptor, Field, Member, Opcode, Port, Status};

/// Writes the package `lockstep_pkg`.
pub fn package(out: &mut dyn Write) -> fmt::Result {
    out.write_str(
        "// Generated from accel-driver/abi by `make abi`; changes belong there.\npackage lockstep_pkg;\n\n",
    )?;
    constants(out, codes::CONSTANTS)?;
    constants(out, registers::CONSTANTS)?;
    constants(out, engine::CONSTANTS)?;
    memories(out)?;
    out.write_str("\n  // Offsets of the registers.\n")?;
    for register in REGISTERS {
        camel(out, "  parameter int unsigned Reg", register.name)?;
        writeln!(out, " = 'h{:04x};", register.offset)?;
    }
    out.write_str("\n  // Fields of the registers: the lowest bit and the width.\n")?;
    for register in REGISTERS {
        for field in register.fields {
            for (part, value) in [("Low", field.low), ("Bits", field.bits)] {
                camel(out, "  parameter int unsigned Field", register.name)?;
                camel(out, "", field.name)?;
                writeln!(out, "{part} = {value};")?;
            }
        }
    }
    bits(out, "Bits of ERROR_STATUS", "Error", ErrorBits::FIELDS)?;
    bits(out, "Bits of INT_STATUS, INT_ENABLE, INT_FORCE", "Int", InterruptBits::FIELDS)?;
    bits(out, "Bits of a descriptor's flags", "DescriptorFlag", DescriptorFlags::FIELDS)?;
    bits(out, "Bits of a completion record's flags", "CompletionFlag", CompletionFlags::FIELDS)?;
    enumeration(out, "opcode_e", 8, "Op", Opcode::CODES)?;
    enumeration(out, "status_e", 8, "Status", Status::CODES)?;
    enumeration(out, "port_e", 8, "Port", Port::CODES)?;
    enumeration(out, "engine_error_e", 8, "Engine", EngineError::CODES)?;
    enumeration(out, "event_e", 8, "Event", Event::CODES)?;
    writeln!(out, "\n  parameter int unsigned Events = {};", events::COUNT)?;
    writeln!(out, "  parameter int unsigned OuterEvents = {};", events::OUTER)?;
    record(out, "descriptor_t", Descriptor::BYTES, Descriptor::MEMBERS)?;
    record(out, "completion_t", Completion::BYTES, Completion::MEMBERS)?;
    out.write_str("\nendpackage\n")
}

fn constants(out: &mut dyn Write, constants: &[Constant]) -> fmt::Result {
    for constant in constants {
        camel(out, "  parameter int unsigned ", constant.name)?;
        writeln!(out, " = 'h{:x};  // {}", constant.value, constant.about)?;
    }
    Ok(())
}

fn bits(out: &mut dyn Write, about: &str, prefix: &str, fields: &[Field]) -> fmt::Result {
    writeln!(out, "\n  // {about}.")?;
    for field in fields {
        out.write_str("  parameter int unsigned ")?;
        camel(out, prefix, field.name)?;
        writeln!(out, " = {};", field.low)?;
    }
    writeln!(out, "  parameter int unsigned {prefix}Bits = {};", fields.len())
}

/// Functions that say how many words a memory has for an array of n x n.
fn memories(out: &mut dyn Write) -> fmt::Result {
    out.write_str("\n  // Words of the engine's memories for an array of n x n.\n")?;
    for memory in MEMORIES {
        let name = memory.name;
        writeln!(out, "  function automatic int unsigned depth_{name}(input int unsigned n);")?;
        match (memory.lane_words, memory.fixed_words) {
            (lanes, 0) => writeln!(out, "    return {lanes} / n;")?,
            (lanes, fixed) => writeln!(out, "    return {lanes} / n + {fixed};")?,
        }
        out.write_str("  endfunction\n")?;
    }
    Ok(())
}

/// Writes an enumeration of `bits` bits; its constants begin with `prefix`.
pub(super) fn enumeration(
    out: &mut dyn Write,
    name: &str,
    bits: u32,
    prefix: &str,
    codes: &[Code],
) -> fmt::Result {
    writeln!(out, "\n  typedef enum logic [{}:0] {{", bits - 1)?;
    for (i, code) in codes.iter().enumerate() {
        let comma = if i + 1 < codes.len() { "," } else { "" };
        writeln!(out, "    {prefix}{} = {bits}'d{}{comma}", code.name, code.value)?;
    }
    writeln!(out, "  }} {name};")
}

/// A packed structure: the first member of the memory is the last of the text, at the lowest bits.
fn record(out: &mut dyn Write, name: &str, bytes: usize, members: &[Member]) -> fmt::Result {
    writeln!(out, "\n  typedef struct packed {{")?;
    for member in members.iter().rev() {
        writeln!(out, "    logic [{}:0] {};  // byte {}", member.bytes * 8 - 1, member.name, member.offset)?;
    }
    writeln!(out, "  }} {name};")?;
    out.write_str("  parameter int unsigned ")?;
    let stem = name.trim_end_matches("_t");
    for (i, c) in stem.chars().enumerate() {
        out.write_char(if i == 0 { c.to_ascii_uppercase() } else { c })?;
    }
    writeln!(out, "Bytes = {bytes};")?;
    Ok(())
}
