//! What a rule set says of the programme as a whole: campaigns, budgets, levels, badges, prizes; and which of
//! its features need more than a decision to work.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::badge::{Badge, DayTotal, Earned};
use super::budget::Budget;
use super::campaign::Campaign;
use super::cap::{Cap, CapScope};
use super::level::{Level, level};
use super::prize::Prize;
use super::ruleset::RuleSet;
use super::schedule::SpentPoints;
use crate::amount::{Points, ReductionMg};

/// A part of the language that a decision alone cannot keep: someone must store something for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Earlier readings are kept.
    History,
    /// The citizen's district is told and campaigns' budgets are kept.
    Campaigns,
    /// What was issued under budgets is kept, and points that wait are paid.
    Budgets,
    /// Usage is kept for cards or devices.
    ScopedCaps,
    /// Points become spendable later.
    Settle,
    /// The stretches of acts are kept and compared.
    SameAct,
    /// Acts wait for a reviewer.
    Holds,
    /// Balances may fall below zero.
    NegativeBalances,
}

impl Feature {
    /// The key of the rule file that asks for it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Campaigns => "campaigns",
            Self::Budgets => "budgets",
            Self::ScopedCaps => "caps: of",
            Self::Settle => "settle",
            Self::SameAct => "same_act",
            Self::Holds => "hold",
            Self::NegativeBalances => "reversal: allow_negative",
        }
    }
}

impl RuleSet {
    /// The parts of the language that this rule set uses and that a decision alone cannot keep.
    #[must_use]
    pub fn features(&self) -> BTreeSet<Feature> {
        let scoped = |cap: &Cap| cap.scope() != CapScope::Citizen;
        let any = |test: fn(&super::Action) -> bool| self.actions().any(test);
        let used = [
            (Feature::History, any(|action| !action.history().is_empty())),
            (Feature::Campaigns, !self.programme.campaigns.is_empty()),
            (Feature::Budgets, !self.programme.budgets.is_empty()),
            (Feature::ScopedCaps, self.actions().any(|action| action.caps().iter().any(scoped))),
            (Feature::Settle, any(|action| action.settle_days > 0)),
            (Feature::SameAct, any(|action| action.same_act().is_some())),
            (Feature::Holds, any(|action| !action.holds().is_empty())),
            (Feature::NegativeBalances, self.reversal() == SpentPoints::AllowNegative),
        ];
        used.into_iter().filter(|(_, used)| *used).map(|(feature, _)| feature).collect()
    }

    /// All campaigns, in the order of the file.
    pub fn campaigns(&self) -> impl Iterator<Item = &Campaign> {
        self.programme.campaigns.iter().map(Arc::as_ref)
    }

    /// All budgets of the programme, in the order of the file.
    pub fn budgets(&self) -> impl Iterator<Item = &Budget> {
        self.programme.budgets.iter().map(Arc::as_ref)
    }

    /// The levels, the lowest first.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.programme.levels
    }

    /// The level that all that a citizen was ever granted reaches; none where there are no levels.
    #[must_use]
    pub fn level(&self, points: Points, reduction: ReductionMg) -> Option<&Level> {
        level(&self.programme.levels, points, reduction)
    }

    /// All badges, in the order of the file.
    #[must_use]
    pub fn badges(&self) -> &[Badge] {
        &self.programme.badges
    }

    /// The badges that a citizen's days reach, in the order of the file.
    #[must_use]
    pub fn badges_earned(&self, days: &[DayTotal<'_>]) -> Vec<Earned<'_>> {
        let earned = |badge| Badge::reached_on(badge, days).map(|on| Earned { badge, on });
        self.programme.badges.iter().filter_map(earned).collect()
    }

    /// All prizes, in the order of the file.
    #[must_use]
    pub fn prizes(&self) -> &[Prize] {
        &self.programme.prizes
    }
}
