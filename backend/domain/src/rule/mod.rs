//! The rule file: read, checked, compiled, evaluated, explained.
//!
//! Officers own the file; this room turns it into proven integer code. It must never guess, round in
//! silence, read a float, or ignore a key that it does not know.

mod action;
mod call;
mod cap;
mod catalogue;
mod check;
mod choose;
mod code;
mod counterexample;
mod decision;
mod diagnostic;
mod era;
mod evaluate;
mod evidence;
mod exact;
mod example;
mod expectation;
mod explain;
mod expression;
mod file;
mod input;
mod inputs;
mod membership;
mod misread;
mod parameter;
mod parse;
mod payout;
mod program;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "bytes of a tape stay small")]
mod random_rules;
mod receipt;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "big fractions cannot overflow")]
mod reference;
mod ruleset;
mod schedule;
mod section;
mod slip;
mod syntax;
mod telling;
mod token;
mod unit;
mod verdict;
mod yaml;

pub use action::{Action, Condition};
pub use cap::{Cap, CapLimit, CapWindow};
pub use decision::{Credit, Decision, ENGINE_VERSION, Facts, Receipt, Refusal, Usage};
pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Place, Severity};
pub use evidence::Evidence;
pub use exact::Decimal;
pub use example::{ActionCases, CasesSummary};
pub use explain::{
    ExplainedCap, ExplainedCondition, ExplainedEvidence, ExplainedInput, ExplainedParameter, ExplainedStep,
    Explanation, Outcome,
};
pub use expression::evaluate_expression;
pub use input::{InputKind, InputSpec, NumberSpec};
pub use inputs::{InputProblem, InputValue, Inputs};
pub use parameter::{Confidence, Parameter, ParameterValue, Source};
pub use receipt::{RECEIPT_BYTES_MAX, ReceiptBytes, ReceiptError};
pub use ruleset::{RuleSet, SourceFile};
pub use schedule::Acceptance;
pub use unit::Unit;
pub use verdict::{Granted, Reason, SLOTS_MAX, Scratch, Slots, Typed, Verdict};
