//! Calls into libraries that panic where a file is damaged.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// True while a call of this thread is contained: its panic is not shown.
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Makes a call and returns its result, or the message of its panic. For libraries that read files and panic on
/// damaged ones; the caller drops what the call has changed.
///
/// # Errors
/// The message of the panic.
///
/// # Examples
/// ```
/// assert_eq!(seqprobe_files::contained(|| 2), Ok(2));
/// assert_eq!(seqprobe_files::contained(|| -> u8 { panic!("no {}", 1) }), Err("no 1".to_owned()));
/// ```
pub fn contained<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let shown = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_CONTAINED.get() {
                shown(panic);
            }
        }));
    });
    let outer = IS_CONTAINED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    IS_CONTAINED.set(outer);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}
