//! A request that is read and validated, and for which nothing has been run yet.

use crate::{
    reply::Reply,
    request::{EmbedRequest, EmbeddingsRequest, EncodeRequest, Person, RankRequest, RerankRequest},
    users::Event,
};

/// A valid request. Between [`Service::read`](crate::Service::read) and [`Service::run`](crate::Service::run) a place may look at what it
/// will cost, send it elsewhere, or fill in what it keeps of a user.
pub struct Job {
    /// The clock when it was read.
    pub(crate) started: f64,
    pub(crate) task: Task,
}

/// What is asked for.
pub(crate) enum Task {
    Rank(RankRequest),
    Embed(EmbedRequest),
    Embeddings(EmbeddingsRequest),
    Rerank(RerankRequest),
    Encode(EncodeRequest),
    Info,
    Health,
}

impl Job {
    /// The texts of the request, in no promised order. A history that is kept elsewhere is not among them before
    /// [`Self::set_history`]; the halves of a pair are one after the other.
    pub fn texts(&self) -> Vec<&str> {
        fn all(texts: &[String]) -> Vec<&str> {
            texts.iter().map(String::as_str).collect()
        }
        match &self.task {
            Task::Rank(request) => {
                let history = match &request.person {
                    Person::Given(history) => history.as_slice(),
                    Person::Stored(_) => &[],
                };
                let history = history.iter().map(|entry| entry.text.as_str());
                history.chain(self.items()).collect()
            }
            Task::Embed(request) => all(&request.inputs),
            Task::Embeddings(request) => all(&request.inputs),
            Task::Rerank(request) => std::iter::once(request.query.as_str()).chain(self.items()).collect(),
            Task::Encode(request) => {
                let inputs = request.inputs.iter();
                inputs.flat_map(|(text, pair)| [Some(text.as_str()), pair.as_deref()]).flatten().collect()
            }
            Task::Info | Task::Health => Vec::new(),
        }
    }

    /// The texts that are offered, not those of the person who asks: what many requests have in common.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        let (candidates, texts) = match &self.task {
            Task::Rank(request) => (request.candidates.as_slice(), &[][..]),
            Task::Rerank(request) => (&[][..], request.texts.as_slice()),
            _ => (&[][..], &[][..]),
        };
        candidates.iter().map(|candidate| candidate.text.as_str()).chain(texts.iter().map(String::as_str))
    }

    /// The id of the user whose history is still to be filled in.
    pub fn user(&self) -> Option<&str> {
        match &self.task {
            Task::Rank(RankRequest { person: Person::Stored(id), .. }) => Some(id),
            _ => None,
        }
    }

    /// Fills in the history of [`Self::user`].
    ///
    /// # Errors
    ///
    /// The refusal of a history of nothing.
    pub fn set_history(&mut self, events: Vec<Event>) -> Result<(), Reply> {
        if let Task::Rank(RankRequest { person, .. }) = &mut self.task
            && let Person::Stored(id) = person
        {
            *person = crate::users::person(id, events).map_err(|problem| Reply::refusal(&problem))?;
        }
        Ok(())
    }
}
