//! The items that the daemon keeps: `rank` reads the requests, `lockstep-store` has the disk.

use std::{cell::RefCell, collections::HashMap, fs::File, num::NonZeroUsize, path::Path, time::Duration};

use lockstep_pack::Origin;
use lockstep_rank::{Best, Choice, Item, ItemStore, Liked, Problem, Space};
use lockstep_search::{History, Wanted, best};
use lockstep_store::{ModelName, Moment, Packed, Settings, Store, StoreError, VectorOf, View, text_hash};

use crate::pack_file::PackFile;

/// How often a search is made again because items were deleted meanwhile.
const TRIES: usize = 4;
/// Numbers of items that are looked at together for the newest ones.
const TOGETHER: usize = 256;

/// The items of a folder.
#[derive(Debug)]
pub(crate) struct Items {
    store: Store,
    /// Threads that search.
    threads: NonZeroUsize,
}

/// The numbers of items that may be in an answer.
struct Allowed {
    /// Those that pass the filter and are among the ids asked for, in order; `None` if all do.
    of_filter: Option<Vec<i64>>,
    /// Those that are left out, in order.
    without: Vec<i64>,
}

impl Allowed {
    fn has(&self, number: i64) -> bool {
        let in_filter = |numbers: &Vec<i64>| numbers.binary_search(&number).is_ok();
        self.of_filter.as_ref().is_none_or(in_filter) && self.without.binary_search(&number).is_err()
    }
}

impl Items {
    /// Opens a folder, and makes it if there is none. A change that is not on the disk after
    /// `patience` is refused. `threads` threads search.
    ///
    /// # Errors
    /// A folder that another process uses, that the system refuses, or that is damaged.
    pub(crate) fn open(folder: &Path, patience: Duration, threads: NonZeroUsize) -> Result<Self, StoreError> {
        let settings = Settings { patience, ..Settings::default() };
        Ok(Self { store: Store::open(folder, settings)?, threads })
    }

    /// The current moment of the log of changes.
    pub(crate) fn moment(&self) -> Result<Moment, StoreError> {
        self.store.moment()
    }

    /// Writes the vectors of the items, or those that changed since, to a file; see
    /// [`Store::pack`].
    pub(crate) fn pack(
        &self,
        origin: &Origin,
        since: Option<u64>,
        file: &File,
    ) -> Result<Packed, StoreError> {
        self.store.pack(origin, since, PackFile(file)).map(|(packed, _)| packed)
    }

    fn allowed(&self, choice: &Choice) -> Result<Allowed, StoreError> {
        let mut of_filter = choice.only.as_deref().map(|ids| self.numbers(ids)).transpose()?;
        for (name, values) in &choice.filter {
            let mut numbers = self.store.labelled(name, values)?;
            if let Some(before) = of_filter {
                numbers.retain(|number| before.binary_search(number).is_ok());
            }
            of_filter = Some(numbers);
        }
        Ok(Allowed { of_filter, without: self.numbers(&choice.without)? })
    }

