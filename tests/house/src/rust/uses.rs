//! The graph of a crate's files.

use super::resolve::Named;
use super::tree::{Id, Module, Tree};
use crate::graph::Graph;

/// Which file uses which.
pub(super) fn graph(tree: &Tree) -> Graph {
    let mut graph = Graph::default();
    for (id, module) in tree.modules.iter().enumerate() {
        for import in &module.imports {
            for definer in definers(tree, id, &import.path) {
                // `pub use child::X` places the child in its parent.
                if import.name.is_some() && !(import.public && tree.is_within(definer, id)) {
                    add(&mut graph, tree, module, definer, &import.path);
                }
            }
        }
        for path in &module.mentioned {
            for definer in definers(tree, id, path) {
                add(&mut graph, tree, module, definer, path);
            }
        }
        for name in &module.macros {
            let imported = !tree.resolve(id, std::slice::from_ref(name)).is_empty();
            if !imported && let Some(definer) = tree.macro_above(id, name) {
                add(&mut graph, tree, module, definer, std::slice::from_ref(name));
            }
        }
    }
    graph
}

/// The modules that define the item of a path; a module itself is no item.
fn definers(tree: &Tree, from: Id, path: &[String]) -> Vec<Id> {
    let named = tree.resolve(from, path).into_iter();
    named.filter_map(|one| if let Named::ItemOf(id) = one { Some(id) } else { None }).collect()
}

fn add(graph: &mut Graph, tree: &Tree, user: &Module, definer: Id, path: &[String]) {
    let (user, used) = (user.file.display().to_string(), tree.modules[definer].file.display().to_string());
    graph.add(&user, &used, &path.join("::"));
}
