//! Numbers and parts of a stored receipt as bytes. Must never read past the end.

use super::ReceiptError;

pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7F {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7F) as u8);
}

pub(super) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// What is left to be read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Result<u8, ReceiptError> {
        let (first, rest) = self.0.split_first().ok_or(ReceiptError::CutShort)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, ReceiptError> {
        let mut number = 0;
        for shift in (0_u32..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(ReceiptError::OutOfRange)
    }

    pub(super) fn signed(&mut self) -> Result<i64, ReceiptError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ (number & 1).cast_signed().saturating_neg())
    }

    pub(super) fn section(&mut self) -> Result<(u8, Self), ReceiptError> {
        let tag = self.byte()?;
        let length = usize::try_from(self.number()?).map_err(|_| ReceiptError::CutShort)?;
        Ok((tag, self.take(length)?))
    }

    pub(super) fn take(&mut self, length: usize) -> Result<Self, ReceiptError> {
        let (body, rest) = self.0.split_at_checked(length).ok_or(ReceiptError::CutShort)?;
        self.0 = rest;
        Ok(Self(body))
    }

    /// So many bytes.
    pub(super) fn bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], ReceiptError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(ReceiptError::CutShort)?;
        self.0 = rest;
        Ok(*bytes)
    }

    /// All that is left, as text.
    pub(super) fn text(&mut self, bytes_max: usize) -> Result<String, ReceiptError> {
        let text = std::str::from_utf8(self.0).ok().filter(|text| text.len() <= bytes_max);
        self.0 = &[];
        text.map(str::to_owned).ok_or(ReceiptError::OutOfRange)
    }

    /// All that is left, one after another.
    pub(super) fn each<T>(
        &mut self,
        most: usize,
        read: impl Fn(&mut Self) -> Result<T, ReceiptError>,
    ) -> Result<Vec<T>, ReceiptError> {
        let mut all = Vec::new();
        while !self.is_empty() {
            if all.len() == most {
                return Err(ReceiptError::OutOfRange);
            }
            all.push(read(self)?);
        }
        Ok(all)
    }
}
