//! No circle between folders, and none between the files of a crate or the modules of a script.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lockstep_house::files::{self, all, root};
use lockstep_house::graph::{Circle, Graph};
use lockstep_house::listed::compare;
use lockstep_house::workspace::packages;
use lockstep_house::{folders, rust, scripts};

/// Packages, and folders of scripts, with a circle of files that is not mended yet.
const FILES: [&str; 0] = [];

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
    let mut circles: BTreeMap<String, BTreeSet<Circle>> = BTreeMap::new();
    let read = |path: &Path| std::fs::read_to_string(root().join(path)).ok();
    for package in packages() {
        for target in &package.targets {
            for circle in rust::uses(target, &read).circles() {
                circles.entry(package.folder.display().to_string()).or_default().insert(circle);
            }
        }
    }
    let scripts: Vec<PathBuf> =
        all().into_iter().filter(|f| ["ts", "mjs", "js", "py"].contains(&files::kind(f))).collect();
    for circle in scripts::imports(&scripts, &files::read).circles() {
        let folder = circle.nodes.first().map(|node| Path::new(node).parent().unwrap_or(Path::new("")));
        circles.entry(folder.unwrap_or(Path::new("")).display().to_string()).or_default().insert(circle);
    }
    for (place, circles) in &circles {
        circles.iter().for_each(|circle| print!("{place}: {circle}"));
    }
    compare("circles between files", &circles.into_keys().collect(), &FILES);
}
