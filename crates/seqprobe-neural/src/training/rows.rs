//! Feature rows as input of a network: standardised, in batches, padded with zeros, which is the training mean.
//!
//! Rows that fit into the memory budget are kept in memory. Other rows are streamed: the parts of `order.rs` are read
//! one after the other in storage order, the next one while the network works on the current one. If even that needs
//! too much memory, each batch is read when it is needed. All three give the same values.

use crate::error::torch;
use crate::networks::batch::Batch;
use crate::networks::tensor_memory::values_mut;
use crate::training::order::{Order, Part};
use crate::training::read_finite::read_finite;
use crate::training::standardisation::Standardisation;
use seqprobe_core::{FeatureError, FeatureView, ProbeError};
use std::collections::HashMap;
use std::sync::mpsc::sync_channel;
use tch::{Device, Kind, Tensor};

/// The rows of one split.
pub(crate) struct Rows<'a> {
    view: &'a FeatureView<'a>,
    standardisation: &'a Standardisation,
    order: Order,
    held: Held,
}

/// What is kept in memory between visits.
enum Held {
    All(Buffer),
    Parts,
    Nothing,
}

/// Standardised values of some rows.
struct Buffer {
    values: Vec<f32>,
    /// Index of the first value of each row.
    starts: HashMap<usize, usize>,
}

impl<'a> Rows<'a> {
    /// The rows of a view: kept in memory if they need at most `hold` bytes, else read part by part if `stream` allows
    /// [`crate::training::order::STREAMING_BYTES`], else batch by batch.
    pub(crate) fn new(
        view: &'a FeatureView<'a>,
        standardisation: &'a Standardisation,
        hold: usize,
        stream: bool,
    ) -> Result<Self, ProbeError> {
        let dim = standardisation.dim();
        if view.dim() != dim {
            return Err(ProbeError::Width { expected: dim, got: view.dim() });
        }
        let lengths: Vec<usize> = (0..view.n_rows()).map(|row| view.length(row)).collect();
        let positions: Vec<usize> = (0..view.n_rows()).map(|row| view.storage_position(row)).collect();
        let order = Order::new(lengths, &positions, dim);
        let held = if stream { Held::Parts } else { Held::Nothing };
        let mut rows = Self { view, standardisation, order, held };
        if rows.order.n_values().saturating_mul(size_of::<f32>()) <= hold {
            let all: Vec<usize> = (0..view.n_rows()).collect();
            rows.held = Held::All(rows.read(&all)?);
        }
        Ok(rows)
    }

