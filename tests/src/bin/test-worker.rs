//! A worker for the tests of described models, written from the protocol's text and not from the program's
//! code. Its states are a fixed formula; its mode says how it misbehaves. With a second argument, a folder, it
//! leaves a file named by its process number there, so that tests can look for what is left behind.
//!
//! Modes: good, slow, stateless-final, dies, dies-always, hangs, hangs-on-hello, garbage, huge, shape, nan, error,
//! other-model.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::Duration;

const HIDDEN: usize = 6;
const BLOCKS: u64 = 2;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mode = arguments.get(1).map_or("good", String::as_str).to_owned();
    let folder = arguments.get(2).cloned();
    let mut starts = 0;
    if let Some(folder) = &folder {
        starts = std::fs::read_dir(folder).map_or(0, Iterator::count);
        let _ = std::fs::write(format!("{folder}/{}", std::process::id()), "");
    }
    let is_first = starts == 0;
    let mut forwards = 0;
    while let Some((header, payload)) = read() {
        match header["type"].as_str() {
            Some("hello") => {
                if mode == "hangs-on-hello" {
                    hang();
                }
                let digest =
                    if mode == "other-model" { format!("digest {starts}") } else { "digest".to_owned() };
                let hello = json!({
                    "type": "hello", "protocol": 1, "name": "formula", "digest": digest, "hidden": HIDDEN, "n_blocks": BLOCKS,
                    "has_final_norm": true, "has_cls": true, "max_tokens": 64, "pad_id": 0, "vocab_size": 7,
                });
                write(&hello, &[]);
            }
            Some("tokenize") => tokenize(&header, &payload),
            Some("forward") => {
                forwards += 1;
                let is_third = forwards == 3;
                match mode.as_str() {
                    "dies" | "other-model" if is_third => std::process::exit(7),
                    "dies-always" => std::process::exit(7),
                    "hangs" if is_first && is_third => hang(),
                    "garbage" if is_first && is_third => {
                        let _ = std::io::Write::write_all(
                            &mut std::io::stdout(),
                            b"Loading checkpoint shards: 100%\n",
                        );
                        hang();
                    }
                    "huge" if is_first && is_third => {
                        let header = br#"{"type":"states","id":0,"shape":[1]}"#;
                        let mut bytes = (header.len() as u32).to_le_bytes().to_vec();
                        bytes.extend(header);
                        bytes.extend((1_u64 << 62).to_le_bytes());
                        write_bytes(&bytes);
                        hang();
                    }
                    "error" => {
                        let message = "out of memory on the third floor";
                        write(&json!({"type": "error", "id": header["id"], "message": message}), &[]);
                        continue;
                    }
                    "slow" if is_third => {
                        // Longer than the silence allowed, with signs of life.
                        for _ in 0..8 {
                            std::thread::sleep(Duration::from_millis(250));
                            write(&json!({"type": "heartbeat"}), &[]);
                        }
                    }
                    _ => {}
                }
                forward(&header, &payload, &mode);
            }
            _ => return,
        }
    }
}

/// `A C G T` are 2 to 5, N is 6, 1 comes first.
fn tokenize(header: &Value, payload: &[u8]) {
    let lengths: Vec<usize> = header["lengths"].as_array().map_or(Vec::new(), |lengths| {
        lengths.iter().filter_map(|length| length.as_u64().map(|length| length as usize)).collect()
    });
    let mut ids: Vec<i64> = Vec::new();
    let mut special: Vec<u8> = Vec::new();
    let mut start = 0;
    for length in &lengths {
        ids.push(1);
        special.push(1);
        for letter in &payload[start..start + length] {
            ids.push(b"ACGTN".iter().position(|known| known == letter).map_or(6, |place| place as i64 + 2));
            special.push(0);
        }
        start += length;
    }
    let counts: Vec<usize> = lengths.iter().map(|length| length + 1).collect();
    let mut bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    bytes.extend(special);
    write(&json!({"type": "tokens", "id": header["id"], "lengths": counts}), &bytes);
}

/// Each state depends on its token, the one before it, its place and the layer.
fn forward(header: &Value, payload: &[u8], mode: &str) {
    let size = |key: &str| header[key].as_u64().unwrap_or(0) as usize;
    let (batch, tokens) = (size("batch"), size("tokens"));
    let ids: Vec<i64> =
        payload.chunks_exact(8).map(|eight| i64::from_le_bytes(eight.try_into().unwrap_or([0; 8]))).collect();
    let layers: Vec<f64> = header["layers"].as_array().map_or(Vec::new(), |layers| {
        layers.iter().map(|layer| layer.as_str().and_then(|name| name.parse().ok()).unwrap_or(9.0)).collect()
    });
    let mut bytes = Vec::new();
    for layer in &layers {
        for row in ids.chunks_exact(tokens) {
            for (place, &id) in row.iter().enumerate() {
                let before = if place == 0 { 0 } else { row[place - 1] };
                for dimension in 0..HIDDEN {
                    let angle = (id * 7 + before) as f64 * (dimension as f64 + 1.0) * 0.37
                        + layer
                        + place as f64 * 0.01;
                    let value = if mode == "nan" { f32::NAN } else { angle.sin() as f32 };
                    bytes.extend(value.to_le_bytes());
                }
            }
        }
    }
    let shape = if mode == "shape" {
        json!([layers.len(), batch, tokens + 1, HIDDEN])
    } else {
        json!([layers.len(), batch, tokens, HIDDEN])
    };
    write(&json!({"type": "states", "id": header["id"], "shape": shape}), &bytes);
}

fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(1000));
    }
}

fn read() -> Option<(Value, Vec<u8>)> {
    let mut input = std::io::stdin().lock();
    let mut length = [0; 4];
    input.read_exact(&mut length).ok()?;
    let mut header = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut header).ok()?;
    let mut length = [0; 8];
    input.read_exact(&mut length).ok()?;
    let mut payload = vec![0; u64::from_le_bytes(length) as usize];
    input.read_exact(&mut payload).ok()?;
    Some((serde_json::from_slice(&header).ok()?, payload))
}

fn write(header: &Value, payload: &[u8]) {
    let header = header.to_string().into_bytes();
    let mut bytes = (header.len() as u32).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    write_bytes(&bytes);
}

fn write_bytes(bytes: &[u8]) {
    let mut output = std::io::stdout().lock();
    if output.write_all(bytes).and_then(|()| output.flush()).is_err() {
        std::process::exit(0);
    }
}
