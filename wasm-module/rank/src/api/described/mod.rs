//! The descriptions of the endpoints, for the OpenAPI document: one file for each family.

mod cohere;
mod encoding;
mod fields;
mod inference;
mod items;
mod openai;
mod personal;
mod scores;
mod service;
mod tokens;
