//! From a method, a path and a body to a status and a body.

use std::{collections::BTreeSet, sync::Arc};

use lockstep_pack::{Head, PackError};

use crate::{
    api::{Call, ENDPOINTS, Entry, Request},
    clock::Clock,
    encoder::TextEncoder,
    items::ItemStore,
    job::Job,
    limits::Limits,
    packs::{Loaded, load},
    problem::{Problem, quote},
    reply::Reply,
};

/// Answers requests with one model.
#[derive(Debug)]
pub struct Service<E> {
    encoder: E,
    limits: Limits,
    clock: Clock,
    endpoints: &'static [Entry],
    items: Option<Arc<dyn ItemStore>>,
    packs: Loaded,
}

impl<E: TextEncoder> Service<E> {
    /// A service around a model that is ready to run.
    pub fn new(encoder: E, limits: Limits, clock: Clock) -> Self {
        Self::with_endpoints(encoder, limits, clock, ENDPOINTS)
    }

    /// The same with another list of endpoints.
    pub(crate) fn with_endpoints(
        encoder: E,
        limits: Limits,
        clock: Clock,
        endpoints: &'static [Entry],
    ) -> Self {
        Self { encoder, limits, clock, endpoints, items: None, packs: Loaded::default() }
    }

    /// The same service with the items that its host keeps, if it keeps some.
    #[must_use]
    pub fn with_items(self, items: Option<Arc<dyn ItemStore>>) -> Self {
        Self { items, ..self }
    }

    /// Loads a vector pack. A candidate of `/v1/rank` whose id or text it has costs no token, and
    /// needs no text. A full pack takes the place of all others; a delta goes on from the last one.
    ///
    /// # Errors
    /// A file that is damaged, of another model, or a delta of another base. The packs are then as
    /// before.
    pub fn load_pack(&mut self, file: Vec<u8>) -> Result<Head, PackError> {
        load(&mut self.packs, self.encoder.info(), file)
    }

    /// The model.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// The model.
    pub fn encoder_mut(&mut self) -> &mut E {
        &mut self.encoder
    }

    /// How much one request may ask for.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How much one request may ask for. A change counts for the next request.
    pub fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// Answers one request. The service ignores a query in `path`. It answers `HEAD` as `GET`; the
    /// host then leaves out the body.
    pub fn handle(&mut self, method: &str, path: &str, body: &[u8]) -> Reply {
        match self.read(method, path, body) {
            Ok(job) => self.run(&job),
            Err(reply) => reply,
        }
    }

    /// Reads and validates a request, without running the model.
    ///
    /// # Errors
    ///
    /// The refusal of an unknown path, of a wrong method, or of a body that is not valid.
    pub fn read(&self, method: &str, path: &str, body: &[u8]) -> Result<Job, Reply> {
        let started = (self.clock)();
        let read = || {
            let (endpoint, parts) = self.find(method, path)?;
            let path = (endpoint.route)().path;
            let request = Request {
                path,
                parts: &parts,
                body,
                limits: &self.limits,
                model: self.encoder.info(),
                keeps_items: self.items.is_some(),
                packs: &self.packs,
            };
            Ok(Job { started, path, request: (endpoint.read)(&request)? })
        };
        read().map_err(|problem: Problem| Reply::refusal(&problem).shaped_for(path))
    }

    /// Answers a request that [`Self::read`] gave.
    pub fn run(&mut self, job: &Job) -> Reply {
        let Self { encoder, limits, clock, items, .. } = self;
        let (clock, items) = (*clock, items.as_deref());
        let mut call = Call { encoder, limits, clock, items, started: job.started };
        job.request.run(&mut call).unwrap_or_else(|problem| Reply::from(problem).shaped_for(job.path))
    }

    /// The endpoint of a method and a path, and the parts of the path that its route leaves open.
    fn find(&self, method: &str, path: &str) -> Result<(&'static Entry, Vec<String>), Problem> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let found = |endpoint: &'static Entry| Some((endpoint, (endpoint.route)().parts(path)?));
        let here = || self.endpoints.iter().filter_map(found);
        if let Some(found) = here().find(|(endpoint, _)| (endpoint.route)().takes(method)) {
            return Ok(found);
        }
        let allowed: Vec<&str> = here().map(|(endpoint, _)| (endpoint.route)().method).collect();
        if !allowed.is_empty() {
            let (method, allowed) = (quote(method), allowed.join(" or "));
            return Err(Problem::Method { path: path.to_owned(), method, allowed });
        }
        let mut known: Vec<&str> = self.endpoints.iter().map(|endpoint| (endpoint.route)().path).collect();
        // Two entries may have one path, each with a method of its own.
        let mut seen = BTreeSet::new();
        known.retain(|path| seen.insert(*path));
        Err(Problem::NotFound { path: quote(path), known: known.join(", ") })
    }
}
