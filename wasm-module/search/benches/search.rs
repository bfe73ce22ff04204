//! Times the search beside a full scan of all 16 bits, on items in clusters as texts form them.
//!
//! `cargo bench -p lockstep-search`, with the number of items behind `--` for one size alone. Each
//! line is a size of the catalogue and of the history: the median and the least time of a full scan
//! by two threads, of the search by one, and by two; and the medians' quotient. Somebody else's
//! work on the machine shows in the median alone.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use lockstep_arith::item::compact;
use lockstep_arith::sample::Random;
use lockstep_kernels::Kernel;
use lockstep_search::{Catalogue, History, Segment, Wanted, best};

const WIDTH: usize = 384;
const TOP_N: usize = 10;
/// Runs of a median.
const RUNS: usize = 21;
/// Items of a cluster, on the average.
const CLUSTER: usize = 200;

/// Nearly normal: the sum of 12 numbers of even distribution.
fn normal(random: &mut Random) -> i32 {
    let bits = random.next();
    (0..12).map(|at| ((bits >> (5 * at)) & 31) as i32).sum::<i32>() * 2 - 372
}

fn row(random: &mut Random, centre: Option<&[i32]>) -> Vec<i32> {
    (0..WIDTH).map(|at| normal(random) + centre.map_or(0, |centre| centre[at])).collect()
}

/// The median and the least time of a run, in milliseconds.
fn times(mut run: impl FnMut()) -> [f64; 2] {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    [times[RUNS / 2], times[0]]
}

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100_000, 1_000_000] } else { sizes };
    for size in sizes {
        let mut random = Random::new(7);
        let centres: Vec<Vec<i32>> = (0..size.div_ceil(CLUSTER)).map(|_| row(&mut random, None)).collect();
        let mut centre = || random.within(0, centres.len() as i32 - 1) as usize;
        let places: Vec<usize> = (0..size).map(|_| centre()).collect();
        let items: Vec<i16> =
            places.iter().flat_map(|&at| compact(&row(&mut random, Some(&centres[at])))).collect();
        let segment = Segment::of(WIDTH, &items).expect("compact vectors");
        let catalogue = Catalogue::new(vec![Arc::new(segment)]);
        for entries in [1, 10] {
            let liked = (0..entries).flat_map(|at| compact(&row(&mut random, Some(&centres[at])))).collect();
            let history = History::new(WIDTH, liked, vec![1.0; entries]);
            report(&catalogue, &items, &history);
        }
    }
}

fn report(catalogue: &Catalogue, items: &[i16], history: &History) {
    let full = times(|| {
        let half = items.len() / WIDTH / 2 * WIDTH;
        std::thread::scope(|scope| {
            let (first, second) = items.split_at(half);
            let other = scope.spawn(|| full_scan(second, history));
            black_box(full_scan(first, history) + other.join().expect("a full scan"));
        });
    });
    let search = |threads| {
        let wanted = Wanted {
            top_n: TOP_N,
            allowed: &|_| true,
            order: &|a, b| a.cmp(&b),
            threads: NonZeroUsize::new(threads).expect("a thread"),
        };
        times(|| {
            black_box(best(catalogue, history, &wanted));
        })
    };
    let (one, two) = (search(1), search(2));
    println!(
        "{} items, {} liked: full scan {full:.2?} ms, search {one:.2?} ms, by two threads {two:.2?} ms, \
         {:.2} times",
        catalogue.rows(),
        history.entries(),
        full[0] / two[0]
    );
}

/// The largest product with any entry: all that a full scan must compute at the least.
fn full_scan(items: &[i16], history: &History) -> i64 {
    let kernel = Kernel::new();
    let mut products = vec![0; 512];
    let mut largest = i64::MIN;
    for block in items.chunks(512 * WIDTH) {
        let products = &mut products[..block.len() / WIDTH];
        for entry in history.vectors().chunks(WIDTH) {
            kernel.dots(entry, block, products);
            largest = largest.max(products.iter().copied().max().unwrap_or(i64::MIN));
        }
    }
    largest
}
