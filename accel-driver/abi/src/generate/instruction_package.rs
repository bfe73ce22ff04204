//! The SystemVerilog package of instructions.

use core::fmt::{self, Write};

use super::systemverilog::enumeration;
use crate::instructions::{
    DrainMode, FORMATS, FieldValue, Format, InstructionField, Kind, Mnemonic, OPCODE_BITS, PAYLOAD_BITS,
    SEMAPHORES, Scalar, Unit, Values, When,
};

const REFERENCE: &str = "
  typedef struct packed {
    logic       enable;
    logic [4:0] index;
    when_e      when_;
  } sem_ref_t;
";

/// Writes the package `ls_isa_pkg`.
pub fn instruction_package(out: &mut dyn Write) -> fmt::Result {
    out.write_str(
        "// Generated from accel-driver/abi by `make abi`; changes belong there.\npackage ls_isa_pkg;\n\n",
    )?;
    writeln!(out, "  parameter int unsigned Semaphores = {SEMAPHORES};")?;
    writeln!(out, "  parameter int unsigned Units = {};", Unit::CODES.len())?;
    enumeration(out, "unit_e", 3, "Unit", Unit::CODES)?;
    enumeration(out, "mnemonic_e", OPCODE_BITS, "Instr", Mnemonic::CODES)?;
    enumeration(out, "when_e", 2, "When", When::CODES)?;
    let in_fields =
        [<DrainMode as FieldValue>::VALUES, <Scalar as FieldValue>::VALUES, <Kind as FieldValue>::VALUES];
    for values in in_fields {
        if let Values::Codes(name, prefix, codes) = values {
            enumeration(out, name, 3, prefix, codes)?;
        }
    }
    out.write_str(REFERENCE)?;
    out.write_str("\n  typedef struct packed {\n")?;
    writeln!(out, "    logic [{}:0] payload;", PAYLOAD_BITS - 1)?;
    for name in ["signal1", "signal0", "wait1", "wait0"] {
        writeln!(out, "    sem_ref_t     {name};")?;
    }
    out.write_str("    mnemonic_e    opcode;\n  } instr_t;\n")?;
    for format in FORMATS.iter().filter(|f| !f.fields.is_empty()) {
        payload(out, format)?;
    }
    units(out)?;
    legal(out)?;
    out.write_str("\nendpackage\n")
}

/// A word of SystemVerilog gets a `_`.
fn name(field: &InstructionField) -> (&'static str, &'static str) {
    (field.name, if field.name == "unsigned" { "_" } else { "" })
}

/// The payload of an instruction as a packed structure: the first field is the last of the text.
fn payload(out: &mut dyn Write, format: &Format) -> fmt::Result {
    out.write_str("\n  typedef struct packed {\n")?;
    let used: u32 = format.fields.iter().map(|f| f.bits).sum();
    if used < PAYLOAD_BITS {
        writeln!(out, "    logic [{}:0] reserved;", PAYLOAD_BITS - used - 1)?;
    }
    for field in format.fields.iter().rev() {
        match field.values {
            Values::Codes(name, ..) => write!(out, "    {name} ")?,
            _ if field.bits == 1 => out.write_str("    logic ")?,
            _ => write!(out, "    logic [{}:0] ", field.bits - 1)?,
        }
        let (name, end) = name(field);
        writeln!(out, "{name}{end};")?;
    }
    writeln!(out, "  }} {}_t;", format.name)
}

fn units(out: &mut dyn Write) -> fmt::Result {
    out.write_str(
        "\n  // The unit that executes an instruction, a bit a unit: none for an opcode that is none.\n  \
         function automatic logic [Units-1:0] unit_of(input mnemonic_e opcode);\n    \
         unit_of = '0;\n    unique case (opcode)\n",
    )?;
    for unit in Unit::ALL {
        let of_unit = || FORMATS.iter().filter(|f| f.unit == *unit).map(|f| f.mnemonic);
        out.write_str("      ")?;
        for (i, mnemonic) in of_unit().enumerate() {
            write!(out, "{}Instr{mnemonic}", if i == 0 { "" } else { ", " })?;
        }
        writeln!(out, ": unit_of[Unit{unit:?}] = 1'b1;")?;
    }
    out.write_str("      default: ;\n    endcase\n  endfunction\n")
}

/// Whether the bits of a field can hold a value that the field does not take.
fn has_rule(field: &InstructionField) -> bool {
    matches!(field.values, Values::From(1..) | Values::Codes(..))
}

/// Between the conditions of an instruction.
const AND: &str = " &&\n          ";

/// What a unit refuses, as a function: a field below its least value, a code that is none, a
/// reference to a semaphore that the unit does not look at.
fn legal(out: &mut dyn Write) -> fmt::Result {
    out.write_str(
        "\n  // Whether an instruction is one that there is: its opcode, its fields, its semaphores.\n  \
         function automatic logic legal(input instr_t i);\n",
    )?;
    for format in FORMATS.iter().filter(|f| f.fields.iter().any(has_rule)) {
        let name = format.name;
        writeln!(out, "    {name}_t as_{name} = {name}_t'(i.payload);")?;
    }
    out.write_str("    unique case (i.opcode)\n")?;
    for format in FORMATS {
        write!(out, "      Instr{}: legal = 1'b1", format.mnemonic)?;
        for field in format.fields {
            let (field_name, end) = name(field);
            match field.values {
                Values::From(least) if least > 0 => {
                    write!(out, "{AND}as_{}.{field_name}{end} >= {}'d{least}", format.name, field.bits)?;
                }
                Values::Codes(_, prefix, codes) => {
                    write!(out, "{AND}as_{}.{field_name}{end} inside {{", format.name)?;
                    for (i, code) in codes.iter().enumerate() {
                        write!(out, "{}{prefix}{}", if i == 0 { "" } else { ", " }, code.name)?;
                    }
                    out.write_str("}")?;
                }
                _ => {}
            }
        }
        for (kind, can) in [("wait", format.waits), ("signal", format.signals)] {
            for index in can..2 {
                write!(out, "{AND}!i.{kind}{index}.enable")?;
            }
        }
        out.write_str(";\n")?;
    }
    out.write_str("      default: legal = 1'b0;\n    endcase\n")?;
    for reference in ["wait0", "wait1", "signal0", "signal1"] {
        writeln!(
            out,
            "    if (!(i.{reference}.when_ inside {{WhenOnce, WhenInner, WhenOuter}})) legal = 1'b0;"
        )?;
    }
    out.write_str("  endfunction\n")
}
