//! The lab tool over the kernel's VFIO: `lockstep-lab` finds the card, binds it, tests it, and does
//! not unbind it while a program holds it.

use std::ffi::OsString;

use lockstep_accel_vm::Result;

/// Runs the tool. Returns the exit code and all that it printed.
fn lab(arguments: &[&str]) -> (u8, String) {
    let words = ["lockstep-lab"].iter().chain(arguments).map(OsString::from);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = lockstep_accel_lab::run(words, &mut out, &mut err);
    out.extend(err);
    (code, String::from_utf8_lossy(&out).into_owned())
}

/// Runs the tool, and checks its exit code and that it prints a text.
fn expect(arguments: &[&str], code: u8, text: &str) -> Result<()> {
    let (found, printed) = lab(arguments);
    print!("lockstep-lab {}: {found}\n{printed}", arguments.join(" "));
    if found == code && printed.contains(text) {
        return Ok(());
    }
    Err(format!("lockstep-lab {arguments:?} gives {found}, not {code} and \"{text}\"").into())
}

/// Gives a card that no driver has to a user.
pub(crate) fn bind(function: &str, user: u32) -> Result<()> {
    let address = format!("vfio:{function}");
    let next = format!("next: as root: lockstep-lab bind {function}");
    expect(&["list"], 0, &format!("{address}: the kernel driver is none, not vfio-pci\n{next}"))?;
    let dry = format!("echo vfio-pci > /sys/bus/pci/devices/{function}/driver_override\n");
    expect(&["bind", function, "--dry-run"], 0, &dry)?;
    expect(&["selftest", &address], 1, "the kernel driver is none")?;
    let user = user.to_string();
    expect(&["bind", function, "--owner", &user], 0, &format!("{function}: driver vfio-pci, before none"))
}

/// Takes a card from `vfio-pci`.
pub(crate) fn unbind(function: &str) -> Result<()> {
    expect(&["unbind", function], 0, &format!("{function}: driver none, before vfio-pci"))
}

/// The user's part: tests the card.
pub(crate) fn test(function: &str) -> Result<()> {
    let address = format!("vfio:{function}");
    expect(&["list"], 0, &format!("{address}  vfio-pci  1      usable\n"))?;
    expect(&["info", &address], 0, "array               8x8")?;
    expect(&["selftest", &address], 0, &format!("{address} passed"))
}

/// What the tool says of a card that a user's program holds.
pub(crate) fn held(function: &str) -> Result<()> {
    expect(&["list"], 0, &format!("vfio:{function}: held by program (process "))?;
    expect(&["unbind", function], 1, &format!("{function} is held by program (process "))?;
    expect(&["info", &format!("vfio:{function}")], 1, "another process holds /dev/vfio/")
}
