//! The description of the service, in OpenAPI 3.1.
//!
//! A request is read by hand from a JSON tree (`fields.rs`), so that every refusal names the field
//! and the way out; there is no type from which a macro such as utoipa's or schemars' could derive
//! the request's schema. So each endpoint states its schema beside itself, in `api/described/`,
//! with the limits and the model in force; [`operation::Described`] is a supertrait of `Endpoint`,
//! so that no route compiles without it. Tests send every example, send a wrong value in each
//! described field, and compare each answer with its schema. Refusals are those that the code
//! writes: their examples are values of `Problem`.

mod document;
pub(crate) mod operation;
mod refusals;

pub use document::openapi;
