//! Lists: `?limit=` and an opaque `?cursor=` in, `{"items": [...], "next_cursor": ...}` out.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use tanhui_service::identity::cursor::CursorSealer;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::http::problem::{Code, Problem};

/// Most items on a page.
pub const LIMIT_MAX: u16 = 100;
/// Items on a page when the caller does not say.
pub const LIMIT_DEFAULT: u16 = 20;
/// Longest cursor, in bytes.
pub const CURSOR_BYTES_MAX: usize = 512;

/// How many items to list: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(LIMIT_MAX))
            .default(Some(LIMIT_DEFAULT.into()))
            .into()
    }
}

impl ToSchema for Limit {}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = u16::deserialize(deserializer)?;
        if (1..=LIMIT_MAX).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(D::Error::custom(format_args!("limit is {limit}; 1 to {LIMIT_MAX}")))
        }
    }
}

/// Where a list goes on. Opaque to callers, and sealed: a cursor of another list or another making is
/// refused.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Cursor(String);

impl Cursor {
    /// What `write` put in for the same list.
    pub fn read<T: DeserializeOwned>(&self, sealer: &CursorSealer, list: &str) -> Result<T, Problem> {
        Some(&self.0)
            .filter(|text| text.len() <= CURSOR_BYTES_MAX)
            .and_then(|text| sealer.open(list, text))
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| {
                Problem::new(Code::InvalidCursor)
                    .detail("请原样使用上一页的 next_cursor。", "Use next_cursor of the last page as it is.")
            })
    }

    /// A cursor that goes on at `place`.
    pub fn write(sealer: &CursorSealer, list: &str, place: &impl Serialize) -> Result<String, Problem> {
        let bytes = serde_json::to_vec(place).map_err(Problem::internal)?;
        Ok(sealer.seal(list, &bytes))
    }
}

/// What every list takes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Most items on the page.
    #[serde(default)]
    pub limit: Limit,
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
}

impl Listing {
    /// How many rows to read: one more than shown, which says whether the list goes on.
    #[must_use]
    pub fn rows(&self) -> i64 {
        i64::from(self.limit.get()).saturating_add(1)
    }

    /// After which place to go on; none at the list's beginning.
    pub fn after<T: DeserializeOwned>(
        &self,
        sealer: &CursorSealer,
        list: &str,
    ) -> Result<Option<T>, Problem> {
        self.cursor.as_ref().map(|cursor| cursor.read(sealer, list)).transpose()
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Send this back for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page with each item turned into another.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(turn).collect(), next_cursor: self.next_cursor }
    }

    /// A page out of up to `limit + 1` items: the one too many says that the list goes on after `place(last
    /// shown)`.
    pub fn cut<P: Serialize>(
        mut items: Vec<T>,
        limit: Limit,
        (sealer, list): (&CursorSealer, &str),
        place: impl Fn(&T) -> P,
    ) -> Result<Self, Problem> {
        let more = items.len() > usize::from(limit.get());
        items.truncate(usize::from(limit.get()));
        let next_cursor = match items.last() {
            Some(shown) if more => Some(Cursor::write(sealer, list, &place(shown))?),
            Some(_) | None => None,
        };
        Ok(Self { items, next_cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Asked {
        #[serde(default)]
        limit: Limit,
    }

    #[test]
    fn limits_are_held_at_both_ends() {
        for (query, limit) in [("", Some(20)), ("limit=1", Some(1)), ("limit=100", Some(100))] {
            let asked: Asked = serde_urlencoded::from_str(query).unwrap();
            assert_eq!(Some(asked.limit.get()), limit, "{query}");
        }
        for query in ["limit=0", "limit=101", "limit=-1", "limit=ten", "limit=65536"] {
            assert!(serde_urlencoded::from_str::<Asked>(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_page_goes_on_only_when_there_is_more() {
        let sealer = CursorSealer::new([7; 32]);
        let at = (&sealer, "numbers");
        let page = Page::cut((1..=21).collect(), Limit::default(), at, |last: &i32| *last).unwrap();
        assert_eq!(page.items.len(), 20);
        let cursor = Cursor(page.next_cursor.unwrap());
        assert_eq!(cursor.read::<i32>(&sealer, "numbers").unwrap(), 20);
        assert_eq!(cursor.read::<i32>(&sealer, "letters").unwrap_err().code(), Code::InvalidCursor);
        let last = Page::cut((1..=20).collect(), Limit::default(), at, |last: &i32| *last).unwrap();
        assert_eq!(last.next_cursor, None);
        let long = Cursor("A".repeat(CURSOR_BYTES_MAX + 1));
        assert_eq!(long.read::<i32>(&sealer, "numbers").unwrap_err().code(), Code::InvalidCursor);
    }
}
