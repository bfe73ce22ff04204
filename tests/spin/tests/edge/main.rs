//! The built component in a real host, as a client at the edge sees it.
#![allow(clippy::unwrap_used)]

mod component;
mod fixture;
mod histories;
mod items;
mod kept;
mod offload;
mod packs;
mod pages;
mod policy;
