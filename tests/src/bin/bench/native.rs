//! Engines that run in this process.

use std::{collections::HashMap, path::Path, time::Duration};

use lockstep_module::TextModel;
use lockstep_peer_tract::Plan;
use lockstep_rank::{Text, TextEncoder};

use crate::{
    cases::Case,
    contestant::{Contestant, Turn, Vectors, timed},
    error::Fallible,
};

/// Lockstep, from text to integers.
pub(crate) struct Ours(TextModel);

impl Ours {
    pub(crate) fn open(folder: &Path) -> Self {
        Self(lockstep_tests::folder::open(folder))
    }
}

impl Contestant for Ours {
    fn turn(&mut self, _: usize, case: &Case, slice: Duration) -> Fallible<Turn> {
        let texts: Vec<Text<'_>> = case.texts.iter().map(|text| Text::single(text)).collect();
        timed(slice, || {
            let encoded = self.0.encode(&texts)?;
            Ok(Vectors::Integers(encoded.into_iter().map(|one| one.vector).collect()))
        })
    }
}

/// Stock tract, with one plan for each case.
pub(crate) struct Tract {
    onnx: Vec<u8>,
    plans: HashMap<usize, Plan>,
}

impl Tract {
    pub(crate) fn new(onnx: Vec<u8>) -> Self {
        Self { onnx, plans: HashMap::new() }
    }
}

impl Contestant for Tract {
    fn turn(&mut self, index: usize, case: &Case, slice: Duration) -> Fallible<Turn> {
        if !self.plans.contains_key(&index) {
            self.plans.insert(index, Plan::open(&self.onnx, case.batch, case.n)?);
        }
        let plan = &self.plans[&index];
        let ids = case.ids.concat();
        timed(slice, || Ok(Vectors::Floats(plan.run(&ids)?)))
    }
}
