//! The type that every metric's preparation returns.

use crate::metrics::weighted::Weighted;

/// The prepared columns of a metric: one per target, or one per class against the rest. Undefined columns are included.
pub(crate) type Columns = Vec<Box<dyn Weighted>>;
