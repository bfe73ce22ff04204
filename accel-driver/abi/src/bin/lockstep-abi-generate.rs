//! Writes the generated files of the interface: `hdl-sim/rtl/lockstep_pkg.sv` and `accel-driver/abi/REGISTERS.md`.

use std::path::Path;

use lockstep_accel_abi::generate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut package = String::new();
    generate::package(&mut package)?;
    let mut table = String::new();
    generate::register_table(&mut table)?;
    for (path, text) in [("hdl-sim/rtl/lockstep_pkg.sv", package), ("accel-driver/abi/REGISTERS.md", table)] {
        let path = workspace.join(path);
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}
