//! The rule file: read, checked, compiled, evaluated, explained.
//!
//! Officers own the file; this room turns it into proven integer code. It must never guess, round in
//! silence, read a float, or ignore a key that it does not know.

mod action;
mod action_section;
#[cfg(test)]
mod agreement;
mod background;
mod badge;
mod batch;
mod budget;
mod call;
mod campaign;
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
mod explain_fund;
mod expression;
mod factor;
mod file;
mod final_value;
mod format;
mod fund;
mod grant;
mod history;
mod input;
mod input_value;
mod inputs;
mod level;
mod membership;
mod misread;
mod multiplier;
mod parameter;
mod parse;
mod payout;
mod prize;
mod program;
mod programme;
mod prove;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "bytes of a tape stay small")]
mod random_rules;
mod receipt;
mod reckoning;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "big fractions cannot overflow")]
mod reference;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "big fractions cannot overflow, and random numbers are small"
)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bits of random numbers")]
mod reference_grant;
mod ruleset;
mod same_act;
mod schedule;
mod schema;
mod season;
mod section;
mod slip;
mod syntax;
mod telling;
mod token;
mod unit;
mod verdict;
mod words;
mod yaml;

pub use action::{Action, Condition};
pub use badge::{Badge, DayTotal, Earned, Streaks};
pub use batch::{BATCH_ROWS, Batch, EventColumns, Formed};
pub use budget::{
    Budget, BudgetWindow, Share, Shares, Spare, WhenExhausted, pay_queue, prorate, prorate_by_size,
};
pub use campaign::Campaign;
pub use cap::{Cap, CapLimit, CapScope, CapWindow};
pub use decision::{Credit, Decision, ENGINE_VERSION, Facts, Hold, Receipt, Refusal, Usage};
pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Place, Severity};
pub(crate) use evaluate::{form, settle};
pub use evidence::Evidence;
pub use exact::Decimal;
pub use example::{ActionCases, CasesSummary};
pub use expectation::grams_text;
pub use explain::{
    ExplainedCondition, ExplainedEvidence, ExplainedInput, ExplainedParameter, ExplainedStep, Explanation,
    Outcome,
};
pub use explain_fund::{ExplainedCap, ExplainedFactor, ExplainedFund, ExplainedHistory};
pub use expression::evaluate_expression;
pub use format::format_rules;
pub(crate) use fund::Drawn;
pub use grant::CapUse;
pub use history::{Aggregate, LookBack, READINGS_MAX, Readings};
pub use input::{InputKind, InputSpec, NumberSpec, Pays};
pub use input_value::{InputValue, Inputs};
pub use inputs::InputProblem;
pub use level::{Level, Reach};
pub use multiplier::{Multiplier, Stacking};
pub use parameter::{Confidence, Parameter, ParameterValue, Source};
pub use prize::{BoardOf, Prize};
pub use programme::Feature;
pub use prove::{Examination, Mutants, SECTIONS_UNTRIED, unchecked_numbers};
pub use receipt::{RECEIPT_BYTES_MAX, ReceiptBytes, ReceiptError};
pub use reckoning::{Reckoned, Reckoning};
pub use ruleset::{RuleSet, SourceFile};
pub(crate) use same_act::shares;
pub use same_act::{ActSpan, SameAct};
pub use schedule::{Acceptance, SpentPoints};
pub use schema::json_schema;
pub use unit::Unit;
pub(crate) use verdict::SlotsOf;
pub use verdict::{Granted, Reason, SLOTS_MAX, Scratch, Slots, Typed, Verdict};
pub use words::in_words;
