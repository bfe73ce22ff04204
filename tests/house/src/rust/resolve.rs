//! From a path to the modules that define what it names.

use std::collections::BTreeSet;

use super::tree::{Id, Tree};

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// A module.
    Module(Id),
    /// An item that this module defines.
    ItemOf(Id),
}

/// Names that are being looked up, so that imports of each other end.
type Busy = BTreeSet<(Id, String)>;

impl Tree {
    /// What a path in module `from` names; nothing for another crate's path.
    pub(super) fn resolve(&self, from: Id, path: &[String]) -> BTreeSet<Named> {
        self.follow(from, path, &mut Busy::new())
    }

    fn follow(&self, from: Id, path: &[String], busy: &mut Busy) -> BTreeSet<Named> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        let start = match first.as_str() {
            "crate" => [Named::Module(0)].into(),
            "self" => [Named::Module(from)].into(),
            "super" => self.modules[from].parent.map(Named::Module).into_iter().collect(),
            name => self.look_up(from, name, busy),
        };
        rest.iter().fold(start, |named, segment| {
            named.into_iter().flat_map(|one| self.step(one, segment, busy)).collect()
        })
    }

    /// From what a path named so far, by one segment more. Below an item there is only the item.
    fn step(&self, named: Named, segment: &str, busy: &mut Busy) -> BTreeSet<Named> {
        match (named, segment) {
            (Named::ItemOf(_), _) | (_, "self") => [named].into(),
            (Named::Module(id), "super") => self.modules[id].parent.map(Named::Module).into_iter().collect(),
            (Named::Module(id), name) => {
                let found = self.look_up(id, name, busy);
                let generated = found.is_empty() && self.modules[id].generates;
                if generated { [Named::ItemOf(id)].into() } else { found }
            }
        }
    }

    /// What a name means inside a module.
    fn look_up(&self, id: Id, name: &str, busy: &mut Busy) -> BTreeSet<Named> {
        if !busy.insert((id, name.to_owned())) {
            return BTreeSet::new();
        }
        let module = &self.modules[id];
        let mut found = BTreeSet::new();
        if module.items.contains(name) {
            found.insert(Named::ItemOf(id));
        }
        found.extend(module.children.get(name).into_iter().flatten().map(|child| Named::Module(*child)));
        let named = module.imports.iter().filter(|import| import.name.as_deref() == Some(name));
        for import in named {
            found.extend(self.follow(id, &import.path, busy));
        }
        if found.is_empty() {
            for import in module.imports.iter().filter(|import| import.name.is_none()) {
                for one in self.follow(id, &import.path, busy) {
                    if let Named::Module(other) = one {
                        found.extend(self.look_up(other, name, busy));
                    }
                }
            }
        }
        busy.remove(&(id, name.to_owned()));
        found
    }

    /// The module that defines a macro by `macro_rules!` above module `from`: its name needs no
    /// path.
    pub(super) fn macro_above(&self, from: Id, name: &str) -> Option<Id> {
        let parent = self.modules[from].parent?;
        if self.modules[parent].items.contains(name) {
            return Some(parent);
        }
        self.macro_above(parent, name)
    }

    /// Whether module `id` is `ancestor` or below it.
    pub(super) fn is_within(&self, id: Id, ancestor: Id) -> bool {
        id == ancestor || self.modules[id].parent.is_some_and(|parent| self.is_within(parent, ancestor))
    }
}
