//! Items in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use lockstep_arith::item::dot;
use lockstep_rank::{Best, Choice, Item, ItemStore, Liked, Problem, Space, cosine, rank::score};
use serde_json::Value;

#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    items: BTreeMap<String, Item>,
    /// Ids, the oldest first.
    ids: Vec<String>,
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
        for item in &items {
            if !kept.items.contains_key(&item.id) {
                kept.ids.push(item.id.clone());
            }
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

    fn missing(&self, space: &Space, after: i64, most: usize) -> Result<Vec<(i64, String)>, Problem> {
        let kept = self.kept();
        let numbered = (1..).zip(&kept.ids).map(|(number, id)| (number, kept.items[id].text.clone()));
        let lacks = |(number, text): &(i64, String)| {
            *number > after && !kept.vectors.contains_key(&(space.name.clone(), text.clone()))
        };
        Ok(numbered.filter(lacks).take(most).collect())
    }

    fn get(&self, id: &str) -> Result<Option<Item>, Problem> {
        Ok(self.kept().items.get(id).cloned())
    }

    fn best(&self, space: &Space, liked: Liked, choice: &Choice) -> Result<Vec<Best>, Problem> {
        let kept = self.kept();
        let best = kept.items.values().filter(|item| passes(item, choice)).filter_map(|item| {
            let vector = kept.vectors.get(&(space.name.clone(), item.text.clone()))?.clone();
            let cosines: Vec<f64> = liked
                .vectors
                .chunks(space.width)
                .map(|liked| cosine(dot(liked, &vector), dot(liked, liked), dot(&vector, &vector)))
                .collect();
            let scored = score(&cosines, &liked.weights);
            Some(Best { item: item.clone(), vector, scored })
        });
        let mut best: Vec<Best> = best.collect();
        best.sort_by(|a, b| b.scored.score.total_cmp(&a.scored.score));
        best.truncate(choice.top_n);
        Ok(best)
    }

    fn newest(&self, choice: &Choice) -> Result<Vec<Item>, Problem> {
        let kept = self.kept();
        let newest = kept.ids.iter().rev().map(|id| &kept.items[id]);
        Ok(newest.filter(|item| passes(item, choice)).take(choice.top_n).cloned().collect())
    }

    fn delete(&self, id: &str) -> Result<bool, Problem> {
        let mut kept = self.kept();
        kept.ids.retain(|other| other != id);
        Ok(kept.items.remove(id).is_some())
    }
}

fn passes(item: &Item, choice: &Choice) -> bool {
    let attributes: Value = serde_json::from_str(&item.attributes).unwrap();
    let has = |(name, values): &(String, Vec<String>)| match &attributes[name] {
        Value::Array(own) => own.iter().any(|own| values.contains(&own.to_string())),
        own => values.contains(&own.to_string()),
    };
    choice.filter.iter().all(has)
        && !choice.without.contains(&item.id)
        && choice.only.as_ref().is_none_or(|only| only.contains(&item.id))
}
