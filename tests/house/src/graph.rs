//! A directed graph of named nodes, and its circles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which node uses which, with one example of the use for each edge.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    edges: BTreeMap<String, BTreeMap<String, String>>,
}

/// Nodes that all reach each other, and the edges between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Circle {
    /// The nodes, sorted by name.
    pub nodes: BTreeSet<String>,
    /// `(user, used, example of the use)`.
    pub edges: Vec<(String, String, String)>,
}

impl Graph {
    /// Records that `user` uses `used`. A node's use of itself is ignored; the first example is
    /// kept.
    pub fn add(&mut self, user: &str, used: &str, example: &str) {
        self.edges.entry(used.to_owned()).or_default();
        let uses = self.edges.entry(user.to_owned()).or_default();
        if user != used {
            uses.entry(used.to_owned()).or_insert_with(|| example.to_owned());
        }
    }

    /// All circles. Each node is in at most one of them.
    #[must_use]
    pub fn circles(&self) -> Vec<Circle> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.edges.keys().map(|node| (node.as_str(), self.reached(node))).collect();
        let mut circles = BTreeSet::new();
        for (node, others) in &reached {
            let mutual = others.iter().filter(|other| reached[*other].contains(node));
            let nodes: BTreeSet<String> = mutual.map(|other| (*other).to_owned()).collect();
            if !nodes.is_empty() {
                circles.insert(nodes);
            }
        }
        circles.into_iter().map(|nodes| Circle { edges: self.between(&nodes), nodes }).collect()
    }

    /// All nodes that a path from `start` ends at.
    fn reached(&self, start: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![start];
        while let Some(node) = waiting.pop() {
            for used in self.edges[node].keys() {
                if found.insert(used.as_str()) {
                    waiting.push(used);
                }
            }
        }
        found
    }

    fn between(&self, nodes: &BTreeSet<String>) -> Vec<(String, String, String)> {
        let inside = self.edges.iter().filter(|(user, _)| nodes.contains(*user));
        inside
            .flat_map(|(user, uses)| uses.iter().map(move |(used, example)| (user, used, example)))
            .filter(|(_, used, _)| nodes.contains(*used))
            .map(|(user, used, example)| (user.clone(), used.clone(), example.clone()))
            .collect()
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a circle of {}:", self.nodes.len())?;
        for (user, used, example) in &self.edges {
            writeln!(f, "  {user} uses {used}: {example}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    fn circles(edges: &[(&str, &str)]) -> Vec<String> {
        let mut graph = Graph::default();
        edges.iter().for_each(|(user, used)| graph.add(user, used, "an example"));
        graph.circles().iter().map(|c| c.nodes.iter().cloned().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn circles_of_two_and_three_are_found() {
        assert_eq!(circles(&[("a", "b"), ("b", "a")]), ["a b"]);
        assert_eq!(circles(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]), ["a b c"]);
        assert_eq!(circles(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("a", "c")]), ["a b", "c d"]);
    }

    #[test]
    fn a_graph_in_levels_has_no_circle() {
        assert!(circles(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "a")]).is_empty());
    }
}
