//! The stack machine of Python's pickle, as far as `torch.save` uses it (protocols 2 to 5). It builds plain values and
//! runs nothing.
//!
//! Memory is bounded by the length of the pickle: every instruction makes at most one value, and text is not copied.
//! Objects are indices into an arena, so nothing nests and nothing recurses.

use super::error::PickleError;
use super::globals::{self, Global};
use super::objects::{self, Object, Span, Value};

/// The arena of a pickle that was read to its end.
pub(super) struct Pickle<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) objects: Vec<Object>,
    /// The value that the pickle describes.
    pub(super) root: Value,
}

/// Runs a pickle.
pub(super) fn run(bytes: &[u8]) -> Result<Pickle<'_>, PickleError> {
    let mut machine = Machine {
        bytes,
        place: 0,
        instruction: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: std::collections::HashMap::new(),
        objects: Vec::new(),
        n_copied: 0,
    };
    loop {
        machine.instruction = machine.place;
        let code = machine.byte()?;
        if code == b'.' {
            let root = machine.pop()?;
            return Ok(Pickle { bytes, objects: machine.objects, root });
        }
        machine.step(code)?;
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    /// Next byte to read.
    place: usize,
    /// First byte of the instruction that is running.
    instruction: usize,
    stack: Vec<Value>,
    /// Heights of the stack where a mark was set.
    marks: Vec<usize>,
    memo: std::collections::HashMap<u32, Value>,
    objects: Vec<Object>,
    /// Values that were copied out of other objects.
    n_copied: usize,
}

