//! Paths that begin with `~/`, in suites and on the command line where no shell expands them.

use std::borrow::Cow;
use std::path::Path;

/// A path with `~/` replaced by the home folder; any other text as it is, also where there is no home folder.
pub(crate) fn from_home(text: &str) -> Cow<'_, str> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Cow::Owned(Path::new(&home).join(rest).to_string_lossy().into_owned()),
        _ => Cow::Borrowed(text),
    }
}
