//! Who someone is: keys, tokens, phones, codes, API keys. Pure of databases: the use cases bring those.
//!
//! Nothing here prints a secret, a phone or a subject: such types write `***` where they are debugged.

pub mod api_key;
pub mod code;
pub mod cursor;
pub mod entropy;
pub mod keys;
pub mod known_keys;
pub mod phone;
pub mod refresh;
pub mod role;
pub mod secret;
pub mod token;
pub mod webhook_secret;
