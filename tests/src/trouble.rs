//! Why a test could not go on, and where it stood.

use std::fmt;
use std::panic::Location;

/// Anything that stops a test, with the line that asked.
pub struct Trouble {
    place: &'static Location<'static>,
    what: String,
}

/// What a test, or a step of one, gives.
pub type Outcome<T = ()> = Result<T, Trouble>;

impl<E: fmt::Display> From<E> for Trouble {
    #[track_caller]
    fn from(error: E) -> Self {
        Self { place: Location::caller(), what: error.to_string() }
    }
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
