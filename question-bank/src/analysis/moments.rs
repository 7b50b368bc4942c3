//! Means, variances and covariances that are brought forward value by value, without the loss of digits that
//! sums of squares have (Welford 1962).

/// Of one variable.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    pub(super) count: u32,
    pub(super) mean: f64,
    squares: f64,
}

impl Moments {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / f64::from(self.count);
        self.squares += delta * (value - self.mean);
    }

    /// The variance of a sample, by n − 1.
    pub(super) fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / f64::from(self.count - 1))
    }

    /// The standard deviation of these very values, by n.
    pub(super) fn spread(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / f64::from(self.count)).sqrt() }
    }
}

/// Of two variables.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pairs {
    pub(super) one: Moments,
    pub(super) other: Moments,
    products: f64,
}

impl Pairs {
    pub(super) fn add(&mut self, one: f64, other: f64) {
        let before = one - self.one.mean;
        self.one.add(one);
        self.other.add(other);
        self.products += before * (other - self.other.mean);
    }

    /// Pearson's r; `None` where a variable does not vary.
    pub(super) fn correlation(&self) -> Option<f64> {
        let spreads = self.one.squares.sqrt() * self.other.squares.sqrt();
        // What is left of rounding is no variation.
        (self.one.spread() > 1e-9 && self.other.spread() > 1e-9).then(|| self.products / spreads)
    }
}
