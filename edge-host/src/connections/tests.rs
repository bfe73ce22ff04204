#![allow(clippy::unwrap_used)]
use tokio::time::timeout;

use super::*;

fn connections(most: usize) -> Arc<Connections> {
    let (open, changed) = (Mutex::default(), Notify::new());
    Arc::new(Connections { most, begin: Instant::now(), open, changed })
}

/// Opens connections of these networks, each with the time of its last byte.
fn open(all: &Arc<Connections>, states: &[(u8, u64)]) -> Vec<Connection> {
    let one = |&(network, moved): &(u8, u64)| {
        let connection = all.add(IpAddr::from([10, 0, 0, network]));
        connection.state.moved.store(moved, Ordering::Relaxed);
        connection
    };
    states.iter().map(one).collect()
}

fn first(all: &Connections) -> Option<u64> {
    let open = all.lock();
    let state = first_to_leave(open.values(), 200)?;
    open.iter().find(|(_, other)| Arc::ptr_eq(other, state)).map(|(number, _)| *number)
}

#[test]
fn the_stillest_of_the_largest_network_leaves() {
    let all = connections(9);
    let open = open(&all, &[(1, 0), (2, 7), (2, 5), (2, 9), (3, 1), (3, 1)]);
    assert_eq!(first(&all), Some(open[2].number));
    let request = open[2].busy();
    assert_eq!(first(&all), Some(open[1].number));
    drop(request);
    // The end of a request is a sign of life.
    open[2].state.moved.store(8, Ordering::Relaxed);
    assert_eq!(first(&all), Some(open[1].number));
    open[1].writes(true);
    open[1].writes(true);
    assert_eq!(first(&all), Some(open[2].number));
    open[1].writes(false);
    assert_eq!(first(&all), Some(open[1].number));
    let busy: Vec<_> = open.iter().map(Connection::busy).collect();
    assert_eq!(first(&all), None);
    drop(busy);
    // All have just moved.
    open.iter().for_each(|connection| connection.state.moved.store(101, Ordering::Relaxed));
    assert_eq!(first(&all), None);
    open[5].state.moved.store(100, Ordering::Relaxed);
    assert_eq!(first(&all), Some(open[5].number));
}

#[test]
fn the_half_of_an_ipv6_address_is_a_network() {
    let network = |text: &str| network(text.parse().unwrap());
    assert_eq!(network("2001:db8::1"), network("2001:db8:0:0:ffff::2"));
    assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
}

#[tokio::test]
async fn a_place_is_free_when_one_closes_or_has_answered() {
    let all = connections(2);
    let mut open = open(&all, &[(1, 0), (1, 1)]);
    let (one, two) = (open.pop().unwrap(), open.pop().unwrap());
    let requests = (one.busy(), two.busy());
    let room = all.room();
    tokio::pin!(room);
    // All are busy: nobody is asked to leave.
    assert!(timeout(Duration::ZERO, &mut room).await.is_err());
    drop(requests);
    // Both moved when their requests ended; the second one has been still for longer.
    one.state.moved.store(1, Ordering::Relaxed);
    two.state.moved.store(0, Ordering::Relaxed);
    let leaves = async move {
        two.leaves().await;
        drop(two);
    };
    tokio::join!(room, leaves);
    assert_eq!(all.lock().len(), 1);
}
