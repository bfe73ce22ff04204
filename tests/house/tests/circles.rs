//! No circle between folders, and none between the files of a crate or the modules of a script.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lockstep_house::files::{self, all, root};
use lockstep_house::graph::Graph;
use lockstep_house::workspace::packages;
use lockstep_house::{folders, rust, scripts};

#[test]
fn folders_use_each_other_in_one_direction() {
    let (packages, files) = (packages(), all());
    let mut graph = Graph::default();
    folders::add_packages(&mut graph, &packages);
    folders::add_paths(&mut graph, &packages, &files);
    let circles: Vec<String> = graph.circles().iter().map(ToString::to_string).collect();
    assert!(circles.is_empty(), "{}", circles.concat());
}

#[test]
fn files_use_each_other_in_one_direction() {
    let mut circles = BTreeSet::new();
    let read = |path: &Path| std::fs::read_to_string(root().join(path)).ok();
    for package in packages() {
        for target in &package.targets {
            circles.extend(rust::uses(target, &read).circles());
        }
    }
    let scripts: Vec<PathBuf> =
        all().into_iter().filter(|f| ["ts", "mjs", "js", "py"].contains(&files::kind(f))).collect();
    circles.extend(scripts::imports(&scripts, &files::read).circles());
    let circles: Vec<String> = circles.iter().map(ToString::to_string).collect();
    assert!(circles.is_empty(), "{}", circles.concat());
}
