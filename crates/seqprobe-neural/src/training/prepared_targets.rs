//! Targets as training needs them: on the scale of the loss, each with a weight.

/// The targets of one split.
pub(crate) struct PreparedTargets {
    pub(crate) outputs: usize,
    /// `[rows, outputs]`: 0, 1 or the scaled target; 0 if missing. For classes `[rows]`: the class.
    pub(crate) values: Vec<f64>,
    /// The same shape: 0 if the target is missing, else 1 or the weight of its class.
    pub(crate) weights: Vec<f64>,
    pub(crate) all_weigh_one: bool,
}

impl PreparedTargets {
    /// Multiplies each weight by the weight of its class, `weights[output][class]`.
    pub(crate) fn weigh(&mut self, weights: &[Vec<f64>]) {
        for (index, (weight, value)) in self.weights.iter_mut().zip(&self.values).enumerate() {
            *weight *= weights[index % self.outputs][*value as usize];
        }
        self.all_weigh_one = false;
    }
}
