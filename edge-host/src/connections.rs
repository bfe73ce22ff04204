//! The open connections of a listener, and which of them leaves when there are too many.
//!
//! A client that opens connections and says nothing must not keep others out. So the daemon takes
//! every connection. If that is one too many, it closes one that has no request under way: of the
//! network with the most connections, the one that has been still for the longest time, and at
//! least for [`GRACE`]. If all have requests, the new connection waits.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::sleep,
};

use crate::log;

/// Pause after a failed `accept`. It mostly fails because the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection may be still before it can be closed: the bytes of a client that has just
/// connected may be under way.
const GRACE: Duration = Duration::from_millis(100);

/// A listener with its open connections.
pub(crate) struct Door {
    listener: TcpListener,
    connections: Arc<Connections>,
    /// A connection that waits for room.
    waiting: Option<(TcpStream, IpAddr)>,
}

/// The open connections, at most `most`.
struct Connections {
    most: usize,
    begin: Instant,
    open: Mutex<HashMap<u64, Arc<State>>>,
    /// Told when a connection closes, or has no request under way any more.
    changed: Notify,
}

/// An open connection. Dropping it makes room for another one.
pub(crate) struct Connection {
    number: u64,
    connections: Arc<Connections>,
    state: Arc<State>,
}

/// What the choice between connections needs to know of one.
struct State {
    network: IpAddr,
    /// Milliseconds from the listener's begin to the last byte, in or out.
    moved: AtomicU64,
    /// Requests under way, and one more while bytes of an answer wait for the client.
    busy: AtomicUsize,
    /// Whether bytes of an answer wait.
    writes: AtomicBool,
    leaving: AtomicBool,
    leave: Notify,
}

/// One reason why a connection must not be closed; see [`Connection::busy`].
pub(crate) struct Busy<'c>(&'c Connection);

impl Door {
    /// A door for at most `most` connections at the same time.
    pub(crate) fn new(listener: TcpListener, most: NonZeroUsize) -> Self {
        let connections = Connections {
            most: most.get(),
            begin: Instant::now(),
            open: Mutex::default(),
            changed: Notify::new(),
        };
        Self { listener, connections: Arc::new(connections), waiting: None }
    }

    /// Accepts a connection, and waits until there is room for it. A future that is dropped loses
    /// no connection. The log tells of a connection that cannot be accepted.
    pub(crate) async fn next(&mut self) -> (TcpStream, Connection) {
        loop {
            if self.waiting.is_none() {
                match self.listener.accept().await {
                    Ok((stream, address)) => self.waiting = Some((stream, network(address.ip()))),
                    Err(error) => {
                        log::line(format_args!("cannot accept a connection: {error}"));
                        sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                }
            }
            self.connections.room().await;
            if let Some((stream, network)) = self.waiting.take() {
                return (stream, self.connections.add(network));
            }
        }
    }
}

/// The network of an address: of IPv6 the first 64 bits, which one client has for itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<State>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.begin.elapsed().as_millis() as u64
    }

    /// Waits until there is room for one more. Asks a connection to leave if there is none.
    async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            let anyone_idle = {
                let open = self.lock();
                if open.len() < self.most {
                    return;
                }
                // One that was asked before makes room at once, unless a request came in between.
                let makes_room =
                    |state: &Arc<State>| state.leaving.load(Ordering::Relaxed) && !state.is_busy();
                if !open.values().any(makes_room)
                    && let Some(state) = first_to_leave(open.values(), self.now())
                {
                    state.leaving.store(true, Ordering::Relaxed);
                    state.leave.notify_one();
                }
                open.values().any(|state| !state.is_busy())
            };
            tokio::select! {
                () = changed => {}
                () = sleep(GRACE), if anyone_idle => {}
            }
        }
    }

    fn add(self: &Arc<Self>, network: IpAddr) -> Connection {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(State {
            network,
            moved: AtomicU64::new(self.now()),
            busy: AtomicUsize::new(0),
            writes: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            leave: Notify::new(),
        });
        self.lock().insert(number, Arc::clone(&state));
        Connection { number, connections: Arc::clone(self), state }
    }
}

/// The connection that leaves first: without a request, of the network with the most connections,
/// and still for the longest time. `None` if none has been still for [`GRACE`] at the time `now`.
fn first_to_leave<'s>(
    open: impl Iterator<Item = &'s Arc<State>> + Clone,
    now: u64,
) -> Option<&'s Arc<State>> {
    let mut networks = HashMap::<IpAddr, usize>::new();
    for state in open.clone() {
        *networks.entry(state.network).or_default() += 1;
    }
    let grace = GRACE.as_millis() as u64;
    let still = |state: &State| now.saturating_sub(state.moved.load(Ordering::Relaxed)) >= grace;
    let idle = open.filter(|state| !state.is_busy() && still(state));
    idle.min_by_key(|state| {
        let of_network = networks.get(&state.network).copied().unwrap_or_default();
        (std::cmp::Reverse(of_network), state.moved.load(Ordering::Relaxed))
    })
}

impl State {
    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }
}

impl Connection {
    /// Says that bytes came or went.
    pub(crate) fn moved(&self) {
        self.state.moved.store(self.connections.now(), Ordering::Relaxed);
    }

    /// Says whether bytes of an answer wait for the client, who reads slowly.
    pub(crate) fn writes(&self, writes: bool) {
        if self.state.writes.swap(writes, Ordering::Relaxed) != writes {
            if writes { self.begin() } else { self.end() }
        }
    }

    /// The connection has a request under way as long as the result lives.
    pub(crate) fn busy(&self) -> Busy<'_> {
        self.begin();
        Busy(self)
    }

    /// Waits until this connection must leave, because another one needs its place. It has no
    /// request under way then.
    pub(crate) async fn leaves(&self) {
        loop {
            self.state.leave.notified().await;
            if !self.state.is_busy() {
                return;
            }
            // A request came first. Another connection may be asked.
            self.state.leaving.store(false, Ordering::Relaxed);
            self.connections.changed.notify_one();
        }
    }

    fn begin(&self) {
        self.state.busy.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.state.busy.fetch_sub(1, Ordering::Relaxed);
        self.connections.changed.notify_one();
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.moved();
        self.0.end();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.number);
        self.connections.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
