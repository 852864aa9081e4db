//! Writes shards while the model computes. One thread takes values in the order they were made, hashes them, writes
//! them and waits for the disk. Only a few batches may wait, so a slow disk slows the model down and does not fill
//! memory.

use crate::cache::shard_write::ShardWriter;
use crate::error::EmbedError;
use seqprobe_core::DnaSequence;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Batches that may wait for the disk.
const MAX_WAITING: usize = 4;

enum Order<'s> {
    Start(Vec<ShardWriter>),
    /// Values of the next rows for each file.
    Push(Vec<Vec<f32>>),
    Finish(&'s [&'s DnaSequence], usize),
}

/// Sends values to the writing thread.
pub(crate) struct Queue<'s>(SyncSender<Order<'s>>);

impl<'s> Queue<'s> {
    /// Starts the files of a shard.
    pub(crate) fn start(&self, writers: Vec<ShardWriter>) -> Result<(), EmbedError> {
        self.send(Order::Start(writers))
    }

    /// Appends values to each file.
    pub(crate) fn push(&self, values: Vec<Vec<f32>>) -> Result<(), EmbedError> {
        self.send(Order::Push(values))
    }

    /// Closes the files of a shard.
    pub(crate) fn finish(
        &self,
        sequences: &'s [&'s DnaSequence],
        truncated: usize,
    ) -> Result<(), EmbedError> {
        self.send(Order::Finish(sequences, truncated))
    }

    fn send(&self, order: Order<'s>) -> Result<(), EmbedError> {
        // The receiver is gone after a failure, which `with_background_writer` reports in place of this error.
        self.0.send(order).map_err(|_| EmbedError::Encoder("its values could not be written".to_owned()))
    }
}

/// Runs `work` while another thread writes what it queues. Everything is on disk on return. A failure to write is
/// reported before a failure of the work, which it may have caused.
pub(crate) fn with_background_writer<'s>(
    work: impl FnOnce(&Queue<'s>) -> Result<(), EmbedError>,
) -> Result<(), EmbedError> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let writing = scope.spawn(move || write(receiver));
        let queue = Queue(sender);
        let worked = work(&queue);
        drop(queue);
        writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        worked
    })
}

/// Follows orders until the sender is dropped. Shards that are unfinished then leave nothing.
fn write(orders: Receiver<Order<'_>>) -> Result<(), EmbedError> {
    let mut writers: Vec<ShardWriter> = Vec::new();
    for order in orders {
        match order {
            Order::Start(started) => writers = started,
            Order::Push(values) => {
                writers.iter_mut().zip(&values).try_for_each(|(writer, values)| writer.push(values))?;
            }
            Order::Finish(sequences, truncated) => {
                std::mem::take(&mut writers)
                    .into_iter()
                    .try_for_each(|writer| writer.finish(sequences, truncated))?;
            }
        }
    }
    Ok(())
}
