//! Columns as bytes, little-endian, one after another. Must never lose a digit.

/// Bytes that are no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// They end within an event.
    #[error("the kept events end too early")]
    CutShort,
    /// A grade of evidence, an action or a district that there is not.
    #[error("the kept events are malformed")]
    Malformed,
}

/// Appends a column.
pub(super) fn put<T: Copy, const N: usize>(to: &mut Vec<u8>, column: &[T], bytes: impl Fn(T) -> [u8; N]) {
    to.reserve(column.len().saturating_mul(N));
    for value in column {
        to.extend_from_slice(&bytes(*value));
    }
}

/// Takes a column of so many rows from the front.
pub(super) fn take<T, const N: usize>(
    from: &mut &[u8],
    rows: usize,
    read: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, RowError> {
    let (column, rest) = from.split_at_checked(rows.saturating_mul(N)).ok_or(RowError::CutShort)?;
    *from = rest;
    Ok(column.as_chunks::<N>().0.iter().map(|bytes| read(*bytes)).collect())
}
