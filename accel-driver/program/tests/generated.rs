//! The generated package is the one that is committed.

#[test]
fn the_package_is_not_stale() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hdl-sim/rtl/engine/ls_isa_pkg.sv");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == lockstep_accel_program::isa::package(), "{path} is stale: run `make abi`");
}
