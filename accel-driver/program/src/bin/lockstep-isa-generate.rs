//! Writes the engine's SystemVerilog package of instructions, `hdl-sim/rtl/engine/ls_isa_pkg.sv`.

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hdl-sim/rtl/engine/ls_isa_pkg.sv");
    std::fs::write(path, lockstep_accel_program::isa::package())
}
