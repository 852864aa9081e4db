//! The frames of the worker protocol, version 1, and their messages. `worker/PROTOCOL.md` of this crate is the
//! specification. No process is started here.

use super::error::{FrameError, HelloError};
use super::limits::{MAX_HEADER, MAX_PAYLOAD, PROTOCOL};
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Read};

/// Bytes that are read at a time. Each such piece resets the timeout.
const PIECE: u64 = 1 << 20;

/// A request to a worker.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Request {
    Hello { protocol: u32 },
    Tokenize { id: u64, lengths: Vec<usize> },
    Forward { id: u64, batch: usize, tokens: usize, layers: Vec<String> },
    Shutdown,
}

/// A message of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Reply {
    Hello(Hello),
    Tokens { id: u64, lengths: Vec<usize> },
    States { id: u64, shape: Vec<usize> },
    Heartbeat {},
    Error { id: Option<u64>, message: String },
}

/// A worker's description of its model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Hello {
    pub(super) protocol: u32,
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) hidden: usize,
    pub(super) n_blocks: u32,
    pub(super) has_final_norm: bool,
    pub(super) has_cls: bool,
    pub(super) max_tokens: Option<usize>,
    pub(super) pad_id: i64,
    pub(super) vocab_size: usize,
    #[serde(default)]
    pub(super) n_parameters: u64,
}

impl Hello {
    /// Checks protocol, sizes and texts.
    ///
    /// # Errors
    /// [`HelloError`] naming the first wrong value.
    pub(super) fn check(&self) -> Result<(), HelloError> {
        let sizes = [
            ("hidden", self.hidden),
            ("vocab_size", self.vocab_size),
            ("max_tokens", self.max_tokens.unwrap_or(1)),
        ];
        if self.protocol != PROTOCOL {
            return Err(HelloError::Protocol(self.protocol));
        }
        if let Some((key, size)) = sizes.into_iter().find(|(_, size)| !(1..0x8000_0000).contains(size)) {
            return Err(HelloError::Size { key, size });
        }
        if self.n_blocks > 100_000 {
            return Err(HelloError::Blocks(self.n_blocks));
        }
        if self.pad_id < 0 || self.pad_id >= self.vocab_size as i64 {
            return Err(HelloError::PadId { pad_id: self.pad_id, largest: self.vocab_size - 1 });
        }
        let texts = [("name", &self.name), ("digest", &self.digest)];
        match texts.into_iter().find(|(_, text)| text.is_empty() || text.len() > 1024) {
            Some((key, text)) => Err(HelloError::Text { key, length: text.len() }),
            None => Ok(()),
        }
    }
}

/// Returns the bytes of a frame.
pub(super) fn encode(request: &Request, payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    let header = serde_json::to_vec(request).map_err(FrameError::Encode)?;
    let length = u32::try_from(header.len()).ok().filter(|length| *length <= MAX_HEADER);
    let length = length.ok_or(FrameError::RequestHeader(header.len()))?;
    if payload.len() as u64 > MAX_PAYLOAD {
        return Err(FrameError::RequestPayload(payload.len()));
    }
    let mut frame = Vec::with_capacity(header.len() + payload.len() + 12);
    frame.extend(length.to_le_bytes());
    frame.extend(header);
    frame.extend((payload.len() as u64).to_le_bytes());
    frame.extend(payload);
    Ok(frame)
}

/// Reads one frame; `None` if the stream ends before it. `alive` is called while a payload is being received.
pub(super) fn read(
    stream: &mut impl Read,
    alive: &mut dyn FnMut(),
) -> Result<Option<(Reply, Vec<u8>)>, FrameError> {
    let mut length = [0_u8; 4];
    let mut filled = 0;
    while filled < length.len() {
        match stream.read(length.get_mut(filled..).unwrap_or_default()) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Truncated),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(FrameError::Read(error)),
        }
    }
    let length = u32::from_le_bytes(length);
    if length == 0 || length > MAX_HEADER {
        return Err(FrameError::HeaderSize(length));
    }
    let header = read_exactly(stream, u64::from(length), &mut || {})?;
    let reply: Reply = serde_json::from_slice(&header).map_err(|source| {
        let start: String = String::from_utf8_lossy(&header).chars().take(80).collect();
        FrameError::Header { start, source }
    })?;
    let size = read_exactly(stream, 8, &mut || {})?;
    let size = u64::from_le_bytes(size.first_chunk::<8>().copied().unwrap_or_default());
    if size > MAX_PAYLOAD {
        return Err(FrameError::PayloadSize(size));
    }
    Ok(Some((reply, read_exactly(stream, size, alive)?)))
}

