//! Turns: which of the waiting calls goes on next.
//!
//! Each flow has a tag: the virtual time at which its next piece may begin. The flow with the least
//! tag goes on, and its tag grows by the size of the piece times the flow's weight (start-time fair
//! queueing; Goyal, Vin, Cheng 1996). Virtual time is that of an ideal server which serves all
//! flows at once, each in inverse proportion to its weight (weighted fair queueing; Demers, Keshav,
//! Shenker 1989), and a new flow starts at the present. So a short call beside a long one is served
//! next, an endless stream of short calls cannot keep a long one from its turn, and a flow of
//! weight 4 gets a quarter of the share of a flow of weight 1.

use std::collections::VecDeque;

/// One waiting call: its texts that no engine has taken yet, by their sizes.
#[derive(Debug)]
pub(crate) struct Flow<T> {
    /// The call.
    pub(crate) call: T,
    /// Index and tokens of each text.
    texts: VecDeque<(usize, usize)>,
    weight: f64,
    tag: f64,
    tokens: usize,
    retried: bool,
}

impl<T> Flow<T> {
    /// Whether an engine has failed on these texts. They are then encoded one by one.
    pub(crate) const fn is_retried(&self) -> bool {
        self.retried
    }

    /// Tokens that no engine has taken yet.
    pub(crate) const fn tokens(&self) -> usize {
        self.tokens
    }

    /// The sizes of the next texts: at least one, and more while they have at most `budget` tokens
    /// together.
    /// How many texts wait.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn peek(&self, budget: usize) -> impl Iterator<Item = usize> {
        let mut together = 0;
        self.texts.iter().map(|&(_, tokens)| tokens).enumerate().map_while(move |(place, tokens)| {
            together += tokens;
            (place == 0 || together <= budget).then_some(tokens)
        })
    }
}

/// The waiting calls.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    flows: Vec<Flow<T>>,
    /// Virtual time: tokens that a flow of weight 1 would have got, had it been here always.
    now: f64,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { flows: Vec::new(), now: 0.0 }
    }
}

impl<T> FairQueue<T> {
    /// Adds a call with the sizes of its texts.
    pub(crate) fn push(&mut self, call: T, weight: f64, texts: impl IntoIterator<Item = (usize, usize)>) {
        let texts: VecDeque<_> = texts.into_iter().collect();
        let tokens = texts.iter().map(|&(_, tokens)| tokens).sum();
        self.flows.push(Flow { call, texts, weight, tag: self.now, tokens, retried: false });
    }

    /// Puts texts back that an engine could not encode. They go on before all others.
    pub(crate) fn put_back(&mut self, call: T, weight: f64, texts: Vec<(usize, usize)>) {
        self.push(call, weight, texts);
        if let Some(flow) = self.flows.last_mut() {
            flow.tag = f64::NEG_INFINITY;
            flow.retried = true;
        }
    }

    /// The waiting calls, in no promised order.
    pub(crate) fn flows(&self) -> impl Iterator<Item = &Flow<T>> {
        self.flows.iter()
    }