    /// The numbers of the items with these ids, in order.
    fn numbers(&self, ids: &[String]) -> Result<Vec<i64>, StoreError> {
        let mut numbers = Vec::new();
        for id in ids {
            numbers.extend(self.store.number(id)?);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The best items of a view. Those that were deleted since are missing.
    fn best_of(
        &self,
        view: &View,
        history: &History,
        allowed: &Allowed,
        top_n: usize,
    ) -> Result<Vec<Option<Best>>, StoreError> {
        let now = self.store.now();
        let may = |row: usize| view.slot(row).lives(now) && allowed.has(view.slot(row).item);
        let ids = RefCell::new(HashMap::new());
        let id = |row: usize| -> String {
            let read = || self.store.item(view.slot(row).item).ok().flatten().map(|item| item.id);
            // An item that is gone has no place; the search is then made again.
            ids.borrow_mut().entry(row).or_insert_with(|| read().unwrap_or_default()).clone()
        };
        let order = |a: usize, b: usize| id(a).cmp(&id(b)).then(a.cmp(&b));
        let wanted = Wanted { top_n, allowed: &may, order: &order, threads: self.threads };
        let found = best(view.catalogue(), history, &wanted);
        let of_row = |found: lockstep_search::Found| {
            let read = self.store.item(view.slot(found.row).item)?;
            Ok(read.map(|item| {
                let mut vector = vec![0; view.catalogue().width().unwrap_or(0)];
                view.catalogue().read(found.row, &mut vector);
                Best { item, vector, scored: found.scored }
            }))
        };
        found.into_iter().map(of_row).collect()
    }

    /// The numbers of the newest items below `before` that pass the filter.
    fn next_newest(&self, allowed: &Allowed, before: i64) -> Result<Vec<i64>, StoreError> {
        match &allowed.of_filter {
            None => self.store.newest(before, TOGETHER),
            Some(numbers) => {
                let older = &numbers[..numbers.partition_point(|&number| number < before)];
                Ok(older.iter().rev().take(TOGETHER).copied().collect())
            }
        }
    }
}

impl ItemStore for Items {
    fn put(&self, space: &Space, items: Vec<Item>, vectors: Vec<(String, Vec<i16>)>) -> Result<(), Problem> {
        let vectors = vectors.into_iter().map(|(text, compact)| VectorOf { text: text_hash(&text), compact });
        self.store.put(name(space), items, vectors.collect()).map(drop).map_err(refusal)
    }

    fn knows(&self, space: &Space, text: &str) -> Result<bool, Problem> {
        self.store.knows(&space.name, &text_hash(text)).map_err(refusal)
    }

    fn missing(&self, space: &Space, after: i64, most: usize) -> Result<Vec<(i64, String)>, Problem> {
        self.store.missing(&space.name, after, most).map_err(refusal)
    }

    fn get(&self, id: &str) -> Result<Option<Item>, Problem> {
        self.store.get(id).map_err(refusal)
    }

    fn best(&self, space: &Space, liked: Liked, choice: &Choice) -> Result<Vec<Best>, Problem> {
        let history = History::new(space.width, liked.vectors, liked.weights);
        let mut best = Vec::new();
        for _ in 0..TRIES {
            let view = self.store.view(&space.name);
            let allowed = self.allowed(choice).map_err(refusal)?;
            best = self.best_of(&view, &history, &allowed, choice.top_n).map_err(refusal)?;
            if best.iter().all(Option::is_some) {
                break;
            }
        }
        Ok(best.into_iter().flatten().collect())
    }

    fn newest(&self, choice: &Choice) -> Result<Vec<Item>, Problem> {
        let allowed = self.allowed(choice).map_err(refusal)?;
        let (mut newest, mut before) = (Vec::new(), i64::MAX);
        while newest.len() < choice.top_n {
            let numbers = self.next_newest(&allowed, before).map_err(refusal)?;
            let Some(&last) = numbers.last() else { break };
            before = last;
            for number in numbers.into_iter().filter(|&number| allowed.has(number)) {
                newest.extend(self.store.item(number).map_err(refusal)?);
            }
        }
        newest.truncate(choice.top_n);
        Ok(newest)
    }

    fn delete(&self, id: &str) -> Result<bool, Problem> {
        Ok(self.store.delete(vec![id.to_owned()]).map_err(refusal)? > 0)
    }
}

fn name(space: &Space) -> ModelName {
    ModelName { digest: space.name.clone(), width: space.width }
}

/// What a client gets for an error of the store.
pub(crate) fn refusal(error: StoreError) -> Problem {
    match error {
        StoreError::Since { .. } => Problem::Gone(error.to_string()),
        StoreError::Busy(_) => {
            Problem::Overloaded { detail: error.to_string(), retry_after: Duration::from_secs(1) }
        }
        StoreError::Closed => Problem::stopping(),
        error => Problem::Backend(format!("the items: {error}")),
    }
}
