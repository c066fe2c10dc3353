//! Reading a request into types. Whatever does not fit is answered as a problem that names the place.

mod caller;
mod events;
mod idempotency;
mod if_match;
mod json;
mod me;
mod partner;
mod path;
mod query;
mod staff;

pub use self::caller::{
    AsAdmin, AsCitizen, AsCityApprover, AsCityEditor, AsCityReviewer, AsCityViewer, Caller,
};
pub use self::events::{EVENTS_BYTES_MAX, EventsBody};
pub use self::idempotency::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, IdempotencyKey};
pub use self::if_match::{IfMatch, etag};
pub use self::json::{Json, content_type, parse_json, read_body};
pub use self::me::Me;
pub use self::partner::AsPartner;
pub use self::path::Path;
pub use self::query::Query;
pub use self::staff::{AsMerchantOwner, AsMerchantStaff};

use serde_path_to_error::{Path as Place, Segment};

/// JSON pointer (RFC 6901) of a place in what was being read.
fn pointer(place: &Place) -> String {
    let mut pointer = String::new();
    for segment in place {
        match segment {
            Segment::Seq { index } => pointer.extend(["/", &index.to_string()]),
            Segment::Map { key } => pointer.extend(["/", &key.replace('~', "~0").replace('/', "~1")]),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}
