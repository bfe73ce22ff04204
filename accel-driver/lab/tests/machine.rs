//! `list`, `bind` and `unbind` on machines that are made of files in a temporary folder.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs::{remove_dir_all, remove_file, write};
use std::os::unix::fs::MetadataExt;

use made::Machine;
use serde_json::{Value, json};

const CARD: &str = "0000:04:00.0";
const AUDIO: &str = "0000:04:00.1";

/// The only card of a listing.
fn card(machine: &Machine) -> Value {
    let (code, listing) = machine.lab("list");
    assert_eq!(code, 0);
    assert_eq!(listing["cards"].as_array().unwrap().len(), 1, "{listing}");
    listing["cards"][0].clone()
}

/// Why the only card is not usable, and what to do next.
fn problem(machine: &Machine) -> [String; 2] {
    let card = card(machine);
    assert_eq!(card["usable"], false, "{card}");
    ["error", "next"].map(|key| card["problem"][key].as_str().unwrap().to_owned())
}

#[test]
fn a_card_that_is_ready_is_usable() {
    let machine = Machine::ready("ready");
    machine.add("0000:00:1f.0", ["8086", "0001"], Some("ahci"), Some(1));
    let expected = json!({
        "address": "vfio:0000:04:00.0", "function": CARD, "id": "1234:4c53", "driver": "vfio-pci",
        "iommu_group": 7, "neighbours": [], "holders": [], "usable": true, "problem": null,
    });
    assert_eq!(card(&machine), expected);
    let (code, text) = machine.run("list");
    assert_eq!(code, 0);
    assert_eq!(
        text,
        "ADDRESS            DRIVER    GROUP  STATE\nvfio:0000:04:00.0  vfio-pci  7      usable\n"
    );
}

#[test]
fn each_reason_has_its_next_step() {
    let machine = Machine::new("reasons");
    machine.add(CARD, ["1234", "4c53"], Some("xdma"), None);
    let [error, next] = problem(&machine);
    assert!(error.contains("no IOMMU group") && next.contains("intel_iommu=on"), "{error} {next}");

    remove_dir_all(machine.function(CARD)).unwrap();
    machine.add(CARD, ["1234", "4c53"], Some("xdma"), Some(7));
    let [error, next] = problem(&machine);
    assert_eq!(error, "the kernel driver is xdma, not vfio-pci");
    assert_eq!(next, "as root: lockstep-lab bind 0000:04:00.0");

    machine.set_driver(CARD, "vfio-pci");
    machine.add(AUDIO, ["8086", "0002"], Some("snd_hda_intel"), Some(7));
    let [error, next] = problem(&machine);
    assert!(error.contains("0000:04:00.1 is bound to snd_hda_intel"), "{error}");
    assert!(next.ends_with("lockstep-lab bind --any 0000:04:00.1"), "{next}");
    assert_eq!(card(&machine)["neighbours"][0]["id"], "8086:0002");

    machine.set_driver(AUDIO, "vfio-pci");
    let [error, next] = problem(&machine);
    assert!(error.contains("dev/vfio/7 does not exist"), "{error}");
    assert_eq!(next, "as root: modprobe vfio-pci");

    write(machine.0.join("dev/vfio/7"), "").unwrap();
    machine.process(41, "edge-host", &["/dev/null", "/dev/vfio/7"]);
    machine.process(42, "other", &["/dev/vfio/77"]);
    let [error, next] = problem(&machine);
    assert_eq!(error, "held by edge-host (process 41)");
    assert!(next.starts_with("end that process"), "{next}");
    assert_eq!(card(&machine)["holders"], json!([{"pid": 41, "command": "edge-host"}]));
}

#[test]
fn a_small_limit_of_locked_memory_is_a_problem() {
    let machine = Machine::ready("memory");
    let problems = || machine.lab("list").1["problems"].as_array().unwrap().clone();
    assert!(problems().is_empty());
    machine.locked_memory("1048576", "0000000000000000");
    let found = problems();
    assert!(found[0]["error"].as_str().unwrap().contains("1048576 bytes"), "{found:?}");
    assert!(found[0]["next"].as_str().unwrap().contains("ulimit -l"), "{found:?}");
    // Root may lock what it wants, and so may a user without a limit.
    machine.locked_memory("1048576", "000001ffffffffff");
    assert!(problems().is_empty());
    machine.locked_memory("unlimited", "0000000000000000");
    assert!(problems().is_empty());
}

#[test]
fn an_empty_machine_says_where_to_look() {
    let machine = Machine::new("empty");
    machine.add("0000:00:1f.0", ["8086", "0001"], Some("ahci"), Some(1));
    let (code, listing) = machine.lab("list");
    assert_eq!((code, &listing["cards"]), (0, &json!([])));
    assert!(listing["problems"][0]["next"].as_str().unwrap().contains("lockstep-card SOCKET --mock"));
}

