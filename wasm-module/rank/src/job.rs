//! A request that was read and validated, before the model runs.

use crate::{api::Endpoint, encoder::Text, person::Event, reply::Reply};

/// A valid request. [`Service::read`](crate::Service::read) makes it,
/// [`Service::run`](crate::Service::run) answers it. In between, a host may count the request's
/// tokens, send the request to another host, or fill in a stored history.
pub struct Job {
    /// The service's clock when the request was read.
    pub(crate) started: f64,
    /// The path of the endpoint.
    pub(crate) path: &'static str,
    pub(crate) request: Box<dyn Endpoint>,
}

impl Job {
    /// All inputs that the model may have to run, in no promised order. A stored history is missing
    /// until [`Self::set_history`] adds it.
    pub fn inputs(&self) -> Vec<Text<'_>> {
        self.request.inputs()
    }

    /// The texts that many users' requests have in common, such as the candidates of `/v1/rank`.
    /// A host may store the vectors of these texts.
    pub fn items(&self) -> Vec<&str> {
        self.request.items()
    }

    /// The id of the user whose stored history the request still needs.
    pub fn user(&self) -> Option<&str> {
        self.request.user()
    }

    /// Fills in the history of [`Self::user`].
    ///
    /// # Errors
    ///
    /// The refusal of an empty history, or of one whose weights are all 0.
    pub fn set_history(&mut self, events: Vec<Event>) -> Result<(), Reply> {
        Ok(self.request.set_history(events)?)
    }
}
