//! The document of registers, descriptors and codes.

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

A register has 32 bits and is read and written whole, at its offset in BAR 0 (8 KiB). A 64-bit
number is two registers, the low half first. A read never changes anything, and gives zero at an
offset without a register. Every read of a card that is gone gives all ones. The second page holds
only the doorbells, so that a process can map the doorbells alone. Numbers in memory are
little-endian.

RO: the card ignores writes. RW: a read gives the value that was written. W1C: a one clears the bit.
CMD: a write is a command.

| offset | register | bits | access | |
|---|---|---|---|---|
";

const RINGS: &str = "
## The rings

Host memory holds two rings of `2^RING_LOG2` entries. The driver produces descriptors, and the card
consumes them. The card produces completion records, and the driver consumes them. An index counts
over all 16 bits; its entry is the index modulo the size of the ring. Equal indices mean an empty
ring, so every entry can be full.

1. The driver writes descriptors, and then (release order) the new producer index to
   `DOORBELL_SUBMIT`. An impossible index sets `ERROR_STATUS.BAD_DOORBELL` and changes nothing.
2. The card reads descriptors in order and works on up to `CAP_QUEUE.JOBS` of them at once. Copies
   and programs overlap, unless a descriptor has the flag `FENCE`.
3. The card writes a record for every descriptor, in order, and the word with the phase last. The
   phase is 1 in the first pass over the ring, 0 in the second, and so on.
4. The driver reads the records with the phase of its pass (acquire order), and writes its new
   consumer index to `DOORBELL_COMPLETE`. The card starts a job only if its record has room.

A descriptor that the card refuses ends with its status. The other descriptors are not affected.
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