    /// Number of rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.order.lengths().len()
    }

    /// The lengths and storage order of the rows.
    pub(crate) fn order(&self) -> &Order {
        &self.order
    }

    /// Bytes kept in memory between visits.
    pub(crate) fn held_bytes(&self) -> usize {
        match &self.held {
            Held::All(buffer) => buffer.values.len() * size_of::<f32>(),
            _ => 0,
        }
    }

    /// Calls `work` with the rows and values of each batch, in order, on this thread.
    pub(crate) fn visit(
        &self,
        parts: &[Part],
        mut work: impl FnMut(&[usize], &Batch) -> Result<(), ProbeError>,
    ) -> Result<(), ProbeError> {
        let mut through = |buffer: &Buffer, batches: &[Vec<usize>]| {
            batches.iter().try_for_each(|rows| work(rows, &self.batch(rows, buffer)?))
        };
        match &self.held {
            Held::All(buffer) => parts.iter().try_for_each(|part| through(buffer, &part.batches)),
            Held::Nothing => parts
                .iter()
                .flat_map(|part| &part.batches)
                .try_for_each(|rows| through(&self.read(rows)?, std::slice::from_ref(rows))),
            Held::Parts => std::thread::scope(|scope| {
                // The channel has no buffer, so the reader is at most one part ahead.
                let (sender, receiver) = sync_channel(0);
                scope.spawn(move || {
                    for part in parts {
                        let buffer = self.read(&part.rows);
                        let failed = buffer.is_err();
                        if sender.send(buffer).is_err() || failed {
                            break;
                        }
                    }
                });
                for part in parts {
                    let stopped = |_| FeatureError::Store("the reader of features stopped".to_owned());
                    let buffer = receiver.recv().map_err(stopped)??;
                    through(&buffer, &part.batches)?;
                }
                Ok(())
            }),
        }
    }

    fn read(&self, rows: &[usize]) -> Result<Buffer, ProbeError> {
        let dim = self.standardisation.dim();
        let mut starts = HashMap::with_capacity(rows.len());
        let mut end = 0;
        for &row in rows {
            starts.insert(row, end);
            end += self.order.lengths()[row] * dim;
        }
        let mut values = Vec::with_capacity(end);
        read_finite(self.view, rows, &mut values)?;
        self.standardisation.apply(&mut values);
        Ok(Buffer { values, starts })
    }

    /// Some rows as a batch, in the order given.
    fn batch(&self, rows: &[usize], buffer: &Buffer) -> Result<Batch, ProbeError> {
        let dim = self.standardisation.dim();
        let lengths: Vec<usize> = rows.iter().map(|&row| self.order.lengths()[row]).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let shape = [rows.len() as i64, longest as i64, dim as i64];
        // The tensor is filled in place: wide batches have tens of megabytes.
        let is_even = lengths.iter().all(|&length| length == longest);
        let start = (Kind::Float, Device::Cpu);
        let values = if is_even { Tensor::f_empty(shape, start) } else { Tensor::f_zeros(shape, start) };
        let mut values = values.map_err(torch)?;
        let places = values_mut(&mut values).map_err(torch)?.chunks_exact_mut((longest * dim).max(1));
        for ((row, &length), place) in rows.iter().zip(&lengths).zip(places) {
            let start = buffer.starts[row];
            place[..length * dim].copy_from_slice(&buffer.values[start..start + length * dim]);
        }
        Ok(Batch { values, lengths, longest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::{FeatureKind, FeatureSource, Seed};

    /// Rows of 1 to 5 tokens of 3 channels; row 50 cannot be read where `broken`.
    struct Counting {
        broken: bool,
    }

    impl FeatureSource for Counting {
        fn n_rows(&self) -> usize {
            80
        }

        fn dim(&self) -> usize {
            3
        }

        fn kind(&self) -> FeatureKind {
            FeatureKind::Tokens
        }

        fn length(&self, row: usize) -> usize {
            1 + row % 5
        }

        fn storage_position(&self, row: usize) -> usize {
            row * 37 % 80
        }

        fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
            for &row in rows {
                if self.broken && row == 50 {
                    return Err(FeatureError::Store("shard 7 is gone".to_owned()));
                }
                out.extend((0..3 * self.length(row)).map(|value| (row * 100 + value) as f32));
            }
            Ok(())
        }
    }

    fn visited(source: &Counting, held: impl Fn(&Rows<'_>) -> Held) -> Result<Vec<Vec<f32>>, ProbeError> {
        let all: Vec<usize> = (0..80).collect();
        let view = FeatureView::new(source, &all).unwrap();
        let standardisation = Standardisation { mean: vec![1.0; 3], inverse_deviation: vec![0.5; 3] };
        let mut rows = Rows::new(&view, &standardisation, 0, false)?;
        let positions: Vec<usize> = all.iter().map(|&row| source.storage_position(row)).collect();
        let lengths = rows.order.lengths().to_vec();
        rows.order = Order::with_sizes(lengths, &positions, 3, (30, 150));
        rows.held = held(&rows);
        let mut batches = Vec::new();
        for parts in [rows.order.training(8, &mut Seed(3).rng()), rows.order.prediction(20)] {
            assert!(parts.len() > 3);
            rows.visit(&parts, |rows, batch| {
                assert_eq!(batch.lengths, rows.iter().map(|row| 1 + row % 5).collect::<Vec<_>>());
                batches.push(Vec::<f32>::try_from(batch.values.reshape(-1)).unwrap());
                Ok(())
            })?;
        }
        Ok(batches)
    }

    #[test]
    fn held_streamed_and_single_batches_are_the_same_values_in_the_same_order() {
        let source = Counting { broken: false };
        let all: Vec<usize> = (0..80).collect();
        let held = visited(&source, |rows| Held::All(rows.read(&all).unwrap())).unwrap();
        assert_eq!(held, visited(&source, |_| Held::Parts).unwrap());
        assert_eq!(held, visited(&source, |_| Held::Nothing).unwrap());
        let total: usize = held.iter().flatten().filter(|value| **value != 0.0).count();
        assert!(total > 80 * 3, "{total} values");
    }

    #[test]
    fn a_reader_that_fails_ends_the_visit_with_its_error() {
        let source = Counting { broken: true };
        for held in [|_: &Rows<'_>| Held::Parts, |_: &Rows<'_>| Held::Nothing] {
            let error = visited(&source, held).unwrap_err();
            assert_eq!(error.to_string(), "shard 7 is gone");
        }
    }
}
