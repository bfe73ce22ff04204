//! Items in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use lockstep_rank::{Item, ItemStore, Problem, Space};

#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    items: BTreeMap<String, Item>,
    /// In the order in which they came.
    spaces: Vec<Space>,
    /// By the space and the text.
    vectors: BTreeMap<(String, String), Vec<i16>>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    pub fn spaces(&self) -> Vec<Space> {
        self.kept().spaces.clone()
    }

    pub fn vector(&self, space: &Space, text: &str) -> Option<Vec<i16>> {
        self.kept().vectors.get(&(space.name.clone(), text.to_owned())).cloned()
    }
}

impl ItemStore for Memory {
    fn put(&self, space: &Space, items: Vec<Item>, vectors: Vec<(String, Vec<i16>)>) -> Result<(), Problem> {
        let mut kept = self.kept();
        if !kept.spaces.contains(space) {
            kept.spaces.push(space.clone());
        }
        kept.items.extend(items.into_iter().map(|item| (item.id.clone(), item)));
        for (text, vector) in vectors {
            assert_eq!(vector.len(), space.width);
            kept.vectors.insert((space.name.clone(), text), vector);
        }
        Ok(())
    }

    fn knows(&self, space: &Space, text: &str) -> Result<bool, Problem> {
        Ok(self.vector(space, text).is_some())
    }

    fn get(&self, id: &str) -> Result<Option<Item>, Problem> {
        Ok(self.kept().items.get(id).cloned())
    }

    fn delete(&self, id: &str) -> Result<bool, Problem> {
        Ok(self.kept().items.remove(id).is_some())
    }
}
