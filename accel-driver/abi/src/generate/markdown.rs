//! The tables for people.

use core::fmt::{self, Write};

use super::text::{plain, screaming};
use crate::codes::{self, CompletionFlags, DescriptorFlags, ErrorBits, InterruptBits};
use crate::engine::{self, EngineError};
use crate::events::Event;
use crate::registers::{COUNTERS, REGISTERS};
use crate::{Code, Completion, Descriptor, Field, Member, Opcode, Port, Status};

const INTRODUCTION: &str = "\
# Registers, descriptors and codes

Generated from the crate `lockstep-accel-abi` by `make abi`; changes belong there.

The registers are 32 bits wide and are read and written whole, at the offsets below in BAR 0 (8 KiB). A 64-bit number is
two registers, the low half first. A read never changes anything; where no register is, it gives zero. A card that is gone reads as all ones.
The second page holds only the doorbells, so that it can be mapped apart. Numbers in memory are little-endian.

RO: writes are ignored. RW: reads give what was written. W1C: a one clears the bit. CMD: a write is an order.

| offset | register | bits | access | |
|---|---|---|---|---|
";

const RINGS: &str = "
## The rings

Two rings of `2^RING_LOG2` entries in host memory: descriptors, which the driver produces and the card consumes, and completion records, the
other way round. Indices run freely over 16 bits; the entry is the index modulo the size. Equal indices mean empty, so every entry can be used.

1. The driver writes descriptors, then (release order) the new producer index to `DOORBELL_SUBMIT`. An index that is not possible sets
   `ERROR_STATUS.BAD_DOORBELL` and changes nothing.
2. The card reads descriptors in order and has up to `CAP_QUEUE.JOBS` of them under way. Copies and programs overlap unless a descriptor carries `FENCE`.
3. A record is written for every descriptor, in order, the word with the phase last. The phase is 1 in the first pass over the ring, 0 in the second, and so on.
4. The driver reads records whose phase is the awaited one (acquire order) and writes its new consumer index to `DOORBELL_COMPLETE`. The
   card starts no job for whose record there is no room.

A descriptor that is refused ends with its status; the others are not touched.
";

/// Writes `REGISTERS.md`.
pub fn register_table(out: &mut dyn Write) -> fmt::Result {
    out.write_str(INTRODUCTION)?;
    for register in REGISTERS {
        write!(out, "| `{:#06x}` | `{}` | | {} | ", register.offset, register.name, register.access.short())?;
        plain(out, register.about)?;
        out.write_str(" |\n")?;
        for field in register.fields {
            write!(out, "| | `{}` | {} | | ", field.name, Range(field))?;
            plain(out, field.about)?;
            out.write_str(" |\n")?;
        }
    }
    writeln!(out, "| `{COUNTERS:#06x}` | counters | | RO | 64 bits each, see below |")?;
    out.write_str("\n| constant | value | |\n|---|---|---|\n")?;
    for constant in codes::CONSTANTS.iter().chain(engine::CONSTANTS) {
        writeln!(out, "| `{}` | `{:#x}` | {} |", constant.name, constant.value, constant.about)?;
    }
    out.write_str(RINGS)?;
    members(out, "Descriptor", Descriptor::BYTES, Descriptor::MEMBERS)?;
    fields(out, "Flags of a descriptor", DescriptorFlags::FIELDS)?;
    members(out, "Completion record", Completion::BYTES, Completion::MEMBERS)?;
    fields(out, "Flags of a completion record", CompletionFlags::FIELDS)?;
    table(out, "Opcodes", Opcode::CODES)?;
    table(out, "Statuses", Status::CODES)?;
    table(out, "Errors of the engine", EngineError::CODES)?;
    fields(out, "Errors", ErrorBits::FIELDS)?;
    fields(out, "Interrupts", InterruptBits::FIELDS)?;
    table(out, "Ports", Port::CODES)?;
    table(out, "Counters", Event::CODES)
}

struct Range<'a>(&'a Field);

impl fmt::Display for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field { low, bits, .. } = *self.0;
        if bits == 1 { write!(f, "{low}") } else { write!(f, "{}:{low}", low + bits - 1) }
    }
}

fn members(out: &mut dyn Write, title: &str, bytes: usize, members: &[Member]) -> fmt::Result {
    writeln!(out, "\n## {title}, {bytes} bytes\n\n| byte | bytes | member | |\n|---|---|---|---|")?;
    for member in members {
        write!(out, "| {} | {} | `{}` | ", member.offset, member.bytes, member.name)?;
        plain(out, member.about)?;
        out.write_str(" |\n")?;
    }
    Ok(())
}

fn fields(out: &mut dyn Write, title: &str, fields: &[Field]) -> fmt::Result {
    writeln!(out, "\n## {title}\n\n| bit | | |\n|---|---|---|")?;
    for field in fields {
        write!(out, "| {} | `{}` | ", Range(field), field.name)?;
        plain(out, field.about)?;
        out.write_str(" |\n")?;
    }
    Ok(())
}

pub(super) fn table(out: &mut dyn Write, title: &str, codes: &[Code]) -> fmt::Result {
    writeln!(out, "\n## {title}\n\n| value | | |\n|---|---|---|")?;
    for code in codes {
        write!(out, "| {} | `", code.value)?;
        screaming(out, code.name)?;
        out.write_str("` | ")?;
        plain(out, code.about)?;
        out.write_str(" |\n")?;
    }
    Ok(())
}
