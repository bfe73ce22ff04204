//! Instances that start with the model open, and instances of a module that a snapshot cannot hold.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{
    fs,
    time::{Duration, Instant},
};

use lockstep_edge_host::{Config, Instance, Instances, open_component};
use lockstep_module::Sequence;
use stand_in::Folder;

/// How many sequences the instance has encoded, this one included.
fn count(instance: &mut Instance) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(25);
    let sequence = Sequence { ids: &[67, 195], type_ids: &[0, 1] };
    let vectors = instance.encode(&[sequence], deadline).unwrap();
    assert_eq!(vectors[0][..3], [67, 2, 262]);
    vectors[0][3]
}

/// The stand-in with one more function.
fn with_function(function: &str) -> Vec<u8> {
    let text = include_str!("stand_in/module.wat");
    let end = text.rfind(')').unwrap();
    wat::parse_str(format!("{} {function})", &text[..end])).unwrap()
}

fn two() -> (Folder, Config) {
    let folder = Folder::new();
    let mut config = folder.furnish("model");
    config.instances = 2.try_into().unwrap();
    (folder, config)
}

/// Each instance counts its sequences from 0.
fn each_begins_where_opening_ended(instances: &Instances) {
    let (mut first, mut second) = (instances.open().unwrap(), instances.open().unwrap());
    assert_eq!(count(&mut first), 1);
    assert_eq!(count(&mut first), 2);
    assert_eq!(count(&mut second), 1, "what one instance writes is not seen by another");
    drop(first);
    assert_eq!(count(&mut instances.open().unwrap()), 1, "nor by the next in its place");
}

#[test]
fn instances_are_born_open() {
    let (folder, config) = two();
    let instances = Instances::prepare(&config).unwrap();
    assert!(instances.are_born_open(), "there is nothing to open a model with");
    for file in ["model.lockstep", "tokenizer.json", "lockstep.json"] {
        fs::remove_file(folder.0.join(file)).unwrap();
    }
    each_begins_where_opening_ended(&instances);
}

#[test]
fn the_cache_holds_the_open_model() {
    let (folder, mut config) = two();
    config.cache_dir = Some(folder.0.join("cache"));
    for _ in 0..2 {
        let instances = Instances::prepare(&config).unwrap();
        assert!(instances.are_born_open());
        each_begins_where_opening_ended(&instances);
    }
}

#[test]
fn a_module_that_no_snapshot_can_hold_opens_in_each_instance() {
    let (_folder, config) = two();
    let wasm = with_function("(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))");
    fs::write(&config.module, wasm).unwrap();
    let instances = Instances::prepare(&config).unwrap();
    assert!(!instances.are_born_open());
    each_begins_where_opening_ended(&instances);
}

#[test]
fn what_is_no_component_is_named() {
    let (folder, config) = two();
    let error = open_component(&config.module, &folder.0).err().unwrap().to_string();
    assert!(error.contains("module.wasm: not a usable component"), "{error}");
    let component = folder.0.join("component.wasm");
    fs::write(&component, wat::parse_str("(component)").unwrap()).unwrap();
    let error = open_component(&component, &folder.0).err().unwrap().to_string();
    assert!(error.contains("not a usable component") && error.contains("open-model"), "{error}");
}