    /// Drops the calls that are over.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Flow<T>) -> bool) {
        self.flows.retain(keep);
    }

    /// The calls by their turn: places for [`Self::at`] and [`Self::take`]. Of equal tags the call
    /// with fewer tokens goes first.
    pub(crate) fn turns(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.flows.len()).collect();
        places.sort_by(|&a, &b| {
            let (a, b) = (&self.flows[a], &self.flows[b]);
            a.tag.total_cmp(&b.tag).then(a.tokens.cmp(&b.tokens))
        });
        places
    }

    /// The call at a place.
    pub(crate) fn at(&self, place: usize) -> &Flow<T> {
        &self.flows[place]
    }

    /// Takes `count` texts of the call at a place, and gives their indexes. A call without texts
    /// stays in the queue until [`Self::drop_empty`].
    pub(crate) fn take(&mut self, place: usize, count: usize) -> Vec<usize> {
        let shares: f64 = self.flows.iter().map(|flow| 1.0 / flow.weight).sum();
        let flow = &mut self.flows[place];
        let taken: Vec<(usize, usize)> = flow.texts.drain(..count.min(flow.texts.len())).collect();
        let tokens: usize = taken.iter().map(|&(_, tokens)| tokens).sum();
        flow.tokens -= tokens;
        flow.tag += tokens as f64 * flow.weight;
        self.now += tokens as f64 / shares;
        taken.into_iter().map(|(index, _)| index).collect()
    }

    /// Drops the calls all of whose texts were taken.
    pub(crate) fn drop_empty(&mut self) {
        self.flows.retain(|flow| !flow.texts.is_empty());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn texts(count: usize, tokens: usize) -> Vec<(usize, usize)> {
        (0..count).map(|index| (index, tokens)).collect()
    }

    /// Lets one engine take pieces of at most `budget` tokens; gives the calls in their order.
    fn served(queue: &mut FairQueue<char>, budget: usize, pieces: usize) -> String {
        let mut order = String::new();
        for _ in 0..pieces {
            let Some(&place) = queue.turns().first() else { break };
            let count = queue.at(place).peek(budget).count();
            order.push(queue.at(place).call);
            queue.take(place, count);
            queue.drop_empty();
        }
        order
    }

    #[test]
    fn a_short_call_does_not_wait_for_the_end_of_a_long_one() {
        let mut queue = FairQueue::default();
        queue.push('L', 1.0, texts(100, 64));
        assert_eq!(served(&mut queue, 64, 5), "LLLLL");
        queue.push('s', 1.0, texts(1, 16));
        assert_eq!(served(&mut queue, 64, 3), "sLL");
    }

    #[test]
    fn equal_calls_take_turns_and_all_end() {
        let mut queue = FairQueue::default();
        for call in ['a', 'b', 'c'] {
            queue.push(call, 1.0, texts(3, 64));
        }
        let order = served(&mut queue, 64, 100);
        assert_eq!(order.len(), 9);
        for third in [&order[..3], &order[3..6], &order[6..]] {
            let mut third: Vec<char> = third.chars().collect();
            third.sort_unstable();
            assert_eq!(third, ['a', 'b', 'c'], "{order}");
        }
    }

    #[test]
    fn a_weight_divides_the_share_and_nobody_starves() {
        let mut queue = FairQueue::default();
        queue.push('i', 1.0, texts(400, 10));
        queue.push('b', 4.0, texts(400, 10));
        let order = served(&mut queue, 10, 100);
        let batch = order.chars().filter(|&call| call == 'b').count();
        assert_eq!(batch, 20, "{order}");
        // An endless stream of new short calls, with room for one more piece in five.
        let mut queue = FairQueue::default();
        queue.push('L', 4.0, texts(100, 10));
        let mut order = String::new();
        for _ in 0..40 {
            (0..4).for_each(|_| queue.push('s', 1.0, texts(1, 10)));
            order += &served(&mut queue, 10, 5);
        }
        let long = order.chars().filter(|&call| call == 'L').count();
        assert!((35..=45).contains(&long), "{long} of 200 turns: {order}");
    }

    #[test]
    fn texts_that_are_put_back_go_first() {
        let mut queue = FairQueue::default();
        queue.push('a', 1.0, texts(5, 10));
        served(&mut queue, 10, 3);
        queue.push('b', 1.0, texts(1, 1));
        queue.put_back('r', 1.0, vec![(2, 10)]);
        assert_eq!(served(&mut queue, 10, 4), "rbaa");
    }

    #[test]
    fn a_piece_has_at_least_one_text_and_at_most_its_budget() {
        let mut queue = FairQueue::default();
        queue.push('a', 1.0, vec![(7, 100), (3, 20), (1, 30), (0, 40)]);
        assert_eq!(queue.at(0).peek(50).collect::<Vec<_>>(), [100]);
        assert_eq!(queue.at(0).peek(150).collect::<Vec<_>>(), [100, 20, 30]);
        assert_eq!(queue.take(0, 2), [7, 3]);
        assert_eq!(queue.at(0).tokens(), 70);
        assert_eq!(queue.take(0, 9), [1, 0]);
        queue.drop_empty();
        assert!(queue.turns().is_empty());
    }
}