impl<'a> Machine<'a> {
    fn step(&mut self, code: u8) -> Result<(), PickleError> {
        match code {
            0x80 => self.protocol(),
            0x95 => self.frame(),
            // Plain values.
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => self.unsigned(1),
            b'M' => self.unsigned(2),
            b'J' => {
                let bytes = self.array::<4>()?;
                self.push(Value::Integer(i64::from(i32::from_le_bytes(bytes))))
            }
            0x8a => self.long(1),
            0x8b => self.long(4),
            b'G' => {
                self.array::<8>()?;
                self.push(Value::Data)
            }
            // Numbers and text as lines, of protocol 0. They are read so that a global after them is reported.
            b'S' | b'V' | b'I' | b'L' | b'F' => {
                self.line()?;
                self.push(Value::Data)
            }
            // Text and bytes, after their length.
            0x8c => self.text(1),
            b'X' => self.text(4),
            0x8d => self.text(8),
            b'U' => self.text(1),
            b'T' => self.text(4),
            b'C' => self.data(1),
            b'B' => self.data(4),
            0x8e | 0x96 => self.data(8),
            // Containers.
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b')' => self.push_object(Object::Tuple(Vec::new())),
            b't' => {
                let items = self.pop_to_mark()?;
                self.push_object(Object::Tuple(items))
            }
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b']' => self.push_object(Object::List(Vec::new())),
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push_object(Object::List(items))
            }
            b'a' => {
                let item = self.pop()?;
                self.extend_list(vec![item])
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.extend_list(items)
            }
            b'}' => self.push_object(Object::Dictionary(Vec::new())),
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push_object(Object::Dictionary(Vec::new()))?;
                self.extend_dictionary(&items)
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend_dictionary(&[key, value])
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.extend_dictionary(&items)
            }
            0x8f => self.push(Value::Data),
            0x90 => {
                self.pop_to_mark()?;
                match self.top()? {
                    Value::Data => Ok(()),
                    _ => Err(self.error("items are added to something that is not a set")),
                }
            }
            0x91 => {
                self.pop_to_mark()?;
                self.push(Value::Data)
            }
            // The stack and the memo.
            b'0' => self.discard(),
            b'1' => self.pop_to_mark().map(|_| ()),
            b'2' => {
                let top = self.top()?;
                self.push(top)
            }
            b'q' => {
                let key = u32::from(self.byte()?);
                self.remember(key)
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.remember(key)
            }
            0x94 => self.remember(self.memo.len() as u32),
            b'h' => {
                let key = u32::from(self.byte()?);
                self.recall(key)
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)
            }
            // Names and calls.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (module, name) else {
                    return Err(self.error("a global's name is not text"));
                };
                self.global(module.of(self.bytes), name.of(self.bytes))
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                Err(self.call_error(globals::find(module, name), module, name))
            }
            b'o' => self.old_object(),
            b'R' | 0x81 => self.call(),
            b'b' => self.build(),
            b'Q' => {
                let id = self.pop()?;
                let storage = objects::storage(id, &self.objects, self.bytes);
                let storage = storage.map_err(|problem| self.error(problem))?;
                self.push_object(storage)
            }
            other => Err(self.error(&format!(
                "instruction {:?} (0x{other:02x}) is not one that torch.save writes",
                char::from(other)
            ))),
        }
    }

    fn error(&self, problem: &str) -> PickleError {
        PickleError::Malformed { place: self.instruction, problem: problem.to_owned() }
    }

    // ---- reading ----

    fn take(&mut self, length: usize) -> Result<Span, PickleError> {
        let end = self.place.checked_add(length).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            let left = self.bytes.len() - self.place;
            return Err(self.error(&format!("{length} bytes are announced, {left} are left")));
        };
        let span = Span { start: self.place as u32, end: end as u32 };
        self.place = end;
        Ok(span)
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let span = self.take(N)?;
        span.bytes_of(self.bytes).try_into().map_err(|_| self.error("cut off"))
    }

    /// A length of 1, 2, 4 or 8 bytes.
    fn length(&mut self, width: usize) -> Result<usize, PickleError> {
        let bytes = self.take(width)?.bytes_of(self.bytes);
        let number = bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).map_err(|_| self.error("a length is too large"))
    }

    fn line(&mut self) -> Result<&'a str, PickleError> {
        let rest = self.bytes.get(self.place..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(self.error("a name does not end"));
        };
        let span = self.take(length)?;
        self.take(1)?;
        std::str::from_utf8(span.bytes_of(self.bytes)).map_err(|_| self.error("a name is not UTF-8"))
    }

    fn protocol(&mut self) -> Result<(), PickleError> {
        match self.byte()? {
            2..=5 => Ok(()),
            other => Err(self.error(&format!("protocol {other}, expected 2 to 5"))),
        }
    }

    fn frame(&mut self) -> Result<(), PickleError> {
        let length = self.length(8)?;
        let left = self.bytes.len() - self.place;
        if length > left {
            return Err(self.error(&format!("a frame of {length} bytes is announced, {left} are left")));
        }
        Ok(())
    }

    // ---- plain values ----

    fn unsigned(&mut self, width: usize) -> Result<(), PickleError> {
        let number = self.length(width)?;
        self.push(Value::Integer(number as i64))
    }

    /// A signed number of any length. Numbers beyond 64 bits are data that is not needed.
    fn long(&mut self, width: usize) -> Result<(), PickleError> {
        let length = self.length(width)?;
        let bytes = self.take(length)?.bytes_of(self.bytes);
        let value = match bytes.last() {
            None => Value::Integer(0),
            Some(_) if bytes.len() > 8 => Value::Data,
            Some(last) => {
                let fill = if last & 0x80 == 0 { 0 } else { 0xff };
                let mut whole = [fill; 8];
                whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                Value::Integer(i64::from_le_bytes(whole))
            }
        };
        self.push(value)
    }

    fn text(&mut self, width: usize) -> Result<(), PickleError> {
        let length = self.length(width)?;
        let span = self.take(length)?;
        let is_text = std::str::from_utf8(span.bytes_of(self.bytes)).is_ok();
        // Python 2 wrote bytes like text.
        self.push(if is_text { Value::Text(span) } else { Value::Data })
    }

    fn data(&mut self, width: usize) -> Result<(), PickleError> {
        let length = self.length(width)?;
        self.take(length)?;
        self.push(Value::Data)
    }

    // ---- stack ----

    fn push(&mut self, value: Value) -> Result<(), PickleError> {
        self.stack.push(value);
        Ok(())
    }

    fn push_object(&mut self, object: Object) -> Result<(), PickleError> {
        let index = self.objects.len() as u32;
        self.objects.push(object);
        self.push(Value::Object(index))
    }

    /// The part of the stack below the last mark, which instructions after the mark cannot reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Value, PickleError> {
        let value = if self.stack.len() > self.floor() { self.stack.pop() } else { None };
        value.ok_or_else(|| self.error("the stack is empty"))
    }

    fn top(&self) -> Result<Value, PickleError> {
        let value = if self.stack.len() > self.floor() { self.stack.last() } else { None };
        value.copied().ok_or_else(|| self.error("the stack is empty"))
    }

    /// Python's `POP` removes a mark if one is on top.
    fn discard(&mut self) -> Result<(), PickleError> {
        if !self.marks.is_empty() && self.stack.len() == self.floor() {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(|_| ())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, PickleError> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => Err(self.error("there is no mark on the stack")),
        }
    }

    fn tuple(&mut self, length: usize) -> Result<(), PickleError> {
        if self.stack.len() < self.floor() + length {
            return Err(self.error("the stack is empty"));
        }
        let items = self.stack.split_off(self.stack.len() - length);
        self.push_object(Object::Tuple(items))
    }

    fn remember(&mut self, key: u32) -> Result<(), PickleError> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), PickleError> {
        let value = self.memo.get(&key).copied();
        let value = value.ok_or_else(|| self.error(&format!("nothing is remembered as {key}")))?;
        self.push(value)
    }

    // ---- containers ----

    fn top_object(&mut self) -> Result<&mut Object, PickleError> {
        let error = self.error("something is added to a value that is not a container");
        match self.top()? {
            Value::Object(index) => self.objects.get_mut(index as usize).ok_or(error),
            _ => Err(error),
        }
    }

    fn extend_list(&mut self, items: Vec<Value>) -> Result<(), PickleError> {
        let error = self.error("items are appended to something that is not a list");
        match self.top_object()? {
            Object::List(list) => {
                list.extend(items);
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn extend_dictionary(&mut self, items: &[Value]) -> Result<(), PickleError> {
        let error =
            self.error("keys and values are added to something that is not a dictionary, or not in pairs");
        match self.top_object()? {
            Object::Dictionary(entries) if items.len().is_multiple_of(2) => {
                entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            _ => Err(error),
        }
    }

    // ---- names ----

    fn global(&mut self, module: &str, name: &str) -> Result<(), PickleError> {
        match globals::find(module, name) {
            Some(global) => self.push(Value::Global(global)),
            None => Err(self.call_error(None, module, name)),
        }
    }

    fn call_error(&self, known: Option<Global>, module: &str, name: &str) -> PickleError {
        match known {
            None => PickleError::Global { place: self.instruction, name: format!("{module}.{name}") },
            Some(_) => self.error(&format!("{module}.{name} is called in a way torch.save does not use")),
        }
    }

    /// `OBJ` of protocol 1; its name was checked when it was put on the stack.
    fn old_object(&mut self) -> Result<(), PickleError> {
        Err(self.error("instruction 'o' is not one that torch.save writes"))
    }

    fn call(&mut self) -> Result<(), PickleError> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let Value::Global(global) = callee else {
            return Err(self.error("something that is not a global is called"));
        };
        let made = objects::call(global, arguments, &self.objects, self.bytes);
        match made.map_err(|refused| self.error(&refused.to_string()))? {
            objects::Made::Value(value) => self.push(value),
            objects::Made::Object(object) => {
                if let Object::Dictionary(entries) = &object {
                    self.n_copied += entries.len();
                    if self.n_copied > self.bytes.len() {
                        return Err(self.error("dictionaries are copied over and over"));
                    }
                }
                self.push_object(object)
            }
        }
    }

    /// Attributes of an object. Only dictionaries have attributes here (`_metadata`), and they are not needed.
    fn build(&mut self) -> Result<(), PickleError> {
        self.pop()?;
        match self.top_object()? {
            Object::Dictionary(_) => Ok(()),
            _ => Err(self.error("attributes are set on something that is not a dictionary")),
        }
    }
}
