//! Writes the generated files of the interface: the SystemVerilog packages and the tables.

use std::path::Path;

use lockstep_accel_abi::generate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, write) in generate::FILES {
        let path = workspace.join(path);
        let mut text = String::new();
        write(&mut text)?;
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}
