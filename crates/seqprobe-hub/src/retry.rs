//! Failures that may pass are tried again, within bounds.

use crate::error::HubError;
use std::time::Duration;

/// How long to wait and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// A request is given up after this many failures in a row that gained no byte.
    pub attempts: u32,
    /// Pause after the first failure; doubled after each further one.
    pub first_pause: Duration,
    /// The longest pause, also when the hub asks for a longer one.
    pub longest_pause: Duration,
    /// The longest time without an answer on a connection.
    pub timeout: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
            timeout: Duration::from_secs(60),
        }
    }
}

/// Why an attempt failed.
pub(crate) enum Failed {
    /// Another attempt would fail too.
    Final(HubError),
    /// The next attempt may succeed, after the pause that the server asks for.
    Passing(HubError, Option<Duration>),
}

impl From<HubError> for Failed {
    fn from(error: HubError) -> Self {
        Self::Final(error)
    }
}

/// Tries until an attempt succeeds, fails for good, or too many in a row failed without gaining anything. The attempt
/// sets its argument when it gained something.
pub(crate) fn with_retries<T>(
    policy: RetryPolicy,
    mut attempt: impl FnMut(&mut bool) -> Result<T, Failed>,
) -> Result<T, HubError> {
    let mut failures = 0;
    loop {
        let mut gained = false;
        let (error, asked) = match attempt(&mut gained) {
            Ok(value) => return Ok(value),
            Err(Failed::Final(error)) => return Err(error),
            Err(Failed::Passing(error, asked)) => (error, asked),
        };
        failures = if gained { 1 } else { failures + 1 };
        match pause(policy, failures, asked) {
            Some(pause) => std::thread::sleep(pause),
            None => return Err(error),
        }
    }
}

/// Returns how long to wait after so many failures in a row; `None` to give up.
fn pause(policy: RetryPolicy, failures: u32, asked: Option<Duration>) -> Option<Duration> {
    if failures >= policy.attempts {
        return None;
    }
    let doubled = policy.first_pause.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    match asked {
        Some(asked) => (asked <= policy.longest_pause).then(|| asked.max(policy.first_pause)),
        None => Some(doubled.min(policy.longest_pause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_follow_the_server_and_end() {
        let policy = RetryPolicy {
            attempts: 4,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(3),
            timeout: Duration::from_secs(1),
        };
        let seconds = |failures, asked: Option<u64>| {
            pause(policy, failures, asked.map(Duration::from_secs)).map(|pause| pause.as_secs())
        };
        assert_eq!([1, 2, 3, 4].map(|failures| seconds(failures, None)), [Some(1), Some(2), Some(3), None]);
        assert_eq!([0, 2, 3, 4].map(|asked| seconds(1, Some(asked))), [Some(1), Some(2), Some(3), None]);
    }
}
