//! The Spin component: the same requests and answers as the daemon's, at the edge.
//!
//! | request | answer |
//! |---|---|
//! | those of `lockstep-rank` | from the same code, so with the same bits |
//! | `/v1/users/{id}…` | `lockstep_rank::UserRequest`: a history by user id, which `"user": {"id"}` in `/v1/rank` refers to |
//!
//! Histories and the vectors of items (candidates of `/v1/rank`, texts of `/rerank`) are kept in the key-value store
//! `default`. A store that does not answer costs time, never an answer, except where a history is asked for.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `offload_min_tokens` | requests with this many tokens to run go to the daemon; 0: none | 0 |
//! | `offload_url` | where the daemon is | |
//! | `offload_timeout_ms` | how long the daemon may take, from 1 to 600,000 | 2000 |
//!
//! The component is built without a model; `edge-host open` writes one with a model open in it, so that an instance
//! parses and copies nothing before its first request.
//!
//! Where the daemon is away, late, of another model or out of order, the component scores. Headers tell:
//! `x-lockstep-backend` names what scored, `x-lockstep-offload` is `daemon`, or `failed: ` and the reason.
#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod deadline;
mod histories;
mod items;
mod keyvalue;
mod model;
mod offload;
mod opening;
mod serve;
