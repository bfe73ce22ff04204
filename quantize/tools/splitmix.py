"""SplitMix64: the only random generator of these tools. It gives the same numbers on every machine
and in every version of numpy.

A word has 64 bits and depends only on its index, word(i) = mix(seed + (i + 1) * GAMMA), so a whole
array is drawn at once. Floats use only exact steps and + and * in f64, so another language that
follows the formulas gets the same bits.
"""
import numpy as np

GAMMA = 0x9E3779B97F4A7C15
HALF_SQRT3 = 0.8660254037844386  # 1 / the standard deviation of a sum of 4 uniforms in [-1, 1)
MASK = (1 << 64) - 1


class SplitMix64:
    """A stream of words; `seed` is any integer, taken modulo 2^64."""

    def __init__(self, seed):
        self.state = seed & MASK

    def words(self, count):
        """uint64 [count]."""
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GAMMA)
        z = steps + np.uint64(self.state)
        self.state = (self.state + count * GAMMA) & MASK
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    def uniforms(self, count):
        """f64 [count] in [-1, 1): (word >> 11) * 2^-52 - 1."""
        return (self.words(count) >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0

    def gaussians(self, count):
        """f64 [count], mean 0, deviation 1, bounded by 2 sqrt(3): (((u0 + u1) + u2) + u3) *
        HALF_SQRT3."""
        u = self.uniforms(4 * count).reshape(count, 4)
        return (((u[:, 0] + u[:, 1]) + u[:, 2]) + u[:, 3]) * HALF_SQRT3

    def shuffled(self, count):
        """0..count in random order: Fisher-Yates from the last index down. An index takes one
        word."""
        order = list(range(count))
        indices = range(count - 1, 0, -1)
        for i, word in zip(indices, self.words(max(count - 1, 0)).tolist()):
            j = word % (i + 1)
            order[i], order[j] = order[j], order[i]
        return order
