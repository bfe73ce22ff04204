//! The driver against a hostile card: registers, records, host memory and calls that fail, as the
//! script says. While the script lasts, batches end with vectors of the right size or with errors.
//! Afterwards the card is honest: every batch ends, and the next one gets the right vectors.

mod card;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use lockstep_accel_driver::{CardState, Error, Options, RecoveryPolicy, Sequence, SteppedEncoder};
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{Shape, encoder};

use crate::script::Script;
use card::{HostileCard, vector};

/// A model that is copied to the card with few jobs.
static MODEL: LazyLock<Encoder> = LazyLock::new(|| {
    let shape = Shape {
        vocabulary: 5,
        positions: 12,
        layers: 1,
        hidden: 32,
        heads: 1,
        intermediate: 32,
        ..Shape::SMALL
    };
    encoder(&shape, 1)
});

/// Steps while the script lasts, and steps in which an honest card must end all batches.
const STEPS: usize = 200;
const HONEST: usize = 2_000;

const OPTIONS: Options = Options {
    ring_log2: 3,
    memory: 1 << 14,
    job_time: Duration::from_millis(100),
    recovery: RecoveryPolicy { resets: 2, job_tries: 2, ..RecoveryPolicy::DEFAULT },
    ..Options::DEFAULT
};

/// A batch: ids and types of each sequence.
type Batch = Vec<(Vec<u32>, Vec<u8>)>;
/// A batch and its result.
type Ended = (Batch, Result<Vec<Vec<i32>>, Error>);

/// A run of the driver.
struct Drive<'c, 's> {
    card: &'c HostileCard<'s>,
    /// The driver saw the usual capabilities.
    plain: bool,
    encoder: SteppedEncoder<&'c HostileCard<'s>>,
    now: Instant,
    /// Batches without a result.
    open: Vec<(u64, Batch)>,
}

/// Reads a script as a card and its callers. Returns whether the driver opened the card.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let ring_log2 = 1 + script.below(4) as u32;
    let memory = if script.chance(64) { 5000 + script.below(1 << 14) } else { OPTIONS.memory };
    let options = Options { ring_log2, memory, ..OPTIONS };
    let batches: Vec<Batch> = (0..script.below(4)).map(|_| batch(&mut script)).collect();
    let card = HostileCard::new(script);
    let Ok(encoder) = SteppedEncoder::open(&card, options, &MODEL) else { return false };
    let plain = card.opened();
    let mut drive = Drive { card: &card, plain, encoder, now: Instant::now(), open: Vec::new() };
    for batch in batches {
        drive.submit(batch);
    }
    drive.hostile();
    drive.card.become_honest();
    drive.until("batches end", |drive| drive.open.is_empty());
    if plain {
        drive.recover();
    }
    true
}

fn batch(script: &mut Script<'_>) -> Batch {
    let sequence = |script: &mut Script<'_>| {
        let tokens = 1 + script.below(3);
        (0..tokens).map(|_| (script.below(5) as u32, script.byte() & 1)).unzip()
    };
    (0..script.below(5)).map(|_| sequence(script)).collect()
}

impl Drive<'_, '_> {
    fn submit(&mut self, batch: Batch) {
        let sequences: Vec<Sequence<'_>> =
            batch.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect();
        match self.encoder.submit(&sequences) {
            Ok(number) => self.open.push((number, batch)),
            // A card that takes few tokens.
            Err(error) => assert!(matches!(error, Error::Sequence { .. }) && !self.plain, "{error}"),
        }
    }

    /// Lets the card do what the script says.
    fn hostile(&mut self) {
        for _ in 0..STEPS {
            if self.card.is_honest() {
                return;
            }
            let (heard, patience, cancel) = self.card.act();
            self.now += patience;
            if cancel && let Some((number, _)) = self.open.pop() {
                self.encoder.cancel(number);
            }
            self.encoder.poll(self.now, heard);
            self.take();
            if let Some(at) = self.encoder.wake_at() {
                assert!(at <= self.now + Duration::from_secs(31), "a wait of {:?}", at - self.now);
            }
        }
    }

    /// Takes results, which have the right sizes.
    fn take(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        while let Some((number, result)) = self.encoder.take() {
            let at = self.open.iter().position(|(open, _)| *open == number);
            let (_, batch) = self.open.remove(at.expect("one result for each batch"));
            if let Ok(vectors) = &result {
                assert_eq!(vectors.len(), batch.len());
                assert!(vectors.iter().all(|vector| vector.len() == MODEL.hidden()));
            }
            ended.push((batch, result));
        }
        ended
    }

    /// Polls an honest card until something is so.
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Vec<Ended> {
        let mut ended = Vec::new();
        for _ in 0..HONEST {
            if done(self) {
                return ended;
            }
            let heard = self.card.work();
            // The driver may want to look every 50 us for half a second.
            let at = self.encoder.wake_at().unwrap_or(self.now);
            self.now = if heard { self.now } else { at.max(self.now + Duration::from_millis(5)) };
            self.encoder.poll(self.now, heard);
            ended.extend(self.take());
        }
        panic!("{what}: not after {HONEST} steps, {:?}", self.encoder.card().state());
    }

    /// A card that is opened again encodes a batch that needs most of the memory for data.
    fn recover(&mut self) {
        self.encoder.reopen(self.now).expect("an honest card is reset");
        self.until("ready", |drive| drive.encoder.card().state() == CardState::Ready);
        let sequence = |i: u32| (vec![i % 5; 1 + i as usize % 2], vec![1; 1 + i as usize % 2]);
        self.submit((0..40).map(sequence).collect());
        let ended = self.until("a batch", |drive| drive.open.is_empty());
        let (batch, result) = ended.into_iter().next().expect("a batch ended");
        let expected: Vec<Vec<i32>> =
            batch.iter().map(|(ids, types)| vector(ids, types, MODEL.hidden())).collect();
        assert_eq!(result.expect("an honest card encodes"), expected);
    }
}

/// An honest card, and random ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = crate::random::scripts(24, 400);
    seeds.push(vec![2, 0, 3, 4, 5, 1, 0, 2, 1, 3, 0]);
    seeds
}