/// Reads piece by piece, so that memory grows only with the bytes that are received.
fn read_exactly(stream: &mut impl Read, size: u64, alive: &mut dyn FnMut()) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        let wanted = (size - bytes.len() as u64).min(PIECE);
        let read = stream.by_ref().take(wanted).read_to_end(&mut bytes);
        match read.map_err(FrameError::Read)? as u64 {
            found if found == wanted => alive(),
            _ => return Err(FrameError::Truncated),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(header: &str, payload: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u32).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend((payload.len() as u64).to_le_bytes());
        bytes.extend(payload);
        bytes
    }

    fn error_of(bytes: &[u8]) -> String {
        read(&mut &bytes[..], &mut || {}).unwrap_err().to_string()
    }

    #[test]
    fn frames_are_read_one_after_another() {
        let bytes = [
            frame(r#"{"type":"heartbeat"}"#, b""),
            frame(r#"{"type":"states","id":7,"shape":[1,2]}"#, &[1, 2, 3]),
        ]
        .concat();
        let mut stream = &bytes[..];
        let mut signs = 0;
        let mut next = || read(&mut stream, &mut || signs += 1).unwrap();
        assert_eq!(next(), Some((Reply::Heartbeat {}, vec![])));
        assert_eq!(next(), Some((Reply::States { id: 7, shape: vec![1, 2] }, vec![1, 2, 3])));
        assert_eq!(next(), None);
        assert_eq!(signs, 1);
    }

    #[test]
    fn what_is_written_has_the_layout_of_the_specification() {
        let bytes = encode(&Request::Hello { protocol: 1 }, b"ab").unwrap();
        let header = br#"{"type":"hello","protocol":1}"#;
        assert_eq!(bytes[..4], (header.len() as u32).to_le_bytes());
        assert_eq!(&bytes[4..4 + header.len()], header);
        assert_eq!(bytes[4 + header.len()..], [2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
    }

    #[test]
    fn damaged_streams_are_errors_and_large_lengths_take_no_memory() {
        let whole = frame(r#"{"type":"states","id":7,"shape":[1]}"#, &[1, 2, 3, 4]);
        for keep in 1..whole.len() {
            assert!(error_of(&whole[..keep]).contains("ended within a frame"), "{keep}");
        }
        let mut huge = frame(r#"{"type":"heartbeat"}"#, b"");
        let end = huge.len();
        huge[end - 8..].copy_from_slice(&(1_u64 << 60).to_le_bytes());
        assert!(error_of(&huge).contains("payload of 1152921504606846976 bytes"));
        huge[end - 8..].copy_from_slice(&MAX_PAYLOAD.to_le_bytes());
        assert!(error_of(&huge).contains("ended within a frame"));
        assert!(error_of(b"Loading model...").contains("only frames may be written"));
        assert!(error_of(&[0; 20]).contains("a header of 0 bytes"));
        let unknown = frame(r#"{"type":"states"}"#, b"");
        assert!(error_of(&unknown).contains("missing field `id`"));
    }

    #[test]
    fn a_hello_is_checked() {
        let text = r#"{"type":"hello","protocol":1,"name":"m","digest":"d","hidden":4,"n_blocks":2,"has_final_norm":true,
            "has_cls":false,"max_tokens":null,"pad_id":0,"vocab_size":5}"#;
        let Reply::Hello(good) = serde_json::from_str(text).unwrap() else { panic!("no hello") };
        assert_eq!(good.check(), Ok(()));
        let problem = |edit: fn(&mut Hello)| {
            let mut hello = good.clone();
            edit(&mut hello);
            hello.check().unwrap_err().to_string()
        };
        assert_eq!(problem(|hello| hello.protocol = 2), "it uses protocol 2, expected 1");
        assert_eq!(problem(|hello| hello.hidden = 0), "its hidden is 0, expected at least 1");
        assert_eq!(problem(|hello| hello.pad_id = 5), "its pad_id is 5, expected 0 to 4");
        assert_eq!(problem(|hello| hello.digest.clear()), "its digest has 0 bytes, expected 1 to 1024");
    }
}
