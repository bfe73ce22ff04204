//! The trait of an endpoint, and the entry that puts an endpoint into the list.

#[cfg(not(feature = "openapi"))]
use super::undescribed::Described;
#[cfg(feature = "openapi")]
use crate::openapi::operation::{Described, Operation, Surroundings};
use crate::{
    api::call::Call,
    encoder::{ModelInfo, ModelKind, Text},
    fields::{At, Fields},
    json::parse,
    limits::Limits,
    packs::Loaded,
    percent::decode,
    person::Event,
    problem::Problem,
    reply::Reply,
};

/// A method and a path. Several endpoints may share a path, each with another method. A part `{}`
/// of the path stands for any one part, such as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
}

impl Route {
    pub(crate) const fn get(path: &'static str) -> Self {
        Self { method: "GET", path }
    }

    pub(crate) const fn post(path: &'static str) -> Self {
        Self { method: "POST", path }
    }

    pub(crate) const fn put(path: &'static str) -> Self {
        Self { method: "PUT", path }
    }

    pub(crate) const fn delete(path: &'static str) -> Self {
        Self { method: "DELETE", path }
    }

    /// The parts of a path, percent-decoded, for which `{}` stands in this one; `None` if the paths
    /// differ.
    pub(crate) fn parts(&self, path: &str) -> Option<Vec<String>> {
        let (mut own, mut asked) = (self.path.split('/'), path.split('/'));
        let mut parts = Vec::new();
        loop {
            match (own.next(), asked.next()) {
                (None, None) => return Some(parts),
                (Some("{}"), Some(part)) if !part.is_empty() => parts.push(decode(part).ok()?),
                (Some(own), Some(part)) if own == part => {}
                _ => return None,
            }
        }
    }

    /// Whether the route answers a method. A `GET` route also answers `HEAD`.
    pub(crate) fn takes(&self, method: &str) -> bool {
        method == self.method || (method == "HEAD" && self.method == "GET")
    }
}

/// One endpoint. A value of the type is one valid request to that endpoint.
pub(crate) trait Endpoint: Described + Send {
    /// The method and the path that the endpoint answers.
    fn route() -> Route
    where
        Self: Sized;

    /// Reads and validates a request. The model does not run here, so a refusal costs nothing.
    fn read(request: &Request<'_>) -> Result<Self, Problem>
    where
        Self: Sized;

    /// All inputs that the model may have to run; none for a request about the service. Hosts count
    /// their tokens to decide where the request runs.
    fn inputs(&self) -> Vec<Text<'_>> {
        Vec::new()
    }

    /// The texts among [`Self::inputs`] whose vectors are worth storing, because many users send
    /// these texts: candidates, not histories or queries. The endpoint must only compare them: a
    /// stored vector is the compact one.
    fn items(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The id of the user whose stored history the request still needs. An endpoint with such an
    /// id reads it, by `Person::read`, from the field `user`: `{"id": "…"}` or `{"history": […]}`.
    fn user(&self) -> Option<&str> {
        None
    }

    /// Fills in the history of [`Self::user`].
    fn set_history(&mut self, _events: Vec<Event>) -> Result<(), Problem> {
        Ok(())
    }

    /// Answers the request.
    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem>;
}

/// The parts of a request that an endpoint reads.
pub(crate) struct Request<'a> {
    /// The path of the endpoint's route.
    pub(crate) path: &'static str,
    /// What the request has in the place of each `{}` of the path.
    pub(crate) parts: &'a [String],
    pub(crate) body: &'a [u8],
    pub(crate) limits: &'a Limits,
    pub(crate) model: &'a ModelInfo,
    /// Whether the host keeps items.
    pub(crate) keeps_items: bool,
    /// The vector packs that the host has loaded.
    pub(crate) packs: &'a Loaded,
}

impl Request<'_> {
    /// Reads the body, a JSON object that has no fields but the `known` ones.
    pub(crate) fn fields(&self, known: &[&str]) -> Result<Fields, Problem> {
        At::body(parse(self.body, self.limits)?, known)
    }

    /// Reads the body, a JSON object. Fields that the endpoint does not read are ignored, as the
    /// service does from which the endpoint comes.
    pub(crate) fn open_fields(&self) -> Result<Fields, Problem> {
        At::open_body(parse(self.body, self.limits)?)
    }

    /// Refuses the request of a host that keeps no items.
    pub(crate) fn need_items(&self) -> Result<(), Problem> {
        if self.keeps_items { Ok(()) } else { Err(Problem::no_items()) }
    }

    /// The length of the model's vectors. A classifier has no vectors and is refused.
    pub(crate) fn dimensions(&self) -> Result<usize, Problem> {
        match self.model.kind {
            ModelKind::Embedding { dimensions } => Ok(dimensions),
            ModelKind::Classifier { .. } => Err(self.wrong_model("an embedding model")),
        }
    }

    /// The refusal of a model that this endpoint cannot use; `needed` names a kind that it can.
    pub(crate) fn wrong_model(&self, needed: &'static str) -> Problem {
        Problem::WrongModel {
            path: self.path,
            needed,
            model: self.model.model_id.clone(),
            is: match &self.model.kind {
                ModelKind::Embedding { .. } => "an embedding model".to_owned(),
                ModelKind::Classifier { labels, .. } => {
                    format!("a classifier with {} labels", labels.len())
                }
            },
        }
    }
}

/// An endpoint in the list: its route, and the function that reads its requests.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) route: fn() -> Route,
    pub(crate) read: fn(&Request<'_>) -> Result<Box<dyn Endpoint>, Problem>,
    #[cfg(feature = "openapi")]
    pub(crate) describe: fn(&Surroundings<'_>) -> Operation,
}

impl Entry {
    /// The entry of an endpoint.
    pub(crate) const fn of<E: Endpoint + 'static>() -> Self {
        Self {
            route: E::route,
            read: |request| Ok(Box::new(E::read(request)?)),
            #[cfg(feature = "openapi")]
            describe: E::describe,
        }
    }

    /// The entry of an endpoint at another route too.
    pub(crate) const fn at<E: Endpoint + 'static>(route: fn() -> Route) -> Self {
        Self { route, ..Self::of::<E>() }
    }
}
