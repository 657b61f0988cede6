//! Random numbers for invented days: the same seed gives the same day on every machine.

/// Throws that depend on nothing but the seed. The generator is SplitMix64 (Steele, Lea, Flood 2014), whose state is one number.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of their own for each `stream` of a seed, so that one room's day does not depend on how many others there are.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1, without 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what such a number has")]
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 up to `bound`, without `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(((self.next() >> 32) * u64::from(bound)) >> 32).unwrap_or(0)
    }

    /// True in this share of all throws.
    pub fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// How often something happened that happens `mean` times on average, each time for itself.
    pub fn count(&mut self, mean: f64) -> u32 {
        let (mut count, left) = (0, (-mean).exp());
        let mut product = self.share();
        while product > left && count < 1000 {
            product *= self.share();
            count += 1;
        }
        count
    }

    /// A wait of `mean` on average, and never above `most`: what is waited for comes at any moment alike.
    pub fn wait(&mut self, mean: f64, most: f64) -> f64 {
        // The inverse of the distribution, cut off at `most`.
        let within = 1.0 - (-most / mean).exp();
        -mean * (1.0 - self.share() * within).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_and_another_stream_throws_otherwise() {
        let throw = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            (0..8).map(|_| dice.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(throw(1, 7), throw(1, 7));
        assert_ne!(throw(1, 7), throw(1, 8));
        assert_ne!(throw(1, 7), throw(2, 7));
    }

    #[test]
    fn counts_and_waits_have_the_mean_they_are_given() {
        let mut dice = Dice::new(3, 0);
        let counts: u32 = (0..10_000).map(|_| dice.count(11.6)).sum();
        assert!((115_000..117_000).contains(&counts), "{counts}");
        let waits: Vec<f64> = (0..10_000).map(|_| dice.wait(1300.0, 3600.0)).collect();
        assert!(waits.iter().all(|wait| (0.0..3600.0).contains(wait)));
        // 1300 without the cut; with it 3600/(e^(3600/1300)-1) less.
        let mean = waits.iter().sum::<f64>() / 10_000.0;
        assert!((1040.0..1100.0).contains(&mean), "{mean}");
    }
}
