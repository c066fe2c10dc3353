//! Who someone is: keys, tokens, phones, codes, API keys. Pure of databases: the use cases bring those.

pub mod cursor;
pub mod keys;
