//! Stub.
use crate::metric::Columns;
use crate::truth::{InputError, Truth};
/// x
pub(crate) fn mean_squared_error(_: &Truth<'_>, _: &[f64]) -> Result<Columns, InputError> {
    Err(InputError::NoSeeds)
}
/// x
pub(crate) fn pearson(_: &Truth<'_>, _: &[f64]) -> Result<Columns, InputError> {
    Err(InputError::NoSeeds)
}
/// x
pub(crate) fn r_squared(_: &Truth<'_>, _: &[f64]) -> Result<Columns, InputError> {
    Err(InputError::NoSeeds)
}
/// x
pub(crate) fn root_mean_squared_error(_: &Truth<'_>, _: &[f64]) -> Result<Columns, InputError> {
    Err(InputError::NoSeeds)
}
/// x
pub(crate) fn spearman(_: &Truth<'_>, _: &[f64]) -> Result<Columns, InputError> {
    Err(InputError::NoSeeds)
}