#[test]
fn device_processes_are_found_by_their_sockets() {
    let machine = Machine::new("sockets");
    let table = "Num       RefCount Protocol Flags    Type St Inode Path\n\
        0000000000000000: 00000002 00000000 00010000 0001 01 500 /run/a card.sock\n\
        0000000000000000: 00000002 00000000 00010000 0001 01 501 b.sock\n\
        0000000000000000: 00000003 00000000 00000000 0001 03 502 b.sock\n\
        0000000000000000: 00000003 00000000 00000000 0001 03 503\n\
        0000000000000000: 00000002 00000000 00010000 0001 01 504 /run/other.sock\n";
    write(machine.0.join("proc/net/unix"), table).unwrap();
    machine.process(7, "lockstep-card", &["socket:[500]", "socket:[501]", "socket:[502]", "socket:[503]"]);
    machine.process(8, "other", &["socket:[504]"]);
    let process = json!({"pid": 7, "command": "lockstep-card"});
    assert_eq!(
        machine.lab("list").1["device_processes"],
        json!([
            {"address": "vfio-user:/run/a card.sock", "process": process, "in_use": false},
            {"address": "vfio-user:b.sock", "process": process, "in_use": true},
        ])
    );
}

#[test]
fn a_card_is_bound_and_given_to_a_user() {
    let machine = Machine::new("bind");
    machine.add(CARD, ["1234", "4c53"], Some("xdma"), Some(7));
    write(machine.0.join("dev/vfio/7"), "").unwrap();
    let user = machine.0.metadata().unwrap().uid();
    let line = format!("bind vfio:{CARD} --owner {user}");

    let (code, dry) = machine.lab(&format!("{line} --dry-run"));
    let root = machine.0.display();
    let functions = format!("{root}/sys/bus/pci/devices");
    let steps = json!([
        format!("echo vfio-pci > {functions}/{CARD}/driver_override"),
        format!("echo {CARD} > {functions}/{CARD}/driver/unbind"),
        format!("echo {CARD} > {root}/sys/bus/pci/drivers_probe"),
        format!("chown {user} {root}/dev/vfio/7"),
    ]);
    let moved = |driver| json!([{"function": CARD, "from": "xdma", "driver": driver, "steps": steps}]);
    assert_eq!((code, dry), (0, json!({"dry_run": true, "functions": moved("xdma")})));
    assert_eq!(machine.text("sys/bus/pci/drivers/xdma/unbind"), "", "a dry run writes nothing");
    assert_eq!(machine.text(format!("sys/bus/pci/devices/{CARD}/driver_override")), "(null)\n");

    let (code, done) = machine.with_kernel(&line, "none");
    assert_eq!((code, done), (0, json!({"dry_run": false, "functions": moved("vfio-pci")})));
    assert_eq!(machine.text("sys/bus/pci/drivers/xdma/unbind"), format!("{CARD}\n"));
    let (_, again) = machine.lab(&format!("bind {CARD}"));
    assert_eq!(again["functions"][0]["steps"], json!([]));

    let (code, back) = machine.with_kernel(&format!("unbind {CARD}"), "xdma");
    assert_eq!((code, &back["functions"][0]["driver"]), (0, &json!("xdma")));
    // The kernel takes an empty line as no override.
    assert_eq!(machine.text(format!("sys/bus/pci/devices/{CARD}/driver_override")), "\n");
}

#[test]
fn what_must_not_be_bound_is_refused() {
    let machine = Machine::new("refused");
    machine.add(AUDIO, ["8086", "0002"], Some("nvme"), Some(7));
    machine.add(CARD, ["1234", "4c53"], Some("xdma"), None);
    let refused = |line: &str| {
        let (code, problem) = machine.lab(line);
        assert_eq!(code, 1, "{problem}");
        assert!(!problem["next"].as_str().unwrap().is_empty());
        problem["error"].as_str().unwrap().to_owned()
    };
    assert!(refused(&format!("bind {AUDIO}")).contains("has the ids 8086:0002 and the driver nvme"));
    assert!(refused(&format!("bind {CARD}")).contains("no IOMMU group"));
    assert!(refused("bind 0000:09:00.0").contains("there is no PCI function 0000:09:00.0"));
    assert!(refused("bind 04:00.0").contains("hexadecimal digits"));
    assert!(refused("bind vfio-user:/a").contains("is a device process"));
    assert!(refused(&format!("unbind {CARD}")).contains("has the driver xdma, not vfio-pci"));
    // One wrong name, and none is touched.
    assert!(refused(&format!("bind --any {AUDIO} 0000:09:00.0")).contains("0000:09:00.0"));
    assert_eq!(machine.text("sys/bus/pci/drivers_probe"), "");

    // The kernel leaves the driver as it is.
    let why = refused(&format!("bind --any {AUDIO}"));
    assert!(why.contains("0000:04:00.1 has the kernel driver nvme after the steps"), "{why}");

    remove_file(machine.0.join("sys/bus/pci/drivers_probe")).unwrap();
    let why = refused(&format!("bind --any {AUDIO}"));
    assert!(why.contains("drivers_probe: No such file"), "{why}");
    remove_dir_all(machine.0.join("sys/bus/pci/drivers/vfio-pci")).unwrap();
    assert_eq!(refused(&format!("bind --any {AUDIO}")), "the kernel driver vfio-pci is not loaded");
}

/// `unbind` would wait in the kernel until the holder is gone.
#[test]
fn a_card_that_is_held_is_not_unbound() {
    let machine = Machine::ready("held");
    machine.process(41, "edge-host", &["/dev/vfio/7"]);
    let (code, problem) = machine.lab(&format!("unbind {CARD}"));
    assert_eq!(
        (code, problem["error"].as_str()),
        (1, Some("0000:04:00.0 is held by edge-host (process 41)"))
    );
}
