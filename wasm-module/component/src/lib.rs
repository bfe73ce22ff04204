//! The Spin component: answers the daemon's requests at the edge, in the same way.
//!
//! The requests of `lockstep-rank` are answered by the same code as in the daemon, so with the same
//! bits. The component also answers `/v1/users/{id}…` (`lockstep_rank::UserRequest`): it stores a
//! history under a user's id, and a request to `/v1/rank` may then send `"user": {"id"}`.
//!
//! The key-value store `default` holds the histories, and the vectors of items: the candidates of
//! `/v1/rank` and the texts of `/rerank`. If the store fails, the component computes the vectors
//! itself; only a request that needs a stored history is refused.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `allow_origins` | origins whose pages may read the answers, `*` for all | |
//! | `history_keys` | keys for requests about users, spaces between them; none: all may ask | |
//! | `item_slots` | the vectors of items that the store holds at most; 0: none | 65536 |
//! | `item_hours` | after how many hours a stored vector is deleted, from 1 to 1,000,000 | 720 |
//! | `pack` | a vector pack among the component's files, such as `/items.lockpack` | |
//! | `log` | which requests get a line on standard error: `none`, `failures`, `all` | failures |
//! | `offload_min_tokens` | from how many tokens on a request goes to the daemon; 0: never | 0 |
//! | `offload_url` | the daemon's address | |
//! | `offload_timeout_ms` | how long the daemon may take, from 1 to 600,000 | 2000 |
//! | `max_tokens` | tokens that the component runs for a request; beyond them it gets 413 | 32768 |
//! | `deadline_ms` | how long the component runs for a request, from 1 to 600,000 | 25000 |
//!
//! A pack has the vectors of a catalogue (`lockstep-pack`): a candidate whose id or text it has
//! costs nothing, not even a question to the store. An instance reads it before its first request.
//!
//! Only tokens whose vectors are not stored count. The component runs a request's texts in small
//! pieces, and answers its other requests between two pieces. If the daemon is away, is late,
//! fails, or has another model, the component scores. The header `x-lockstep-backend` names the
//! kernels that scored; `x-lockstep-offload` is `daemon`, or `failed: ` and the reason.
//!
//! The component is built without a model. `edge-host open` writes a component with the model open
//! in it, so an instance parses and copies nothing before its first request.
#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod access;
mod cors;
mod creation;
mod deadline;
mod histories;
mod items;
mod keys;
mod keyvalue;
mod log;
mod model;
mod offload;
mod opening;
mod packs;
mod serve;
mod settings;
mod slots;
mod turns;
