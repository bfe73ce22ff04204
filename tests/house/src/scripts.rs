//! Which TypeScript, JavaScript and Python file imports which.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::files::normal;
use crate::graph::Graph;

/// The imports between these files; the graph's nodes are their paths.
///
/// `read` gives a file's text. Python imports are found by the name of a file in the same folder.
#[must_use]
pub fn imports(files: &[PathBuf], read: &dyn Fn(&Path) -> String) -> Graph {
    let known: BTreeSet<&Path> = files.iter().map(PathBuf::as_path).collect();
    let mut graph = Graph::default();
    for file in files {
        for line in read(file).lines() {
            let names = match file.extension().and_then(|e| e.to_str()) {
                Some("ts" | "mjs" | "js") => javascript(line),
                Some("py") => python(line),
                _ => Vec::new(),
            };
            let folder = file.parent().unwrap_or(Path::new(""));
            for name in names {
                // TypeScript names the JavaScript file that its compiler will write.
                let written = normal(&folder.join(name));
                let sources = [written.clone(), written.with_extension("ts")];
                if let Some(used) = sources.iter().find(|path| known.contains(path.as_path())) {
                    graph.add(&show(file), &show(used), line.trim());
                }
            }
        }
    }
    graph
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// Relative paths in quotes, on a line that imports or that makes a URL.
fn javascript(line: &str) -> Vec<String> {
    let line = line.trim();
    let imports = ["import", "export", "} from ", "new URL(", "importScripts("];
    if line.starts_with("//") || !imports.iter().any(|word| line.contains(word)) {
        return Vec::new();
    }
    let parts = line.split(['"', '\'', '`']).skip(1).step_by(2);
    parts.filter(|part| part.starts_with("./") || part.starts_with("../")).map(str::to_owned).collect()
}

/// `import a, b` and `from a import b`.
fn python(line: &str) -> Vec<String> {
    let line = line.trim();
    let modules = match (line.strip_prefix("import "), line.strip_prefix("from ")) {
        (Some(modules), _) => modules,
        (_, Some(rest)) => rest.split(" import").next().unwrap_or_default(),
        _ => return Vec::new(),
    };
    modules
        .split(',')
        .filter_map(|module| module.split_whitespace().next())
        .map(|module| format!("{}.py", module.trim_start_matches('.')))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::imports;

    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let names: Vec<PathBuf> = files.iter().map(|(name, _)| PathBuf::from(name)).collect();
        let read = |path: &Path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            file.map(|(_, text)| (*text).to_owned()).unwrap_or_default()
        };
        imports(&names, &read).circles().into_iter().map(|c| c.nodes.into_iter().collect()).collect()
    }

    #[test]
    fn circles_of_modules_are_found() {
        let ring = [
            ("web/app.ts", "import { show } from \"./view.js\";"),
            ("web/view.ts", "import {\n  type Item,\n} from './deep/item.js';"),
            ("web/deep/item.ts", "const w = new Worker(new URL(\"../app.js\", import.meta.url));"),
        ];
        assert_eq!(circles(&ring), [["web/app.ts", "web/deep/item.ts", "web/view.ts"]]);
        assert!(circles(&ring[..2]).is_empty());
        assert_eq!(circles(&[("t/a.py", "import b, os"), ("t/b.py", "from a import x")]).len(), 1);
    }
}
