//! The rule file: read, checked, compiled, evaluated, explained.

use crate::amount::{Points, ReductionMg};

/// Interim
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence { Operator }
impl Evidence { pub fn word(self)->&'static str {"operator"} pub fn from_word(_w:&str)->Option<Self>{Some(Self::Operator)} }
/// x
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage { pub events: i64, pub points: Points, pub reduction: ReductionMg, pub quantity: i64 }
