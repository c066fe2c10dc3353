//! How the slots of a kept event become those of an action that may have changed since. Must give what
//! reading the event anew gives.

use super::block::Part;
use super::shape::{Kind, Shape};
use crate::rule::{Action, InputKind, InputSpec, Unit};

/// A value that no input takes: the event does not fit.
const UNFIT: i64 = i64::MIN;

/// Where one slot of an action comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// A column of the shape as it is.
    Same(usize),
    /// A column counted in another last decimal: times the first, divided by the second.
    Recounted(usize, i64, i64),
    /// A column of places among other options.
    Renumbered(usize, Vec<i64>),
    /// The same for every event.
    Fixed(i64),
}

/// How a shape's slots become an action's.
#[derive(Debug)]
pub(super) struct Lens {
    sources: Vec<Source>,
    /// For each input of the action that is an identifier, its column in the shape.
    ids: Vec<Option<usize>>,
}

impl Lens {
    /// None where no event of the shape can be one of the action.
    pub(super) fn new(shape: &Shape, action: &Action) -> Option<Self> {
        let sources = action.inputs().iter().map(|spec| source(shape, spec)).collect::<Option<_>>()?;
        let id = |spec: &InputSpec| {
            let named = |(name, kind): &(String, Kind)| name == spec.name() && *kind == Kind::Id;
            shape.inputs.iter().position(named).filter(|_| matches!(spec.kind(), InputKind::Id))
        };
        Some(Self { sources, ids: action.inputs().iter().map(id).collect() })
    }

    /// The column of the identifier at a place among the action's inputs.
    pub(super) fn id(&self, place: usize) -> Option<usize> {
        self.ids.get(place).copied().flatten()
    }

    /// The columns that have to be made, in the order of the slots.
    pub(super) fn made(&self, part: &Part) -> Vec<Vec<i64>> {
        let made = |source: &Source| match source {
            Source::Same(_) => Vec::new(),
            Source::Recounted(from, times, by) => turned(part, *from, |value| recounted(value, *times, *by)),
            Source::Renumbered(from, places) => turned(part, *from, |value| {
                let place = usize::try_from(value).ok().and_then(|value| places.get(value));
                place.copied().unwrap_or(UNFIT)
            }),
            Source::Fixed(value) => vec![*value; part.days.len()],
        };
        self.sources.iter().map(made).collect()
    }

    /// All slots of the action as columns: the moment's, then its inputs'.
    pub(super) fn columns<'c>(&self, part: &'c Part, made: &'c [Vec<i64>]) -> Vec<&'c [i64]> {
        let moment = [part.days.as_slice(), part.seconds.as_slice()];
        let inputs = self.sources.iter().zip(made).map(|(source, made)| match source {
            Source::Same(place) => part.slots.get(*place).map_or(&[][..], Vec::as_slice),
            Source::Recounted(..) | Source::Renumbered(..) | Source::Fixed(_) => made.as_slice(),
        });
        moment.into_iter().chain(inputs).collect()
    }
}

fn source(shape: &Shape, spec: &InputSpec) -> Option<Source> {
    let Some(place) = shape.inputs.iter().position(|(name, _)| name == spec.name()) else {
        return spec.default_slot().map(Source::Fixed);
    };
    let (_, kind) = shape.inputs.get(place)?;
    match (kind, spec.kind()) {
        (Kind::Number { unit, decimals }, InputKind::Number(number)) => {
            let (times, by) = number.recounted(Unit::named(unit)?, *decimals)?;
            Some(if (times, by) == (1, 1) {
                Source::Same(place)
            } else {
                Source::Recounted(place, times, by)
            })
        }
        (Kind::YesNo, InputKind::YesNo) => Some(Source::Same(place)),
        (Kind::Choice { of }, InputKind::Choice(options)) if **of == **options => Some(Source::Same(place)),
        (Kind::Choice { of }, InputKind::Choice(options)) => {
            let number = |word: &String| {
                let place = options.iter().position(|option| option == word);
                place.and_then(|place| i64::try_from(place).ok()).unwrap_or(UNFIT)
            };
            Some(Source::Renumbered(place, of.iter().map(number).collect()))
        }
        // Formulas know nothing of identifiers.
        (Kind::Id, InputKind::Id) => Some(Source::Fixed(0)),
        (Kind::Number { .. } | Kind::YesNo | Kind::Choice { .. } | Kind::Id, _) => None,
    }
}

fn turned(part: &Part, from: usize, turn: impl Fn(i64) -> i64) -> Vec<i64> {
    part.slots.get(from).into_iter().flatten().map(|value| turn(*value)).collect()
}

fn recounted(value: i64, times: i64, by: i64) -> i64 {
    let count = value.checked_mul(times);
    let exact = count.filter(|count| count.checked_rem(by) == Some(0));
    exact.and_then(|count| count.checked_div(by)).unwrap_or(UNFIT)
}
